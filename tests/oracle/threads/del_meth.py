from types import SimpleNamespace as State


class D:
    def __init__(self, s):
        self.s = s

    def __del__(self):
        self.s.n += 1


def setup():
    return State(n=0)


def a(s):
    D(s)


ACTORS = [a, a]


def outcome(s):
    return repr(s.n)
