"""Small programs on bytes that processes share, drawn by chance, and a model that runs them through every interleaving.

A step reads or writes some bytes at once; what an actor does with what it has read concerns nobody else.
"""

from __future__ import annotations

from random import Random

SIZE = 4

HEAD = """\
import ctypes, mmap, multiprocessing, struct
from pathlib import Path
from multiprocessing.shared_memory import SharedMemory
from types import SimpleNamespace

class Four(ctypes.Structure):
    _fields_ = (("a", ctypes.c_ubyte), ("b", ctypes.c_ubyte), ("c", ctypes.c_ubyte), ("d", ctypes.c_ubyte))

def put(name, told):
    with open(name, "w") as file:
        file.write(repr(told))

def outcome(shared):
    told = tuple(Path(name).read_text() for name, _ in sorted(ACTORS.items()))
    return (*told, *bytes(shared.view))
"""
SETUPS = {
    "segment": """
def setup():
    memory = SharedMemory(create=True, size=4)
    return SimpleNamespace(memory=memory, view=memory.buf, name=memory.name)
""",
    "mapped": """
def setup():
    memory = mmap.mmap(-1, 4)
    return SimpleNamespace(view=memoryview(memory), memory=memory)
""",
    "file": """
def setup():
    with open("data", "w+b") as file:
        file.write(bytes(4))
        file.flush()
        memory = mmap.mmap(file.fileno(), 4)
    return SimpleNamespace(view=memoryview(memory), memory=memory)
""",
    "structure": """
def setup():
    memory = multiprocessing.RawValue(Four)
    return SimpleNamespace(memory=memory, view=memoryview(memory).cast("B"))
""",
    "values": """
def setup():
    memory = multiprocessing.RawArray("B", 4)
    return SimpleNamespace(memory=memory, view=memoryview(memory).cast("B"))
""",
}
READS = {
    1: ("view[{0}]", "view[{0}:][0]", "memoryview(view)[{0}]", "struct.unpack_from('B', view, {0})[0]"),
    2: (
        *("int.from_bytes(view[{0}:{1}], 'little')", "struct.unpack_from('<H', view, {0})[0]"),
        *("view[{0}:{1}].cast('H')[0]", "int.from_bytes(bytes(view[{0}:{1}]), 'little')"),
    ),
    4: ("int.from_bytes(view, 'little')", "struct.unpack('<I', view)[0]"),
}
WRITES = {
    1: ("view[{0}] = {2}", "struct.pack_into('B', view, {0}, {2})", "view[{0}:][0] = {2}"),
    2: ("view[{0}:{1}] = ({2}).to_bytes(2, 'little')", "struct.pack_into('<H', view, {0}, {2})"),
    4: ("view[:] = ({2}).to_bytes(4, 'little')",),
}
OF_KIND = {
    "structure": ({1: ("memory.{3}",)}, {1: ("memory.{3} = {2}",)}),
    "values": ({1: ("memory[{0}]",)}, {1: ("memory[{0}] = {2}",)}),
    "mapped": ({1: ("memory[{0}]",)}, {2: ("memory[{0}:{1}] = ({2}).to_bytes(2, 'little')",)}),
    "file": ({2: ("int.from_bytes(memory[{0}:{1}], 'little')",)}, {1: ("memory[{0}] = {2}",)}),
    "segment": ({}, {}),
}

Step = tuple[str, int, int, int]
"""Reads, writes, or adds to what was read; where, how many bytes, and a number."""
Actors = dict[str, list[Step]]


def draw(random: Random) -> tuple[str, Actors]:
    """A kind of memory, and what actors do with it."""
    actors = {}
    for name in ("alice", "bob", "carol")[: random.choice((2, 2, 2, 3))]:
        steps = []
        for _ in range(random.randint(1, 3 if len(actors) < 2 else 1)):
            size = random.choice((1, 1, 1, 2, 2, 4))
            at = random.randrange(0, SIZE - size + 1, size)
            steps.append((random.choice(("read", "write", "add")), at, size, random.randint(1, 9)))
        actors[name] = steps
    return random.choice([*SETUPS]), actors


def text_of(random: Random, kind: str, actors: Actors) -> str:
    """The program as Python."""
    text = HEAD + SETUPS[kind]
    reads = {size: ways + OF_KIND[kind][0].get(size, ()) for size, ways in READS.items()}
    writes = {size: ways + OF_KIND[kind][1].get(size, ()) for size, ways in WRITES.items()}
    for name, steps in actors.items():
        lines = ["memory, view, told = shared.memory, shared.view, []"]
        if kind == "segment" and random.random() < 0.5:
            lines += ["memory = SharedMemory(name=shared.name)", "view = memory.buf"]
        for what, at, size, number in steps:
            end = at + size
            if what != "write":
                lines.append(f"value = {random.choice(reads[size]).format(at, end, '', 'abcd'[at])}")
                lines.append("told.append(value)")
            if what != "read":
                value = number if what == "write" else f"(value + {number})"
                lines.append(random.choice(writes[size]).format(at, end, value, "abcd"[at]))
        lines.append(f"put({name!r}, told)")
        text += f"\ndef {name}(shared):\n" + "".join(f"    {line}\n" for line in lines)
    return text + "\nACTORS = {" + ", ".join(f"{name!r}: {name}" for name in actors) + "}\n"


def outcomes(actors: Actors) -> set[tuple[object, ...]]:
    """What the program can come to."""
    names = sorted(actors)
    parts = [
        [
            part
            for step in actors[name]
            for part in ((("r", *step[1:]), ("a", *step[1:])) if step[0] == "add" else ((step[0][0], *step[1:]),))
        ]
        for name in names
    ]
    found: set[tuple[object, ...]] = set()
    seen = set()
    pending = [((0,) * len(names), ((),) * len(names), bytes(SIZE))]
    while pending:
        state = pending.pop()
        if state in seen:
            continue
        seen.add(state)
        at, told, memory = state
        if all(place == len(part) for place, part in zip(at, parts, strict=True)):
            found.add((*[repr([*one]) for one in told], *memory))
        for index, place in enumerate(at):
            if place == len(parts[index]):
                continue
            what, start, size, number = parts[index][place]
            after, now = memory, told[index]
            if what == "r":
                now = (*now, int.from_bytes(memory[start : start + size], "little"))
            else:
                value = number if what == "w" else now[-1] + number
                after = memory[:start] + value.to_bytes(size, "little") + memory[start + size :]
            pending.append(
                ((*at[:index], place + 1, *at[index + 1 :]), (*told[:index], now, *told[index + 1 :]), after)
            )
    return found
