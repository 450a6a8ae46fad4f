"""Loops that wait for what others do, as programs: bounded ones, so that all their schedules can be counted.

What bounds each loop stands in another place every time: a variable, a list, an iterator, a closure, the C code that
calls.  Whoever takes such a round for one that changes nothing misses outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

SETTERS = {
    "once": "s.flag = 1",
    "late": "s.x = 1\n    s.flag = 1",
    "twice": "s.flag = 1\n    s.flag = 2",
    "blink": "s.flag = 1\n    s.flag = 0\n    s.flag = 1",
    "locked": "with s.lock:\n        s.x = 1\n        s.flag = 1",
    "other": "s.x = 1\n    s.x = 2\n    s.flag = 1",
    "new": "s.node = Node(1)\n    s.flag = 1",
    "never": "s.x = 1",
}
"""What the other actor does, by name."""

BOUNDS = {
    "variable": ("n = 0", "n < 3", "n += 1", "n"),
    "backwards": ("n = 3", "n", "n -= 1", "n"),
    "flips": ("n = 0; m = 0", "m + n < 3", "n, m = m, n + 1", "(n, m)"),
    "text": ("w = ''", "len(w) < 3", "w += 'x'", "w"),
    "tuple": ("t = ()", "len(t) < 3", "t += (1,)", "len(t)"),
    "list": ("box = [0]", "box[0] < 3", "box[0] += 1", "box[0]"),
    "growing": ("box = []", "len(box) < 3", "box.append(None)", "len(box)"),
    "replaced": ("box = [0]", "box[0] < 3", "box = [box[0] + 1]", "box[0]"),
    "shrinking": ("box = [1, 2, 3]", "box", "box.pop()", "len(box)"),
    "attribute": ("s.own = 0", "s.own < 3", "s.own += 1", "s.own"),
    "node": ("node = Node(0)", "node.value < 3", "node.value += 1", "node.value"),
    "another node": ("node = Node(0)", "node.value < 3", "node = Node(node.value + 1)", "node.value"),
    "slots": ("node = Slotted()", "node.value < 3", "node.value += 1", "node.value"),
    "counter": ("c = itertools.count()", "next(c) < 3", "pass", "next(c)"),
    "iterator": ("i = iter([1, 1, 1, 0])", "next(i)", "pass", "next(i, 9)"),
    "generator": ("g = (1 for _ in range(3))", "next(g, 0)", "pass", "next(g, 9)"),
    "closure": ("tick, told = ticker()", "tick() < 3", "pass", "told()"),
    "callable": ("tick = Ticking()", "tick() < 3", "pass", "tick.count"),
    "property": ("tick = Ticking()", "tick.next < 3", "pass", "tick.count"),
    "getattr": ("tick = Ticking()", "tick.anything < 3", "pass", "tick.count"),
    "truth": ("tick = Ticking()", "tick", "pass", "tick.count"),
    "length": ("tick = Ticking()", "len(tick) < 3", "pass", "tick.count"),
    "global": ("globals()['g%d' % me] = 0", "globals()['g%d' % me] < 3", "globals()['g%d' % me] += 1", "0"),
    "default": ("", "kept() < 3", "pass", "0"),
    "reentrant": ("n = 0", "n < 3", "s.again.acquire(); n += 1", "n"),
    "deque": ("d = deque([1, 1, 1, 0])", "d[0]", "d.rotate(-1)", "list(d)"),
    "walrus": ("n = 0", "(n := n + 1) < 4", "pass", "n"),
    "array": ("a = bytearray(1)", "a[0] < 3", "a[0] += 1", "a[0]"),
}
"""Name -> what comes first, the condition, what the body does, and what is left."""

LOOPS = {
    "while": "while not {flag} and {bound}:\n        {body}",
    "bound first": "while {bound} and not {flag}:\n        {body}",
    "endless": "while True:\n        if {flag} or not ({bound}): break\n        {body}",
    "continue": "while {bound}:\n        {body}\n        if not {flag}: continue\n        break",
    "seen": "while {bound}:\n        seen = {flag}\n        {body}\n        if seen: break",
    "finally": "while {bound}:\n        try:\n            if {flag}: break\n        finally:\n            {body}",
    "returns": "got = looking(s, lambda: {flag})\n    while not got and {bound}:\n        {body}\n        got = {flag}",
    "raises": "while {bound}:\n        {body}\n        try:\n            [][0 if {flag} else 1]\n        except IndexError:\n"
    "            if {flag}: break",
    "lock": "while {bound}:\n        {body}\n        with s.lock:\n            if {flag}: break",
    "trylock": "while {bound}:\n        {body}\n        if s.lock.acquire(False):\n            s.lock.release()\n"
    "            if {flag}: break",
    "nested": "while {bound}:\n        {body}\n        while s.flag and not s.x and {bound}:\n            {body}\n"
    "        if {flag}: break",
    "both": "while {bound} and (s.x, {flag}) < (1, 1):\n        {body}",
    "sleep": "while {bound} and not {flag}:\n        time.sleep(0.01)\n        {body}",
}
"""Name -> a loop around the three."""

FLAGS = {
    "attribute": "s.flag",
    "method": "s.ready()",
    "helper": "check(s, s.x)",
    "two": "(s.x and s.flag)",
    "node": "s.node.value",
    "passed": "of(s.node)",
    "walrus": "(f := s.flag)",
    "item": "s.items[s.x]",
    "kept": "(s.x + s.flag > 1)",
}
"""Name -> how it looks."""

SINGLE = {
    "over a constant": "k = 0\n    for _ in (0, 0, 0):\n        if s.flag: break\n        k = 1\n    left = k",
    "over a constant to its end": "k = 0\n    for _ in (0, 0, 0):\n        if s.flag: break\n    else: k = 1\n    left = k",
    "over a range": "k = 0\n    for k in range(3):\n        if s.flag: break\n    left = k",
    "from C": "left = list(map(lambda _: s.flag, (0, 0, 0)))",
    "from C, in a loop": "left = []\n    while len(left) < 2:\n        left.append(any(map(lambda _: s.flag, (0, 0, 0))))",
    "in a loop from C": "left = 0\n    while not all(map(s.look, (0, 0))) and left < 2:\n        left += 1",
    "items compared": "left = Looks(s) in [1, 2, 3]",
    "items compared in a loop": "left = 0\n    while not (Looks(s) in [1, 2, 3]) and left < 2: left += 1",
    "items compared again": "left = [s.flag, s.looks in [1, 2, 3], s.flag]",
    "items compared in one round": "left = 0\n    while left < 1: left = 1 + (s.looks in [1, 2, 3])",
    "sorted": "left = sorted([3, 1, 2], key=lambda one: one * s.sign())",
    "recursive": "left = recurse(s, 3)",
    "comprehension": "left = [s.flag for _ in (0, 0, 0)]",
    "generator": "left = sum(s.flag for _ in (0, 0, 0))",
    "twice in a row": "a = s.flag\n    b = s.flag\n    left = (a, b, s.flag)",
    "helper twice": "left = check(s, 0), check(s, 0), check(s, 0)",
    "reduce": "left = functools.reduce(lambda sum, _: sum + s.flag, (0, 0, 0), 0)",
}
"""Name -> all that an actor does; no loop, or one that the interpreter's C code makes."""

