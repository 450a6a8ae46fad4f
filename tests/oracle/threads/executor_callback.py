from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace as State


def setup():
    return State(got=[], v=0)


def a(s):
    with ThreadPoolExecutor(1) as ex:
        f = ex.submit(lambda: 5)
        f.add_done_callback(lambda f: s.got.append(f.result()))
        s.got.append("main")


ACTORS = [a]


def outcome(s):
    return tuple(s.got)
