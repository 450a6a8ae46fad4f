"""What a loop of a process keeps from one round to the next, wherever that stands: no such round is left out."""

import pytest

from tests.processes.test_waiting_oracle import covered

HEAD = """\
import array, bisect, collections, contextlib, functools, hashlib, io, itertools, json, logging, os, pathlib, re, sys
import threading, time, zlib
from multiprocessing import RLock

class Ticking:
    made = 0
    def __init__(self): self.count = 0
    def __call__(self):
        self.count += 1
        return self.count
    next = property(__call__)
    def __getattr__(self, name):
        if name.startswith("_"): raise AttributeError(name)
        return self()
    def __bool__(self): return self() > 2
    def __len__(self): return self()
    def __lt__(self, other): return self() < other
    def __eq__(self, other): return self() == other
    def __contains__(self, other): return self() > other
    def __getitem__(self, item): return self()
    def __add__(self, other): return self() + other
    def __neg__(self): return -self()
    def __index__(self): return self()
    def __format__(self, how): return str(self())
    def __hash__(self): return self()
    def __iter__(self): return iter([self()])
    def __enter__(self): return self()
    def __exit__(self, *_): return None
    def __del__(self): Ticking.made += 1
    def __fspath__(self): return f"never{self()}"
    __slots__ = ("count",)

class Setting:
    def __init__(self): self._value = 0
    @property
    def value(self): return self._value
    @value.setter
    def value(self, value): self._value = value

class Subclass(list): pass

TRIES = [0]
def kept(calls=[]):
    calls.append(1)
    return len(calls)
def attributed(): attributed.calls = getattr(attributed, "calls", 0) + 1
@functools.lru_cache
def remembered(n): return TRIES[0]
def generating():
    for n in range(1, 9): yield n
@contextlib.contextmanager
def within():
    TRIES[0] += 1
    yield TRIES[0]

def setup():
    os.mkdir("d"); os.mkdir("d/d"); os.mkdir("d/d/d")
    with open("lines", "w") as file: file.write("1\\n2\\n3\\n")
    return os.path.abspath("flag"), os.path.abspath("left"), RLock()

def setter(state):
    with open("flag", "x"): pass

def outcome(state):
    with open("left") as file: return file.read()

def waiter(state):
    flag, left, again = state
    {begin}
    while True:
        if os.path.exists(flag):
            told = "seen"
            break
        if {tick}:
            told = "gave up"
            break
    with open(left, "w") as file: file.write(told)

ACTORS = [waiter, setter]
"""