HEAD = """\
import functools, itertools, threading, time
from collections import deque

class Node:
    def __init__(self, value): self.value = value

class Slotted:
    __slots__ = ("value",)
    def __init__(self): self.value = 0

class Ticking:
    def __init__(self): self.count = 0
    def __call__(self):
        self.count += 1
        return self.count
    next = property(__call__)
    def __getattr__(self, name): return self()
    def __bool__(self): return self() < 3
    def __len__(self): return self()

class Looks:
    def __init__(self, s): self.s = s
    def __eq__(self, other): return self.s.flag == other

class State:
    def __init__(self):
        self.flag = self.x = self.own = 0
        self.node = Node(0)
        self.items = [0, 1, 1]
        self.looks = Looks(self)
        self.lock, self.again = threading.Lock(), threading.RLock()
        self.left = {}
    def ready(self): return self.flag
    def look(self, _): return self.flag
    def sign(self): return -1 if self.flag else 1

def ticker():
    count = 0
    def tick():
        nonlocal count
        count += 1
        return count
    return tick, lambda: count

def kept(calls=[]):
    calls.append(1)
    return len(calls) % 4

def check(s, x): return x == 0 and s.flag or s.flag > 1
def of(node): return node.value
def looking(s, look):
    try:
        if look(): return True
    finally:
        s.x
    return False
def recurse(s, n):
    if n == 0 or s.flag: return n
    return recurse(s, n - 1)
def setup(): return State()
def outcome(s): return repr(sorted(s.left.items()))
"""


def waiter(number: int, text: str, left: str) -> str:
    """An actor."""
    return f"def waiter{number}(s, me={number}):\n    {text}\n    s.left[{number}] = {left}\n"


def program(waiters: list[tuple[str, str]], setter: str) -> str:
    """A module with ``setup``, ``ACTORS`` and ``outcome``."""
    bodies = [waiter(number, *one) for number, one in enumerate(waiters)]
    names = ", ".join(f"waiter{number}" for number in range(len(waiters)))
    return f"{HEAD}\n{''.join(bodies)}\ndef setter(s):\n    {setter}\n\nACTORS = [{names}, setter]\n"


def single() -> Iterator[tuple[str, str]]:
    """Each of `SINGLE` with some setters, each with what it is called."""
    for name, text in SINGLE.items():
        for setter in ("once", "blink"):
            yield f"{name}, {setter}", program([(text, "left")], SETTERS[setter])


def looping(draw: Random) -> tuple[str, str]:
    """A drawn loop with what it is called."""
    named, waiters = [], []
    for _ in range(draw.choice((1, 1, 1, 2))):
        bound, loop, flag = draw.choice([*BOUNDS]), draw.choice([*LOOPS]), draw.choice([*FLAGS])
        first, condition, body, left = BOUNDS[bound]
        text = LOOPS[loop].format(bound=condition, body=body, flag=FLAGS[flag])
        waiters.append((f"{first}\n    {text}" if first else text, left))
        named.append(f"{loop}, {bound}, {flag}")
    setter = draw.choice([*SETTERS])
    return f"{'; '.join(named)}; {setter}", program(waiters, SETTERS[setter])
