from types import SimpleNamespace as State


def gen():
    x = yield 0
    while True:
        x = yield x


def setup():
    g = gen()
    next(g)
    return State(g=g, r=[])


def a(s):
    try:
        s.r.append(s.g.send(5))
    except (ValueError, StopIteration) as e:
        s.r.append(type(e).__name__)


def b(s):
    try:
        s.g.close()
    except ValueError:
        s.r.append("busy")


ACTORS = [a, b]


def outcome(s):
    return tuple(sorted(map(str, s.r)))
