class C:
    n = 0

    def bump(self):
        type(self).n = self.n + 1


def setup():
    C.n = 0
    return [C(), C()]


def a(s):
    s[0].bump()


def b(s):
    s[1].bump()


ACTORS = [a, b]


def outcome(s):
    return repr(C.n)
