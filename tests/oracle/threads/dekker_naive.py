from types import SimpleNamespace as State


def setup():
    return State(a=False, b=False, n=0)


def p(s):
    s.a = True
    if not s.b:
        s.n += 1


def q(s):
    s.b = True
    if not s.a:
        s.n += 1


ACTORS = [p, q]


def outcome(s):
    return s.n
