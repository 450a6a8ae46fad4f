from threading import Barrier, Semaphore
from types import SimpleNamespace as State


def setup():
    return State(h=Semaphore(2), o=Semaphore(1), b=Barrier(3), out=[])


def hydrogen(s):
    s.h.acquire()
    s.b.wait()
    s.out.append("H")


def oxygen(s):
    s.o.acquire()
    s.b.wait()
    s.out.append("O")


ACTORS = [hydrogen, hydrogen, oxygen]


def outcome(s):
    return "".join(s.out)