TICKS = {
    "a variable": ("n = 0", "(n := n + 1) > 2"),
    "a list": ("box = [0]", "box.append(0) or len(box) > 3"),
    "an item": ("box = [0]", "box.__setitem__(0, box[0] + 1) or box[0] > 2"),
    "a dict": ("box = {}", "box.setdefault(len(box), 0) or len(box) > 2"),
    "a default": ("box = collections.defaultdict(int)", "box[len(box)] or len(box) > 2"),
    "a subclass": ("box = Subclass()", "box.append(1) or len(box) > 2"),
    "in place": ("box = whole = [0]", "(box := box.__iadd__([1])) and len(whole) > 3"),
    "a set": ("box = set()", "box.add(len(box)) or len(box) > 2"),
    "a deque": ("box = collections.deque([0, 0, 1])", "box.rotate(1) or box[0] == 0 and box[1]"),
    "bytes": ("box = bytearray()", "box.extend(b'x') or len(box) > 2"),
    "an array": ("box = array.array('i')", "box.append(1) or len(box) > 2"),
    "an iterator": ("i = iter([0, 0, 1])", "next(i)"),
    "a method of an iterator": ("i = iter([0, 0, 1]).__next__", "i()"),
    "an iterator and a default": ("i = iter([0, 0])", "next(i, 1)"),
    "what is in an iterator": ("i = iter([0, 0, 0])", "1 not in i"),
    "an iterator as arguments": ("i = iter([0, 0, 0, 1, 1])", "[*itertools.islice(i, 1)] == [1]"),
    "an iterator unpacked": ("i = itertools.count()", "[n for n, _ in zip(i, (0,))][0] > 2"),
    "a count": ("i = itertools.count()", "next(i) > 2"),
    "a cycle": ("i = itertools.cycle([0, 0, 1])", "next(i)"),
    "a map": ("i = map(int, '001')", "next(i)"),
    "a generator": ("i = generating()", "next(i) > 2"),
    "a generator that is told": ("i = generating()", "i.send(None) > 2"),
    "an expression": ("i = (n for n in (0, 0, 1))", "any(itertools.islice(i, 1))"),
    "a call": ("t = Ticking()", "t() > 2"),
    "a property": ("t = Ticking()", "t.next > 2"),
    "any attribute": ("t = Ticking()", "t.anything > 2"),
    "truth": ("t = Ticking()", "t"),
    "a length": ("t = Ticking()", "len(t) > 2"),
    "an order": ("t = Ticking()", "not t < 3"),
    "equality": ("t = Ticking()", "t == 3"),
    "a question": ("t = Ticking()", "2 in t"),
    "an own item": ("t = Ticking()", "t[0] > 2"),
    "a sum": ("t = Ticking()", "t + 0 > 2"),
    "a sign": ("t = Ticking()", "-t < -2"),
    "an index": ("t = Ticking(); w = 'aaab'", "w[t] == 'b'"),
    "a format": ("t = Ticking()", "f'{t}' == '3'"),
    "a hash": ("t = Ticking()", "hash(t) > 2"),
    "an own iterator": ("t = Ticking()", "max(t) > 2"),
    "a path": ("t = Ticking()", "os.path.exists(t) or t.count > 2"),
    "a path that is joined": ("t = Ticking()", "not os.path.join('x', t) or t.count > 2"),
    "an object's end": ("Ticking.made = 0", "Ticking() is None or Ticking.made > 2"),
    "a setter": ("t = Setting()", "setattr(t, 'value', t.value + 1) or t.value > 2"),
    "a closure": ("n = 0\n    def up():\n        nonlocal n\n        n += 1\n        return n", "up() > 2"),
    "a lambda": ("box = []; up = lambda: box.append(1)", "up() or len(box) > 2"),
    "a default argument": ("kept.__defaults__[0].clear()", "kept() > 2"),
    "a function's attribute": ("attributed.calls = 0", "attributed() or attributed.calls > 2"),
    "a class's attribute": ("Ticking.made = 0", "setattr(Ticking, 'made', Ticking.made + 1) or Ticking.made > 2"),
    "a global": ("TRIES[0] = 0", "TRIES.__setitem__(0, TRIES[0] + 1) or TRIES[0] > 2"),
    "a global that is set": ("globals()['tries'] = 0", "globals().update(tries=tries + 1) or tries > 2"),
    "a manager": ("TRIES[0] = 0", "within().__enter__() > 2"),
    "what is remembered": ("n = 0", "remembered(n := n + 1) is None or remembered.cache_info().currsize > 2"),
    "sorting": ("box = []", "sorted([2, 1], key=lambda n: box.append(n) or n) and len(box) > 5"),
    "mapping": ("box = []", "[*map(box.append, 'a')] and len(box) > 2"),
    "partial": ("box = []; up = functools.partial(box.append, 1)", "up() or len(box) > 2"),
    "bisecting": ("box = []", "bisect.insort(box, 1) or len(box) > 2"),
    "lines": ("file = open('lines')", "file.readline() == '3\\n'"),
    "lines of bytes": ("file = open('lines', 'rb')", "file.readline() == b'3\\n'"),
    "letters": ("file = open('lines')", "file.read(1) == '3'"),
    "the lines of a file": ("file = open('lines')", "next(file) == '3\\n'"),
    "a position": ("file = open('lines'); file.seek(9)", "file.seek(file.tell() + 1) > 11"),
    "a descriptor": ("fd = os.open('lines', os.O_RDONLY)", "os.read(fd, 2) == b'3\\n'"),
    "a position of a descriptor": ("fd = os.open('lines', os.O_RDONLY)", "os.lseek(fd, 1, os.SEEK_CUR) > 2"),
    "more descriptors": ("first = os.dup(0)", "os.open('lines', os.O_RDONLY) > first + 2"),
    "more doubles": ("first = os.dup(0)", "os.dup(0) > first + 2"),
    "what is not written yet": ("file = open('own', 'w')", "file.write('x') and file.tell() > 2"),
    "what is written": ("file = open('own', 'w')", "file.write('x') and file.flush() or os.path.getsize('own') > 2"),
    "in memory": ("file = io.StringIO('001')", "file.read(1) == '1'"),
    "a digest": ("d = hashlib.md5(b'')", "d.update(b'x') or d.hexdigest() == hashlib.md5(b'xxx').hexdigest()"),
    "a stream": ("d = zlib.decompressobj(); z = zlib.compress(b'x')", "d.decompress(z) == b'' and len(d.unused_data) > 9"),
    "matches": ("i = re.finditer('.', '123')", "next(i).group() == '3'"),
    "the directory": ("pass", "os.chdir('d') or os.getcwd().endswith('d/d/d')"),
    "the environment": ("os.environ['N'] = ''", "os.environ.update(N=os.environ['N'] + 'x') or len(os.environ['N']) > 2"),
    "the mask": ("os.umask(0)", "os.umask(n if (n := os.umask(0)) > 1 and not os.umask(n + 1) else n + 1) > 1"),
    "thread-local data": ("t = threading.local(); t.n = 0", "setattr(t, 'n', t.n + 1) or t.n > 2"),
    "how often a lock is held": ("again.acquire()", "again.acquire() and again._semlock._count() > 3"),
    "the time": ("end = time.monotonic() + 1e-5", "time.monotonic() > end"),
    "a longer and longer sleep": ("n = 0.1", "(n := n * 2) > 1 or time.sleep(n)"),
    "a recursion": ("def go(n):\n        return os.path.exists(flag) or n > 1 or go(n + 1)", "go(0)"),
    "a text that is read": ("i = iter(json.loads('[0, 0, 1]'))", "next(i)"),
    "a log": ("h = logging.Handler(); h.emit = lambda r, b=[]: b.append(r) or h.__dict__.update(n=len(b)); h.n = 0; "
              "g = logging.Logger('g'); g.addHandler(h)", "g.warning('x') or h.n > 2"),
    "a path of pathlib": ("p = pathlib.Path('d')", "str(p := p / 'd').count('d') > 3"),
    "a file by pathlib": ("p = pathlib.Path('own')", "p.open('a').write('x') and p.stat().st_size > 2"),
}  # fmt: skip
"""Name -> what comes before the loop, and what is asked in each round; so the third one or so is the last."""


@pytest.mark.parametrize("name", TICKS)
def test_what_a_loop_keeps_ends_it(name):
    begin, tick = TICKS[name]
    text = HEAD.replace("{begin}", begin).replace("{tick}", tick)
    found = covered(name, text, waits=True, most=100)
    assert found.failure is None, str(found.failure)
    assert set(found.outcomes) == {"gave up", "seen"}
