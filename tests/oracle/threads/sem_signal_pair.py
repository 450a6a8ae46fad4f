from threading import Semaphore
from types import SimpleNamespace as State


def setup():
    return State(a=Semaphore(0), b=Semaphore(0), log=[])


def p(s):
    for _ in range(2):
        s.log.append("p")
        s.a.release()
        s.b.acquire()


def q(s):
    for _ in range(2):
        s.a.acquire()
        s.log.append("q")
        s.b.release()


ACTORS = [p, q]


def outcome(s):
    return "".join(s.log)
