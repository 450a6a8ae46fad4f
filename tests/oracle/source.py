"""Writes a program as the Python that a person would write; the lab runs this text.

The actors keep what they saw in local variables and leave it in ``state.saw_alice``
and so on when they end: each writes its own and nobody reads it before the end, so
that adds nothing for others to notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent

from .language import (
    PLACES,
    THINGS,
    Catch,
    Do,
    If,
    Join,
    Next,
    Program,
    Raise,
    Start,
    Statement,
    Try,
    Wait,
    With,
    child_of,
    locals_of,
    statements,
    things_of,
)

NAMES = ("alice", "bob", "carol", "dave")

VERBS = {
    "read": "{into} = {thing}",
    "write": "{thing} = {value}",
    "add": "{thing} += 1",
    "look up": "{into} = {thing}.get({key}, 0)",
    "item": "{into} = {thing}[{key}]",
    "set item": "{thing}[{key}] = {value}",
    "delete": "del {thing}[{key}]",
    "contains": "{into} = {key} in {thing}",
    "length": "{into} = len({thing})",
    "truth": "{into} = not {thing}",
    "append": "{thing}.append({value})",
    "pop": "{into} = {thing}.pop()",
    "copy": "{into} = tuple({thing})",
    "acquire": "{thing}.acquire()",
    "release": "{thing}.release()",
    "try acquire": "{into} = {thing}.acquire(False)",
    "acquire in time": "{into} = {thing}.acquire(timeout=1)",
    "set": "{thing}.set()",
    "clear": "{thing}.clear()",
    "is set": "{into} = {thing}.is_set()",
    "wait": "{into} = {thing}.wait()",
    "wait in time": "{into} = {thing}.wait(timeout=1)",
    "notify": "{thing}.notify()",
    "notify all": "{thing}.notify_all()",
    "put": "{thing}.put({value})",
    "put now": "{thing}.put_nowait({value})",
    "put in time": "try:\n    {thing}.put({value}, timeout=1)\n    {into} = True\nexcept queue.Full:\n    {into} = False",
    "get": "{into} = {thing}.get()",
    "get now": "{into} = {thing}.get_nowait()",
    "try get": "try:\n    {into} = {thing}.get_nowait()\nexcept queue.Empty:\n    {into} = -1",
    "get in time": "try:\n    {into} = {thing}.get(timeout=1)\nexcept queue.Empty:\n    {into} = -1",
    "empty": "{into} = {thing}.empty()",
    "full": "{into} = {thing}.full()",
    "size": "{into} = {thing}.qsize()",
    "done": "{thing}.task_done()",
    "all done": "{thing}.join()",
    "meet": "{into} = {thing}.wait()",
    "break": "{thing}.abort()",
    "reset": "{thing}.reset()",
}

MADE = {
    "dict": "{start}",
    "list": "{start}",
    "lock": "threading.Lock()",
    "reentrant": "threading.RLock()",
    "condition": "threading.Condition()",
    "plain condition": "threading.Condition(threading.Lock())",
    "semaphore": "threading.Semaphore({start})",
    "bounded semaphore": "threading.BoundedSemaphore({start})",
    "event": "threading.Event()",
    "queue": "queue.Queue({start})",
    "barrier": "threading.Barrier({start})",
}

SHOWN = {
    "dict": "tuple({thing}.items())",
    "list": "tuple({thing})",
    "lock": "{thing}.locked()",
    "reentrant": "None",
    "condition": "None",
    "plain condition": "None",
    "semaphore": "{thing}._value",
    "bounded semaphore": "{thing}._value",
    "event": "{thing}.is_set()",
    "queue": "tuple({thing}.queue)",
    "barrier": "{thing}._state",
}


def text_of(program: Program) -> str:
    """A module with ``setup``, ``ACTORS`` and ``outcome``."""
    things = things_of(program)
    cells = [thing.name for thing in things if thing.kind == "cell"]
    numbers = [thing.name for thing in things if thing.kind == "global"]
    bodies = list(_bodies(program))
    functions = "\n\n".join(_function(*one, numbers, cells) for one in bodies)
    names = NAMES[: len(program.actors)]
    fields = [f"self.{thing.name} = {_first_value(thing)}" for thing in things if thing.kind not in ("global", "cell")]
    fields += [f"self.saw_{name} = None" for name, _ in bodies]
    lines = ["import queue", "import threading", ""]
    lines += ["class State:", "    def __init__(self):", *(f"        {line}" for line in fields), ""]
    lines += ["def setup():"]
    lines += [f"    global {', '.join(numbers)}"] if numbers else []
    lines += [f"    {name} = 0" for name in numbers + cells]
    lines += ["    state = State()"]
    if cells:  # only functions made in here can share them
        lines += ["", indent(functions, "    "), ""]
        lines += [f"    state.run_{name} = {name}" for name in names]
        lines += [f"    state.cells = lambda: ({', '.join(cells)},)"]
    lines += ["    return state", ""]
    if not cells:
        lines += [functions, ""]
    run = [f"lambda state: state.run_{name}(state)" if cells else name for name in names]
    lines += ["ACTORS = {" + ", ".join(f"{name!r}: {one}" for name, one in zip(names, run, strict=True)) + "}", ""]
    saw = "".join(f"state.saw_{name}, " for name, _ in bodies)
    left = "".join(f"{_final_value(thing)}, " for thing in things if thing.kind != "cell")
    lines += ["def outcome(state):", f"    return ({saw}), ({left}){' + state.cells()' if cells else ''}", ""]
    return "\n".join(lines)


def _bodies(program: Program) -> Iterator[tuple[str, tuple[Statement, ...]]]:
    """Every function: the actors in order, then their children, then the children of these."""
    named = list(zip(NAMES, program.actors, strict=False))
    for name, body in named:
        yield name, body
        inner = child_of(body)
        if inner is not None:
            named.append((f"{name}_child", inner))


def _first_value(thing: object) -> str:
    if thing.kind in PLACES:
        return str(thing.start)
    start = dict(thing.start) if thing.kind == "dict" else list(thing.start) if thing.kind == "list" else thing.start
    return MADE[thing.kind].format(start=start)


def _final_value(thing: object) -> str:
    return SHOWN.get(thing.kind, "{thing}").format(thing=_reference(thing.name))


def _reference(name: str) -> str:
    return name if THINGS[name].kind in ("global", "cell") else f"state.{name}"


def _function(name: str, body: tuple[Statement, ...], numbers: list[str], cells: list[str]) -> str:
    lines = [f"def {name}(state):"]
    own = {one.thing for one in statements(body) if isinstance(one, Do) and one.verb in ("write", "add")}
    for word, declared in (("global", numbers), ("nonlocal", cells)):
        written = [one for one in declared if one in own]
        lines += [f"    {word} {', '.join(written)}"] if written else []
    count = locals_of(body)
    lines += [f"    {' = '.join(f'r{number}' for number in range(count))} = 0"] if count else []
    lines += [f"    {line}" for line in _block(body, name)]
    lines += [f"    state.saw_{name} = ({''.join(f'r{number}, ' for number in range(count))})"]
    return "\n".join(lines) + "\n"


def _block(body: tuple[Statement, ...], name: str) -> Iterator[str]:
    for one in body:
        yield from _statement(one, name)
    if not body:
        yield "pass"


def _inside(body: tuple[Statement, ...], name: str) -> list[str]:
    return [f"    {line}" for line in _block(body, name)]


def _statement(one: Statement, name: str) -> list[str]:
    match one:
        case Do():
            return (
                VERBS[one.verb]
                .format(thing=_reference(one.thing), into=f"r{one.into}", value=_value(one.value), key=repr(one.key))
                .splitlines()
            )
        case With(thing, body, also):
            both = f"{_reference(thing)}, {_reference(also)}" if also else _reference(thing)
            return [f"with {both}:", *_inside(body, name)]
        case Try(thing, into, body, timed):
            return [
                f"r{into} = {_reference(thing)}.acquire({'timeout=1' if timed else 'False'})",
                f"if r{into}:",
                "    try:",
                *(f"    {line}" for line in _inside(body, name)),
                "    finally:",
                f"        {_reference(thing)}.release()",
            ]
        case Catch(body, handler):
            return ["try:", *_inside(body, name), "except Exception:", *_inside(handler, name)]
        case Wait(condition, place, loop, into):
            lines = [f"{'while' if loop else 'if'} not {_reference(place)}:"]
            if into is None:
                return [*lines, f"    {_reference(condition)}.wait()"]
            lines.append(f"    r{into} = {_reference(condition)}.wait(timeout=1)")
            return [*lines, f"    if not r{into}:", "        break"] if loop else lines
        case If(local, equals, body):
            return [f"if r{local} == {equals}:", *_inside(body, name)]
        case Raise():
            return ["raise RuntimeError('wrong')"]
        case Start():
            return [f"child = threading.Thread(target={name}_child, args=(state,))", "child.start()"]
        case Join():
            return ["child.join()"]


def _value(value: int | Next | None) -> str:
    return f"r{value.local} + 1" if isinstance(value, Next) else str(value)
