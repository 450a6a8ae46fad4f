from types import SimpleNamespace as State


def setup():
    i = iter([1, 2, 3, 4])
    return State(z=zip(i, i, strict=False), i=i, out=[])


def a(s):
    s.out.append(next(s.z))


def b(s):
    s.out.append(next(s.i))


ACTORS = [a, b]


def outcome(s):
    return repr(s.out)
