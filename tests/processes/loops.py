"""Generated programs of processes that wait in loops, and their outcomes by a walk through all states.

An actor is a list of statements.  Some loops count their rounds, all of them or only those in which something else was
so: they end by themselves, or have an end only because somebody else comes.  The model shares no code with the lab: it
takes each look and each change of what is shared as one step, and goes on from every state that can be reached, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

VALUES, FILES = ("u", "v"), ("f", "g")
COUNTERS = {
    "variable": ("n{0} = 0", "n{0} += 1", "n{0}"),
    "list": ("n{0} = [0]", "n{0}[0] += 1", "n{0}[0]"),
    "attribute": ("s.n{0} = 0", "s.n{0} += 1", "s.n{0}"),
    "iterator": ("i{0} = iter(range(1, 99)); n{0} = [0]", "n{0}[:] = [next(i{0})]", "n{0}[0]"),
    "text": ("n{0} = ''", "n{0} += 'x'", "len(n{0})"),
    "closure": ("tick{0}, told{0} = ticker()", "tick{0}()", "told{0}()"),
    "object": ("n{0} = Counter()", "n{0}.up()", "n{0}.count"),
}
"""Name -> how a loop begins, counts and tells how often it has."""


@dataclass(frozen=True)
class Loop:
    """Go round until ``until`` is so; count the rounds in which ``counts`` is so, and end at ``most`` of them."""

    until: tuple[str, int]
    counts: tuple[str, int] | None
    most: int
    form: int
    counter: str
    sleeps: bool


@dataclass(frozen=True)
class Put:
    """Give something another value."""

    name: str
    value: int


def draw(source: Random) -> list[list[Loop | Put]]:
    """The statements of two or three actors."""
    names = (*VALUES, *FILES)

    def question() -> tuple[str, int]:
        return source.choice(names), source.choice((1, 1, 0))

    def loop() -> Loop:
        counts = source.choice((None, question()))
        most = source.choice((1, 2, 3)) if counts is not None or source.random() < 0.3 else 0
        return Loop(question(), counts, most, source.randrange(3), source.choice([*COUNTERS]), source.random() < 0.4)

    waiter: list[Loop | Put] = [loop()]
    if source.random() < 0.4:
        waiter.insert(source.randrange(2), Put(source.choice(names), 1))
    if source.random() < 0.3:
        waiter.append(loop())
    writer: list[Loop | Put] = [Put(source.choice(names), source.choice((1, 1, 1, 0))) for _ in range(3)]
    actors = [waiter, writer]
    if source.random() < 0.3:
        actors.append([loop()])
    return actors


# ------------------------------------------------------------ as Python

HEAD = """\
import multiprocessing, os, time

class Counter:
    def __init__(self): self.count = 0
    def up(self): self.count += 1

class State:
    def __init__(self):
        self.u = multiprocessing.Value("i", 0, lock=False)
        self.v = multiprocessing.Value("i", 0)

def ticker():
    count = 0
    def tick():
        nonlocal count
        count += 1
    return tick, lambda: count

def is_so(s, name, value):
    return look(s, name) == value

def look(s, name):
    return int(os.path.exists(name)) if name in "fg" else getattr(s, name).value

def put(name, value):
    try:
        os.mkdir(name) if value else os.rmdir(name)
    except (FileExistsError, FileNotFoundError):
        pass

def setup(): return State()
def outcome(s):
    found = []
    for name in sorted(os.listdir()):
        if name.startswith("left"):
            with open(name) as file: found.append(file.read())
    return repr(found)
