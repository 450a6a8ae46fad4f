"""Twins of asyncio's locks and queues: the real ones run, and what they did is told.

They change nothing.  The steps make a trace readable, and who holds a lock makes a deadlock's story.  Only a
thread that uses one of them, which is none of its business, is noted.
"""

from __future__ import annotations

import asyncio
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any

from lab.virtual import Twins
from lab.virtual.in_order import InOrder
from lab.virtual.redirection import own, redirection, replaced

if TYPE_CHECKING:
    from lab.carriers.tasks import Tasks
    from lab.instrument import Site


class TaskTwins(Twins):
    """The twins of a program of tasks."""

    _control: Tasks

    def function(self, function: Any, site: Site) -> Any:
        """See `Twins.function`."""
        twin = _TWINS.get(function)
        return twin(self._control, site) if twin is not None else super().function(function, site)

    def method(self, bound: Any, function: Any, site: Site) -> Any:
        """See `Twins.method`."""
        try:
            twin = _TWINS.get(function)
        except TypeError:
            return None
        if twin is None:
            return super().method(bound, function, site)
        found, owner = twin(self._control, site), bound.__self__
        return lambda *arguments, **named: found(owner, *arguments, **named)

    def maker(self, cls: type, arguments: tuple[Any, ...], site: Site) -> Any:
        """See `Twins.maker`."""
        if issubclass(cls, asyncio.TaskGroup):
            return partial(_group, self._control, cls)
        return super().maker(cls, arguments, site)

    def guard(self, manager: Any, site: Site) -> Any:
        """See `Twins.guard`; a lock that asyncio takes and gives back without a step in between is left alone."""
        return manager if _is_momentary(site) else super().guard(manager, site)

    def builtin(self, function: Any, site: Site) -> Any:
        """See `Twins.builtin`."""
        if function.__name__ in _OF_FUTURES and isinstance(function.__self__, asyncio.Future):
            return _deciding(self._control, site, function)
        if _is_momentary(site):
            return None
        return super().builtin(function, site)


def _is_momentary(site: Site) -> bool:
    return site.code.co_qualname == "_LoopBoundMixin._get_loop"


_OF_FUTURES = frozenset(("set_result", "set_exception", "cancel", "add_done_callback"))


def _deciding(control: Tasks, site: Site, function: Any) -> Callable[..., Any] | None:
    """The twin of a method of a future, or of a task, which is one."""
    future, name = function.__self__, function.__name__
    is_task = isinstance(future, asyncio.Task)

    def called(*arguments: Any, **named: Any) -> Any:
        if control.current.runs_on is not control.main and future.get_loop() is control.loop:
            control.not_thread_safe(f"asyncio.{'Task' if is_task else 'Future'}.{name}()")
        elif is_task and name == "cancel":
            actor = control.of(future)
            control.operate(future, "cancels", site, actor.name if actor is not None else "")
        return function(*arguments, **named)

    return called


def _awaited(real: Any, word: str, holds: bool) -> Callable[[Tasks, Site], Callable[..., Any]]:
    """The twin of a coroutine function; with ``holds`` the task then holds the object."""

    def twin(control: Tasks, site: Site) -> Callable[..., Any]:
        async def awaited(owner: Any, *arguments: Any, **named: Any) -> Any:
            _is_home(control, owner, real)
            if control.gates:
                await control.gate(owner)
            result = await real(owner, *arguments, **named)
            control.operate(owner, word, site)
            if holds:
                control.holding[id(owner)] = control.current
            return result

        awaited.__qualname__ = real.__qualname__
        return awaited

    return twin


def _called(real: Any, word: str, frees: bool = False) -> Callable[[Tasks, Site], Callable[..., Any]]:
    """The twin of a plain method; with ``frees`` nobody holds the object afterwards."""

    def twin(control: Tasks, site: Site) -> Callable[..., Any]:
        def called(owner: Any, *arguments: Any, **named: Any) -> Any:
            control.operate(owner, word, site)
            _is_home(control, owner, real)
            result = real(owner, *arguments, **named)
            if frees:
                control.holding.pop(id(owner), None)
            elif real is asyncio.Event.set:
                control.twins.memory.was_set.add(id(owner))
            return result

        return called

    return twin


