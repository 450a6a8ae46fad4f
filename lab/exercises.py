"""Small programs in which nearly every instruction occurs, for `lab.switch_points` to measure them.

Each calls something now and then: no more than 32 calls can be pending in an interpreter.
"""
# ruff: noqa: C408, C416 - the instructions are what counts, not the way to write it

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any


class _Plain:
    item = 1

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_lock = threading.Lock()
_state = 0


def _function(*arguments: Any, **named: Any) -> Any:
    return arguments or named


def _accesses() -> None:
    global _state
    thing: Any = _Plain()
    thing.item = 1
    thing.item += 1
    len("")
    del thing.item
    _state = thing.item
    _state += 1
    one = two = _state
    one, two = two, one
    len("")
    known = {"a": 1}
    known["b"] = known["a"]
    del known["a"]
    len("")
    found = "a" in known and "b" not in known
    found = known is None or known is not None
    len("")
    items: Any = [1, 2, 3]
    first, *rest = items
    first, second, third = items
    len("")
    part = items[0:2]
    items[0:2] = part
    len("")
    text = f"{first!r:>4} {rest} {second}"
    first = -third + second * 2
    len("")
    flag = not found
    flag = first < second
    if flag:
        first = ~first
    len("")
    spread = [*items, 4], {*items}, {**known}, (*items,)
    del text, spread
    len("")


def _calls() -> None:
    thing: Any = _Plain()
    _function(1)
    _function(key=1)
    _function(*[1], **{"key": 2})
    dict(a=1)
    dict(*[], **{"key": 2})
    len("")
    isinstance(thing, _Plain)
    known: Any = {}
    known.get("a", 1)
    items: Any = []
    items.append(1)
    str(1)
    type(thing)
    thing.__enter__()
    with _lock:
        pass
    with thing:
        pass
    import sys as module
    from sys import path

    del module, path
    len("")


def _loops() -> None:
    total = 3
    for number in range(3):
        total += number
    while total:
        total -= 1
    while True:
        total += 1
        if total > 2:
            break
    turns = iter((None, None, 1, 1, 1, None, 0, 0, 1))  # every conditional jump is taken and not taken
    while next(turns) is None:
        len("")
    while next(turns) is not None:
        len("")
    while not next(turns):
        len("")
    [one for one in (1, 2)]
    {one: one for one in (1, 2)}
    {one for one in (1, 2)}
    for _ in {}:
        pass


def _generators() -> None:
    def inner() -> Iterator[int]:
        yield 1
        yield 2

    def outer() -> Iterator[int]:
        yield from inner()

    for _ in inner():
        pass
    for _ in outer():
        pass
    sum(one for one in inner())


def _closures() -> None:
    cell = 1

    def inner() -> int:
        nonlocal cell
        cell += 1
        return cell

    inner()
    cell += 1
    (lambda: cell)()

    class _Local(_Plain):
        value = cell

        def __enter__(self) -> _Plain:
            return super().__enter__()

    _Local().__enter__()


def _errors() -> None:
    empty: dict[str, int] = {}
    try:
        empty["a"]
    except KeyError as error:
        known = error
        del known
    len("")
    try:
        len("")
    finally:
        len("")
    try:
        raise ValueError
    except (KeyError, ValueError):
        len("")
    try:
        with _lock:
            raise ValueError
    except ValueError:
        len("")
    try:
        assert not _lock
    except AssertionError:
        len("")
    try:
        try:
            raise ValueError
        finally:
            len("")
    except ValueError:
        len("")


def _patterns() -> None:
    subject: Any = [1, {"a": 2}]
    match subject:
        case [int(), {"a": second}]:
            len(str(second))
    match 3:
        case 4 | 5:
            pass
        case _:
            pass


PROGRAMS = (_accesses, _calls, _loops, _generators, _closures, _errors, _patterns)
