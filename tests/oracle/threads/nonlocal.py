from types import SimpleNamespace as State


def make():
    n = 0

    def inc():
        nonlocal n
        n += 1
        return n

    return inc


def setup():
    return State(i=make(), r=[])


def a(s):
    s.r.append(s.i())


ACTORS = [a, a]


def outcome(s):
    return tuple(sorted(s.r))