class _Members(InOrder):
    """The tasks of a group, which cancels them in this order where a real one goes by where they lie."""

    def __init__(self, control: Tasks, members: Iterable[Any]) -> None:
        super().__init__(control.twins.memory.births, members)
        self._control = control

    def __iter__(self) -> Iterator[Any]:
        if len(self) > 1:
            self._control.in_any_order("a task group goes through its tasks")
        return super().__iter__()


def _group(control: Tasks, cls: Any, *arguments: Any, **named: Any) -> Any:
    group = cls(*arguments, **named)
    group._tasks = _Members(control, group._tasks)
    return group


def _waiting(control: Tasks, _site: Site) -> Callable[..., Any]:
    async def waiting(*arguments: Any, **named: Any) -> Any:
        done, pending = await asyncio.wait(*arguments, **named)
        return InOrder(control.twins.memory.births, done), InOrder(control.twins.memory.births, pending)

    waiting.__qualname__ = asyncio.wait.__qualname__
    return waiting


def _asking(control: Tasks, _site: Site) -> Callable[..., Any]:
    return lambda *arguments: InOrder(control.twins.memory.births, asyncio.all_tasks(*arguments))


def _reading(control: Tasks, _site: Site) -> Callable[..., Any]:
    async def reading(reader: Any, n: int = -1) -> bytes:
        if n > 0:
            control.network.reads_pieces()
        data: bytes = await asyncio.StreamReader.read(reader, n)
        return data

    return reading


def _is_home(control: Tasks, owner: Any, real: Any) -> None:
    """Note who uses a lock, event or queue, and whether it is one of the loop's."""
    if control.current.runs_on is control.main:
        if not control.quiet:
            control.at_home[id(owner)] = weakref.ref(owner)
    elif control.at_home.get(id(owner), _nobody)() is owner or getattr(owner, "_loop", None) is control.loop:
        control.not_thread_safe(f"asyncio.{real.__qualname__}()")


def _nobody() -> None:
    """A reference to nothing."""


def _never_awaited(control: Tasks, _site: Site) -> Callable[..., Any]:
    return control.never_awaited


_WARN: Any = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]


@contextmanager
def warnings_redirected() -> Iterator[None]:
    """While an exploration goes on: who drives an OS thread is told of a coroutine that ends there unawaited.

    Where nobody drives the exploring one, what ends was left by an execution, which has been judged.
    """
    exploring = get_ident()
    with redirection((_WARN,)):
        warn = own(_WARN)
        with replaced(_WARN, lambda coroutine: None if get_ident() == exploring else warn(coroutine)):
            yield


_TWINS: dict[Any, Callable[[Tasks, Site], Callable[..., Any]]] = {
    _WARN: _never_awaited,
    asyncio.Lock.acquire: _awaited(asyncio.Lock.acquire, "acquires", holds=True),
    asyncio.Lock.release: _called(asyncio.Lock.release, "releases", frees=True),
    asyncio.Semaphore.acquire: _awaited(asyncio.Semaphore.acquire, "acquires", holds=False),
    asyncio.Semaphore.release: _called(asyncio.Semaphore.release, "releases"),
    asyncio.Event.set: _called(asyncio.Event.set, "sets"),
    asyncio.Event.clear: _called(asyncio.Event.clear, "clears"),
    asyncio.Condition.notify: _called(asyncio.Condition.notify, "notifies"),
    asyncio.Queue.put_nowait: _called(asyncio.Queue.put_nowait, "puts"),
    asyncio.Queue.get_nowait: _called(asyncio.Queue.get_nowait, "gets"),
    asyncio.StreamReader.read: _reading,
    asyncio.all_tasks: _asking,
    asyncio.wait: _waiting,
}
