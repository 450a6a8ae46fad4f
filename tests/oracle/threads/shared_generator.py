from types import SimpleNamespace as State


def gen():
    i = 0
    while i < 2:
        yield i
        i += 1


def setup():
    return State(g=gen(), out=[])


def a(s):
    try:
        s.out.append(next(s.g))
    except StopIteration:
        s.out.append("stop")
    except ValueError:
        s.out.append("busy")


ACTORS = [a, a]


def outcome(s):
    return tuple(sorted(map(str, s.out)))
