from types import SimpleNamespace as State


def setup():
    return State(i=iter([1, 2, 3, 4]), out=[])


def a(s):
    x = next(s.i)
    y = next(s.i)
    s.out.append((x, y))


ACTORS = [a, a]


def outcome(s):
    return repr(sorted(s.out))
