from types import SimpleNamespace as State


class Lazy:
    inst = None
    made = 0

    @classmethod
    def get(cls):
        if cls.inst is None:
            cls.made += 1
            cls.inst = object()
        return cls.inst


def setup():
    Lazy.inst = None
    Lazy.made = 0
    return State(r={})


def a(s):
    s.r["a"] = Lazy.get()


def b(s):
    s.r["b"] = Lazy.get()


ACTORS = [a, b]


def outcome(s):
    return s.r["a"] is s.r["b"], Lazy.made
