from collections import deque
from types import SimpleNamespace as State


def setup():
    return State(d=deque([1, 2]), mine=[], theirs=[])


def owner(s):
    while s.d:
        try:
            s.mine.append(s.d.pop())
        except IndexError:
            break


def thief(s):
    if s.d:
        try:
            s.theirs.append(s.d.popleft())
        except IndexError:
            s.theirs.append("x")


ACTORS = [owner, thief]


def outcome(s):
    return tuple(s.mine), tuple(s.theirs)
