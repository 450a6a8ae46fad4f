from threading import Thread
from types import SimpleNamespace as State


def setup():
    return State(r=[])


def a(s):
    n = 0

    def child():
        s.r.append(n)

    t = Thread(target=child)
    t.start()
    n = 1
    t.join()


ACTORS = [a]


def outcome(s):
    return tuple(s.r)
