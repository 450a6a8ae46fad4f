"""A sequence lock: a reader that looks while somebody writes begins anew."""


class Base:
    def __init__(self):
        self.seq = 0
        self.a = self.b = 0
        self.got = None

    def write(self):
        self.seq += 1
        self.a += 1
        self.b += 1
        self.seq += 1


class Unsafe(Base):
    def read(self):
        return (self.a, self.b)


class Wrong(Base):
    def read(self):
        while True:
            s = self.seq
            r = (self.a, self.b)
            if s == self.seq:
                return r


class Fixed(Base):
    def read(self):
        while True:
            s = self.seq
            if s % 2:
                continue
            r = (self.a, self.b)
            if s == self.seq:
                return r


def w(s):
    s.write()


def r(s):
    s.got = s.read()


ACTORS = {"w": w, "r": r}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return s.got


ALLOWED = {(0, 0), (1, 1)}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds"}
