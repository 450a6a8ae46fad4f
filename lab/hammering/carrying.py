"""How a state comes to the processes that are to work on it, and what to say where it cannot."""

from __future__ import annotations

import io
import multiprocessing.context
import pickle
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.reduction import ForkingPickler
from typing import Any

from lab.errors import InvalidValue
from lab.naming import parts
from lab.program import describe

_MOST = 300


def carried(state: Any) -> bytes | None:
    """``state`` as bytes; None where it has what a process only inherits, such as a lock."""
    try:
        return pickle.dumps(state)
    except Exception:
        return None


def can_be_given(thing: Any, name: str, method: str, remedy: str) -> None:
    """Raise InvalidValue, with the innermost attribute, if a process that is not forked cannot be given ``thing``."""
    with _spawning():
        error = _complaint(thing)
        if error is None:
            return
        path, culprit = name, thing
        pending: deque[tuple[Any, str]] = deque(_inside(thing, name))
        seen: set[int] = set()
        while pending and len(seen) < _MOST:
            part, part_path = pending.popleft()
            if id(part) in seen:
                continue
            seen.add(id(part))
            why = _complaint(part)
            if why is not None:
                path, culprit, error = part_path, part, why
                pending = deque(_inside(part, part_path))
    kind = type(culprit).__name__
    raise InvalidValue(f"{path}, a {kind}, cannot be pickled, as start={method!r} needs ({describe(error)}); {remedy}")


def _inside(thing: Any, name: str) -> list[tuple[Any, str]]:
    found = list(parts(thing, name))
    if isinstance(thing, Mapping) and type(thing) is dict:
        found += [(value, f"{name}[{key!r}]") for key, value in thing.items()]
    variables = getattr(thing, "__dict__", None)
    if type(variables) is dict:
        found += [(value, f"{name}.{attribute}") for attribute, value in variables.items()]
    return found


def _complaint(thing: Any) -> Exception | None:
    try:
        ForkingPickler(io.BytesIO()).dump(thing)
    except Exception as error:
        return error
    return None


class _Popen:
    """Takes what would be handed to a process that is about to be started."""

    def duplicate_for_child(self, fd: int) -> int:
        """No process is started."""
        return fd

    DupFd = duplicate_for_child


@contextmanager
def _spawning() -> Iterator[None]:
    """Some things can be pickled only while a process is started."""
    multiprocessing.context.set_spawning_popen(_Popen())  # type: ignore[arg-type]
    try:
        yield
    finally:
        multiprocessing.context.set_spawning_popen(None)
