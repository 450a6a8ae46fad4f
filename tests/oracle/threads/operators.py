from types import SimpleNamespace as State


class V:
    def __init__(self, x):
        self.x = x

    def __add__(self, o):
        return V(self.x + o.x)

    def __iadd__(self, o):
        self.x += o.x
        return self

    def __eq__(self, o):
        return self.x == o.x

    def __hash__(self):
        return hash(self.x)

    def __bool__(self):
        return self.x > 0

    def __len__(self):
        return self.x


def setup():
    return State(v=V(0), got=None)


def a(s):
    s.v += V(1)


def b(s):
    s.got = (bool(s.v), s.v == V(1), len(s.v))


ACTORS = [a, a, b]


def outcome(s):
    return s.v.x, s.got
