from types import SimpleNamespace as State


def setup():
    return State(m={"k": 0, "v": [1, 2]}, got=None)


def a(s):
    s.m["k"] = 1
    s.m["v"] = [3]


def b(s):
    match s.m:
        case {"k": 1, "v": [x]}:
            s.got = ("one", x)
        case {"k": 0, "v": [x, y]}:
            s.got = ("two", x, y)
        case {"k": k}:
            s.got = ("mixed", k)


ACTORS = [a, b]


def outcome(s):
    return s.got
