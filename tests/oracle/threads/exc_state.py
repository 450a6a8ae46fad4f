from threading import Lock
from types import SimpleNamespace as State


class Err(Exception):
    def __init__(self, n):
        super().__init__(n)
        self.n = n


def setup():
    return State(n=0, errs=[], lock=Lock())


def a(s):
    try:
        with s.lock:
            s.n += 1
            if s.n == 2:
                raise Err(s.n)
    except Err as e:
        try:
            raise ValueError("v") from e
        except ValueError as v:
            s.errs.append(v.__cause__.n)


ACTORS = [a, a]


def outcome(s):
    return s.n, tuple(s.errs)
