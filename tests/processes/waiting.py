"""Loops that wait for what another process does, as programs: bounded ones, so that all their schedules can be counted.

They are those of `tests.oracle.spins`, for threads, with what the actors share in shared memory and in files.
"""

from __future__ import annotations

from random import Random

from tests.oracle import spins

_STATE = spins.HEAD[spins.HEAD.index("class State:") : spins.HEAD.index("def ticker")]

STATE = """\
class State:
    def __init__(self):
        self.own = 0
        self.value = multiprocessing.Value("i", 0, lock=False)
        self.guarded = multiprocessing.Value("i", 0)
        self.node = Node(0)
        self.items = [0, 1, 1]
        self.looks = Looks(self)
        self.lock, self.again = multiprocessing.Lock(), multiprocessing.RLock()
        self.left = Left()
    def ready(self): return self.flag
    def look(self, _): return self.flag
    def sign(self): return -1 if self.flag else 1
    @property
    def flag(self): return self.value.value
    @flag.setter
    def flag(self, value): self.value.value = value
    @property
    def x(self): return PLACE
    @x.setter
    def x(self, value): PUT

class Left:
    def __setitem__(self, number, left):
        with open(f"left{number}", "w") as file: file.write(repr(left))

"""
PLACES = {
    "value": ("self.guarded.value", "self.guarded.value = value"),
    "file": ("int(os.path.exists('x'))", "open('x', 'a').close()"),
    "content": ("content()", "put(value)"),
    "descriptor": ("low()", "put(value)"),
    "directory": ("int('x' in os.listdir('.'))", "os.mkdir('x') if not os.path.isdir('x') else None"),
}
"""Name -> where the second thing stands that the actors look at, and how it is put there."""

MORE = """\
import multiprocessing, os, pathlib

def content():
    try:
        with open("x") as file: return int(file.read() or 0)
    except FileNotFoundError:
        return 0

def low():
    try:
        fd = os.open("x", os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        return int(os.read(fd, 10) or 0)
    finally:
        os.close(fd)

def put(value):
    with open("x", "w") as file: file.write(str(value))
"""

OUTCOME = """
def outcome(s):
    return repr([(name, pathlib.Path(name).read_text()) for name in sorted(os.listdir()) if name.startswith("left")])
"""


def looping(draw: Random) -> tuple[str, str]:
    """A drawn program with what it is called; see `spins.looping`."""
    name, text = spins.looping(draw)
    place = draw.choice([*PLACES])
    get, put = PLACES[place]
    head = spins.HEAD.replace(_STATE, STATE.replace("PLACE", get).replace("PUT", put))
    return f"{name}; {place}", text.replace(spins.HEAD, MORE + head) + OUTCOME
