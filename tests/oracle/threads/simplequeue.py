import queue
from types import SimpleNamespace as State


def setup():
    return State(q=queue.SimpleQueue(), got=[])


def a(s):
    s.q.put(1)


def b(s):
    try:
        s.got.append(s.q.get(timeout=0.2))
    except queue.Empty:
        s.got.append(None)


ACTORS = [a, a, b]


def outcome(s):
    return tuple(s.got), s.q.qsize()
