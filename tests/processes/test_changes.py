"""What a round of a loop changes and takes back is no change; what it does not take back ends the loop some time."""

import textwrap

import pytest

from tests.processes.test_waiting_oracle import covered

PROGRAM = """\
import os
from collections import OrderedDict, deque

class Trying:
    kept = []
    def __init__(self): self.fd, self.tries, self.part, self._level = None, 0, None, 0
    @property
    def level(self): return self._level
    @level.setter
    def level(self, level): self._level = level

class Slotted:
    __slots__ = ("__weakref__", "fd", "tries")
    def __init__(self): self.fd, self.tries = None, 0

class Careful(Trying):
    def __setattr__(self, name, value): object.__setattr__(self, name, value)

class Part:
    def __init__(self, number): self.number = number
    def __del__(self): Trying.kept.append(1)

LEVEL = 0

def setup():
    os.mkdir("place")
    for name in ("empty", "lock"): open(name, "w").close()

def setter(state):
    os.mkdir("flag")

def outcome(state):
    with open("told") as file: return file.read()

def waiter(state):
    global LEVEL
    t, s, c, first, second = Trying(), Slotted(), Careful(), Part(1), Part(2)
    items, names, seen, line, order = [0, 0, 1], {"a": 0, "b": 0, "c": 1}, {1, 2}, deque([0, 0, 1]), OrderedDict(a=1)
    told, n = "seen", 0
    def up():
        nonlocal n
        n += 1
    def down():
        nonlocal n
        n -= 1
    while not os.path.exists("flag"):
        #
        pass
    with open("told", "w") as file: file.write(told)

ACTORS = [waiter, setter]
"""


def waiting(name, text, most=100):
    """All schedules of the loop with these statements in each round."""
    text = PROGRAM.replace("        #\n", textwrap.indent(text, 8 * " ") + "\n")
    found = covered(name, text, waits=True, most=most)
    assert found.failure is None, str(found.failure)
    assert (found.complete, found.doubts) == (True, {})
    return found


TAKEN_BACK = {
    "an attribute": "t.fd = 3\nt.fd = None",
    "a number": "t.tries += 1\nt.tries -= 1",
    "a slot": "s.fd = 3\ns.fd = None",
    "a setter": "t.level += 1\nt.level -= 1",
    "a careful class": "c.fd = 3\nc.fd = None",
    "a class's attribute": "Trying.most = 1\nTrying.most = 1",
    "a global": "LEVEL += 1\nLEVEL -= 1",
    "a variable of another function": "up()\ndown()",
    "an item": "items[0] += 1\nitems[0] -= 1",
    "the end of a list": "items.append(2)\nitems.pop()",
    "a new item of a dict": "names['d'] = 1\ndel names['d']",
    "the end of a deque": "line.append(2)\nline.pop()",
    "an object and back": "t.part = first\nt.part = second\nt.part = None",
    "an empty file": "os.close(os.open('empty', os.O_RDWR | os.O_TRUNC))",
    "a mode": "os.chmod('empty', 0o644)",
    "a descriptor that is kept while it is open": (
        "fd = os.open('lock', os.O_RDWR | os.O_CREAT | os.O_TRUNC)\nos.fchmod(fd, 0o644)\nt.fd = fd\n"
        "os.close(t.fd)\nt.fd = fd = None"
    ),
    "a file that is emptied by its name": "open('empty', 'w').close()",
}


@pytest.mark.parametrize("name", TAKEN_BACK)
def test_what_is_taken_back_is_no_change(name):
    found = waiting(name, TAKEN_BACK[name])
    assert set(found.outcomes) == {"seen"}
    assert found.executions <= 6


