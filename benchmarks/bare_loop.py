"""Tasks on a loop that does nothing but run what is ready, in its order: no choice, no hook, nothing seen.

What controls tasks cannot be faster than that, so `tasks.py` prints it beside the tools.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any


class BareLoop(asyncio.AbstractEventLoop):
    """As much of a loop as a task needs."""

    def __init__(self) -> None:
        self._ready: deque[tuple[Any, Any, Any]] = deque()

    def get_debug(self) -> bool:
        return False

    def call_soon(self, callback: Any, *arguments: Any, context: Any = None) -> Any:  # type: ignore[override]
        self._ready.append((callback, arguments, context))

    def run(self, coroutines: list[Coroutine[Any, Any, object]]) -> None:
        """Run all of them to their end."""
        events._set_running_loop(self)
        kept = [asyncio.Task(one, loop=self) for one in coroutines]
        while self._ready:
            callback, arguments, context = self._ready.popleft()
            context.run(callback, *arguments)
        events._set_running_loop(None)
        del kept


def once(setup: Callable[[], Any], actors: list[Callable[[Any], Coroutine[Any, Any, object]]]) -> Any:
    """One execution, in the order of the loop; the state it left."""
    state = setup()
    BareLoop().run([actor(state) for actor in actors])
    return state
