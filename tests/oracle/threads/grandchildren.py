from threading import Thread
from types import SimpleNamespace as State


def setup():
    return State(n=0, log=[])


def a(s):
    def grand():
        s.log.append("g")

    def child():
        t = Thread(target=grand)
        t.start()
        s.log.append("c")
        t.join()

    t = Thread(target=child)
    t.start()
    s.log.append("a")
    t.join()


ACTORS = [a]


def outcome(s):
    return "".join(s.log)
