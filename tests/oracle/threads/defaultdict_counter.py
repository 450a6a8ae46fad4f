from collections import Counter, defaultdict
from types import SimpleNamespace as State


def setup():
    return State(d=defaultdict(int), c=Counter())


def a(s):
    s.d["k"] += 1
    s.c["k"] += 1


ACTORS = [a, a]


def outcome(s):
    return s.d["k"], s.c["k"]
