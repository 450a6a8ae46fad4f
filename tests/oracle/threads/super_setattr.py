class P:
    def __init__(self):
        self.n = 0

    def __setattr__(self, k, v):
        super().__setattr__(k, v)


def setup():
    return P()


def a(s):
    s.n += 1


ACTORS = [a, a]


def outcome(s):
    return s.n
