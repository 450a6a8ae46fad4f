"""The default executor of a controlled loop: a thread of the program for each call, and no pool to look at.

A pool would take a dozen operations on its own queues and locks for each call, of which none is the program's.  As
in the real one, only so many calls run at a time.
"""

from __future__ import annotations

from asyncio import futures
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.carriers.awaiting import begin_site
from lab.carriers.execution import Stopped

if TYPE_CHECKING:
    from lab.carriers.tasks import Tasks

_WORKERS: int = ThreadPoolExecutor()._max_workers


class Calls:
    """Calls that run in threads of one execution."""

    def __init__(self, control: Tasks) -> None:
        self._control = control
        self._waiting: deque[tuple[Any, Callable[[], Any]]] = deque()
        self._running = 0
        self._number = 0

    def submit(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """An asyncio future of the result."""
        future = self._control.loop.create_future()
        self._waiting.append((future, partial(_hooked, self._control, function, arguments)))
        self._start()
        return future

    def _start(self) -> None:
        while self._waiting and self._running < _WORKERS:
            future, call = self._waiting.popleft()
            self._running += 1
            name = f"asyncio_{self._number}"
            self._number += 1
            self._control.spawn(name, partial(self._run, future, call), (), False, None)

    def _run(self, future: Any, call: Callable[[], Any]) -> None:
        loop = self._control.loop
        result, error = None, None
        try:
            if not future.cancelled():
                result = call()
        except (Stopped, SystemExit, KeyboardInterrupt):
            raise
        except BaseException as raised:
            error = raised
        finally:
            self._running -= 1
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, future, result, error)
            self._start()


def _settle(future: Any, result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration):
        error = RuntimeError("StopIteration interacts badly with generators and cannot be raised into a Future")
    if error is not None:
        future.set_exception(futures._convert_future_exc(error))  # type: ignore[attr-defined]
    else:
        future.set_result(result)


def _hooked(control: Tasks, function: Any, arguments: tuple[Any, ...]) -> Any:
    """Call ``function`` as hooked code would: covered, or its twin."""
    named: dict[str, Any] = {}
    context: Context | None = None
    while isinstance(function, partial):
        arguments, named, function = (*function.args, *arguments), {**function.keywords, **named}, function.func
    if isinstance(getattr(function, "__self__", None), Context) and function.__name__ == "run" and arguments:
        context, function, arguments = function.__self__, arguments[0], arguments[1:]
    site = begin_site(_hooked.__code__)
    call = partial(control.call(function, arguments, site), *arguments, **named)
    return call() if context is None else context.run(call)
