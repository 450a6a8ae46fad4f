from types import SimpleNamespace as State


def setup():
    return State(l=["b"], got=None)


def a(s):
    s.l.append("a")
    s.l.append("c")


def b(s):
    s.got = ",".join(s.l), len(s.l), "".join(sorted(s.l))


ACTORS = [a, b]


def outcome(s):
    return s.got