GIVES_UP = "\nif {}: told = 'gave up'; break"
KEPT = {
    "one of two attributes": ("t.fd = 3\nt.fd = None\nt.tries += 1", "t.tries > 2"),
    "a slot": ("s.fd = 3\ns.fd = None\ns.tries += 1", "s.tries > 2"),
    "a setter": ("t.level += 2\nt.level -= 1", "t.level > 2"),
    "a careful class": ("c.tries += 1", "c.tries > 2"),
    "an attribute that is set past its class": ("object.__setattr__(c, 'tries', c.tries + 1)", "c.tries > 2"),
    "an attribute by its name": ("setattr(t, 'tries', t.tries + 1)", "t.tries > 2"),
    "an attribute in its dictionary": ("t.__dict__['tries'] += 1", "t.tries > 2"),
    "an attribute by vars": ("vars(t).update(tries=t.tries + 1)", "t.tries > 2"),
    "a class's attribute": ("Trying.most = getattr(Trying, 'most', 0) + 1", "Trying.most > 2"),
    "a global": ("LEVEL += 2\nLEVEL -= 1", "LEVEL > 2"),
    "a variable of another function": ("up()\nup()\ndown()", "n > 2"),
    "the defaults of a function": ("up.__defaults__ = (*(up.__defaults__ or ()), 1)", "len(up.__defaults__) > 2"),
    "the order of a list": ("items.append(items.pop(0))", "items[0]"),
    "the order of a list in one": ("items[:] = items[1:] + items[:1]", "items[0]"),
    "the order of a dict": ("k = next(iter(names))\nnames[k] = names.pop(k)", "names[next(iter(names))]"),
    "the order of attributes": ("k = [*vars(t)][0]\nv = getattr(t, k)\ndelattr(t, k)\nsetattr(t, k, v)",
                                "[*vars(t)][0] == 'part'"),
    "the order of attributes by statements": (
        "k = [*vars(t)][0]\nif k == 'fd': del t.fd; t.fd = None\nelse: del t.tries; t.tries = 0",
        "[*vars(t)][0] == 'part'",
    ),
    "the order of a deque": ("line.append(line.popleft())", "line[0]"),
    "a set": ("seen.add(max(seen) + 1)\nseen.discard(0)", "len(seen) > 4"),
    "an object of the same kind": ("t.part = Part((t.part.number if t.part else 0) + 1)", "t.part.number > 2"),
    "what is in an object": ("t.part = first\nfirst.number += 1\nt.part = None", "first.number > 3"),
    "what is in a list in it": ("t.part = items\nt.part[0] += 1\nt.part = None", "items[0] > 2"),
    "the end of an object": ("t.part = Part(0)\nt.part = None", "len(Trying.kept) > 2"),
    "a class": ("t.__class__ = Careful if type(t) is Trying else type('More', (Careful,), {'z': 1})", "hasattr(t, 'z')"),
    "an item by a method": ("items.__setitem__(0, items[0] + 1)", "items[0] > 2"),
    "more and more items": ("items += [0]", "len(items) > 5"),
    "an ordered dict": ("order['a'] += 1\norder.move_to_end('a')", "order['a'] > 3"),
    "what is written": ("fd = os.open('empty', os.O_WRONLY | os.O_APPEND)\nos.write(fd, b'x')\nos.close(fd)\nfd = 0",
                        "os.stat('empty').st_size > 2"),
    "a mode": ("os.chmod('empty', (os.stat('empty').st_mode & 0o777) + 1)", "os.stat('empty').st_mode & 0o777 > 0o646"),
    "room": ("os.truncate('empty', os.stat('empty').st_size + 1)", "os.stat('empty').st_size > 2"),
    "a file that is made": ("os.close(os.open(str(len(os.listdir('.'))), os.O_CREAT | os.O_TRUNC | os.O_WRONLY))",
                            "len(os.listdir('.')) > 6"),
    "what is emptied": ("fd = os.open('empty', os.O_RDWR | os.O_TRUNC)\nos.write(fd, b'x' * t.tries)\nos.close(fd)\n"
                        "fd = 0\nt.tries = os.stat('empty').st_size + 1", "t.tries > 3"),
}  # fmt: skip
"""Name -> what each round does, and when it is enough."""


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_ends_the_loop(name):
    found = waiting(name, KEPT[name][0] + GIVES_UP.format(KEPT[name][1]))
    assert set(found.outcomes) == {"gave up", "seen"}
