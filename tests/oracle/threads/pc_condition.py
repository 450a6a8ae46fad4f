from threading import Condition
from types import SimpleNamespace as State


def setup():
    return State(c=Condition(), q=[], out=[])


def prod(s):
    for i in (1, 2):
        with s.c:
            s.q.append(i)
            s.c.notify()


def cons(s):
    with s.c:
        while not s.q:
            s.c.wait()
        s.out.append(s.q.pop(0))


ACTORS = [prod, cons, cons]


def outcome(s):
    return tuple(s.out), tuple(s.q)