"""


def _question(form: int, name: str, value: int) -> str:
    if form == 0:
        return f"is_so(s, {name!r}, {value})"
    return f"os.path.exists({name!r}) == {value}" if name in FILES else f"s.{name}.value == {value}"


def _loop(number: int, loop: Loop) -> list[str]:
    begin, up, count = (part.format(number) for part in COUNTERS[loop.counter])
    body = [f"    if {_question(loop.form, *loop.until)}: break"]
    if loop.form == 2:
        body = [f"    seen = {_question(1, *loop.until)}", "    if seen: break"]
    if loop.most:
        counted = [up, f"if {count} >= {loop.most}: break"]
        if loop.counts is None:
            body += [f"    {line}" for line in counted]
        else:
            body += [f"    if {_question(loop.form, *loop.counts)}:", *(f"        {line}" for line in counted)]
    if loop.sleeps:
        body.append("    time.sleep(0.01)")
    return [begin, "while True:", *body, f"left.append({count})"]


def text_of(actors: list[list[Loop | Put]]) -> str:
    """A module with ``setup``, ``ACTORS`` and ``outcome``."""
    parts = [HEAD]
    for index, statements in enumerate(actors):
        lines = ["left = []"]
        for number, one in enumerate(statements):
            if isinstance(one, Loop):
                lines += _loop(number, one)
            elif one.name in FILES:
                lines.append(f"put({one.name!r}, {one.value})")
            else:
                lines.append(f"s.{one.name}.value = {one.value}")
        if any(isinstance(one, Loop) for one in statements):
            lines.append(f"with open('left{index}', 'w') as file: file.write(repr(left))")
        parts.append(f"def actor{index}(s):\n" + "".join(f"    {line}\n" for line in lines))
    names = ", ".join(f"actor{index}" for index in range(len(actors)))
    return "\n".join([*parts, f"ACTORS = [{names}]\n"])


# ------------------------------------------------------------ as a model

_World = tuple[tuple[str, int], ...]
_Where = tuple[int, int, int, tuple[int, ...]]
"""Of an actor: the statement, how far in it, how often the loop has counted, and what is left."""


def outcomes(actors: list[list[Loop | Put]]) -> tuple[set[str], bool]:
    """All outcomes there are, and whether some state leads to none."""
    start = (tuple((name, 0) for name in (*VALUES, *FILES)), tuple((0, 0, 0, ()) for _ in actors))
    following: dict[object, list[object]] = {}
    found: set[str] = set()
    ends = set()
    pending = [start]
    while pending:
        state = pending.pop()
        if state in following:
            continue
        world, places = state
        steps = [_step(world, places, index, actors[index]) for index in range(len(actors))]
        following[state] = [one for one in steps if one is not None]
        if not following[state]:
            ends.add(state)
            left = [repr([*place[3]]) for place, one in zip(places, actors, strict=True) if _waits(one)]
            found.add(repr(left))
        pending += following[state]
    return found, len(_leading_to(ends, following)) < len(following)


def _waits(statements: list[Loop | Put]) -> bool:
    return any(isinstance(one, Loop) for one in statements)


def _leading_to(ends, following):
    before = {}
    for state, all_next in following.items():
        for one in all_next:
            before.setdefault(one, []).append(state)
    met, pending = set(), [*ends]
    while pending:
        state = pending.pop()
        if state not in met:
            met.add(state)
            pending += before.get(state, [])
    return met


def _step(world: _World, places: tuple[_Where, ...], index: int, statements: list[Loop | Put]):
    at, inside, count, left = places[index]
    if at == len(statements):
        return None
    one, known = statements[at], dict(world)
    if isinstance(one, Put):
        known[one.name] = one.value
        place: _Where = (at + 1, 0, 0, left)
    elif inside == 0:
        if known[one.until[0]] == one.until[1]:
            place = (at + 1, 0, 0, (*left, count))
        elif one.most and one.counts is None:
            place = _counted(one, at, count, left)
        else:
            place = (at, 1 if one.most else 0, count, left)
    else:
        assert one.counts is not None
        is_so = known[one.counts[0]] == one.counts[1]
        place = _counted(one, at, count, left) if is_so else (at, 0, count, left)
    return tuple(known.items()), (*places[:index], place, *places[index + 1 :])


def _counted(loop: Loop, at: int, count: int, left: tuple[int, ...]) -> _Where:
    return (at + 1, 0, 0, (*left, count + 1)) if count + 1 >= loop.most else (at, 0, count + 1, left)
