from types import SimpleNamespace as State


def setup():
    return State(d={"k": 1, "v": 2}, out=None)


def a(s):
    match s.d:
        case {"k": k, "v": v}:
            s.out = (k, v)
        case _:
            s.out = 0


def b(s):
    s.d["k"] = 3
    s.d["v"] = 4


ACTORS = [a, b]


def outcome(s):
    return repr(s.out)
