from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace as State


def setup():
    return State(r=None)


def a(s):
    with ThreadPoolExecutor(1) as ex:

        def outer():
            return ex.submit(lambda: 1).result()

        s.r = ex.submit(outer).result()


ACTORS = [a]


def outcome(s):
    return s.r
