"""Notice a setup that hands out again what an earlier execution has changed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from lab.errors import InvalidValue
from lab.naming import Names, parts, short
from lab.program import Program

if TYPE_CHECKING:
    from lab.explorer import Exploration

_MOST = 300


class Freshness:
    """Compares the states that two calls of setup made, with an execution between them."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def watch(self, exploration: Exploration) -> None:
        """Run once; raises InvalidValue if the second setup sees the first execution's changes."""
        from lab.strategies.replay import stay

        states: list[Any] = []
        before: list[dict[int, tuple[object, str, str]]] = []
        setup = self._program.setup

        def noted() -> Any:
            state = setup()
            states.append(state)
            before.append(_snapshot(state))
            return state

        control = exploration.control
        control.execute(noted, self._program.actors, lambda state: None, stay, teardown=self._program.teardown)
        if not before:
            return
        control.execute(noted, (), lambda state: None, stay, teardown=self._program.teardown)
        if len(before) == 2:
            _compare(*before)


def _snapshot(state: Any) -> dict[int, tuple[object, str, str]]:
    """Every changeable object in reach: itself, its path and its contents as text."""
    found: dict[int, tuple[object, str, str]] = {}
    pending = deque([(state, "state")])
    while pending and len(found) < _MOST:
        thing, path = pending.popleft()
        if id(thing) in found or _cannot_change(thing):
            continue
        inner = list(parts(thing, path))
        found[id(thing)] = (thing, path, _contents(thing, inner))
        pending.extend(inner)
    return found


def _cannot_change(thing: object) -> bool:
    return thing is None or isinstance(thing, int | float | complex | str | bytes | type) or callable(thing)


def _contents(thing: object, inner: list[tuple[object, str]]) -> str:
    own = short(thing) if isinstance(thing, list | dict | set | deque) else ""
    return f"{own}|" + ", ".join(f"{path}={short(part)}" for part, path in inner if _cannot_change(part))


def _compare(first: dict[int, tuple[object, str, str]], second: dict[int, tuple[object, str, str]]) -> None:
    for identity, (thing, path, contents) in second.items():
        known = first.get(identity)
        if known is not None and known[0] is thing and known[2] != contents:
            held = short(thing, Names()) if isinstance(thing, list | dict | set | deque) else contents.split("|", 1)[1]
            raise InvalidValue(
                f"setup: {path} ({type(thing).__name__}) is the same object as in the execution before and still holds "
                f"its changes ({held}); make a new one in setup, or put it back in teardown"
            )
