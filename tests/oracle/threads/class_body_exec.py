from types import SimpleNamespace as State

G = 0


def setup():
    global G
    G = 0
    return State(r=[])


def a(s):
    class X:
        y = G

    s.r.append(X.y)


def b(s):
    global G
    G = 1
    G = 2


ACTORS = [a, b]


def outcome(s):
    return tuple(s.r)
