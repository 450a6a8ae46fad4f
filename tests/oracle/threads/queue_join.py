import queue
from types import SimpleNamespace as State


def setup():
    return State(q=queue.Queue(), d=[], got=None)


def p(s):
    s.q.put(1)
    s.q.put(2)
    s.q.join()
    s.got = len(s.d)


def w(s):
    for _ in range(2):
        s.d.append(s.q.get())
        s.q.task_done()


ACTORS = [p, w]


def outcome(s):
    return s.got
