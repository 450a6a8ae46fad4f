"""The event loop that tasks under control run on: no files, virtual time, and a strategy that says what happens.

Task, Future and all of asyncio's own code are the real ones.  What a stock loop leaves to the world outside, when
something arrives and how long it takes, is asked of `lab.carriers.tasks`.
"""

from __future__ import annotations

import heapq
import sys
from asyncio import events, futures, tasks
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from lab.carriers.actor import LONG_DELAY, Actor
from lab.carriers.dialing import Dialing
from lab.origin import is_library

if TYPE_CHECKING:
    from lab.carriers.tasks import Tasks


class Handle(events.Handle):
    """A callback that can run; made here, as the library's own code may be instrumented and this happens most often."""

    __slots__ = ()

    def __init__(self, callback: Any, arguments: Any, loop: Any, context: Context | None) -> None:
        if loop._debug:
            super().__init__(callback, arguments, loop, context)
            return
        self._callback, self._args, self._loop = callback, arguments, loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._repr = self._source_traceback = None


class Timer(events.TimerHandle):
    """A callback that is due at a moment, and whose timeout it is.

    Of two that were made at one virtual moment for another one, the first is due first, as the clock goes on.
    """

    __slots__ = ("gone", "is_long", "made", "owner")

    def __init__(
        self, when: float, callback: Any, arguments: Any, loop: Any, context: Context | None, owner: Actor, now: float
    ) -> None:
        super().__init__(when, callback, arguments, loop, context)
        self.owner = owner
        self.made = now
        self.is_long = when - now > LONG_DELAY
        self.gone = False  # it has been due

    def when(self) -> float:
        """The moment; like the comparison it is here because it is the loop's own look at a timer."""
        return self._when  # type: ignore[attr-defined, no-any-return]

    def __lt__(self, other: Any) -> bool:
        return bool(self._when < other._when)  # type: ignore[attr-defined]


class ControlledLoop(Dialing):
    """Keeps what is ready and what is due; `Tasks` takes it from there."""

    _ready: Any
    _asyncgens: Any
    _scheduled: list[Timer]
    _thread_id: int | None
    _closed: bool

    def __init__(self, control: Tasks) -> None:
        super().__init__(control)
        self._equal: dict[float, dict[float, deque[Timer]]] = {}  # moment -> when it was made -> timers in order

    def blank(self) -> Blank:
        """What a loop is that was never used, and this one will not be."""
        found = dict(vars(self))
        self._closed = True
        containers = [(name, type(value)) for name, value in found.items() if type(value) in _CONTAINERS]
        return {**found, "_asyncgens": _NO_GENERATORS}, [one for one in containers if one[0] != "_asyncgens"]

    @classmethod
    def like(cls, blank: Blank) -> ControlledLoop:
        """A new loop with the attributes of a blank one: many times as fast to make."""
        loop = cls.__new__(cls)
        attributes: dict[str, Any] = loop.__dict__
        attributes.update(blank[0])
        for name, kind in blank[1]:
            attributes[name] = kind()
        return loop

    def _asyncgen_firstiter_hook(self, agen: Any) -> None:
        if self._asyncgens is _NO_GENERATORS:
            self._asyncgens = WeakSet()
        super()._asyncgen_firstiter_hook(agen)

    # ------------------------------------------------------------ what asyncio asks of a loop

    def time(self) -> float:
        """Virtual seconds; the program's own look at the clock is told apart from the library's."""
        filename = sys._getframe(1).f_code.co_filename
        if is_library(filename):
            self._control.told_time(filename)
            return self._control.now
        return self._control.read_clock()

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        """Let ``callback`` run after those that became ready before."""
        if self._closed:
            self._check_closed()
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        self._control.became_ready(callback)
        return handle

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        """The same from another thread: a visible operation."""
        self._check_closed()
        self._control.comes_from_thread(callback)
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        """Let ``callback`` become ready in ``delay`` virtual seconds."""
        if delay is None:
            raise TypeError("delay must not be None")
        return self.call_at(self._control.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        """Let ``callback`` become ready at a moment of virtual time."""
        if when is None:
            raise TypeError("when cannot be None")
        self._check_closed()
        control = self._control
        owner = control.current
        if owner.runs_on is not control.main:
            control.not_thread_safe("loop.call_at()")
            owner = control.rest()
        timer = Timer(when, callback, args, self, context, owner, control.now)
        heapq.heappush(self._scheduled, timer)
        self._equal.setdefault(timer.when(), {}).setdefault(timer.made, deque()).append(timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        control.made_timer(timer)
        return timer

    def create_task(self, coro: Any, **options: Any) -> Any:
        """A task of this loop; made here where not each access is noted: the library's own code may be instrumented."""
        if self._task_factory is not None or self._debug or self._closed or self._control.gates:
            return super().create_task(coro, **options)
        return tasks.Task(coro, loop=self, **options)

    def create_future(self) -> Any:
        """A future of this loop."""
        future: Any = futures.Future(loop=self)
        self._control.made(future)
        return future

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Call ``func`` in another thread: one of its own, where the program has no executor."""
        self._check_closed()
        if executor is None and self._default_executor is None:
            return self._control.calls.submit(func, args)
        return super().run_in_executor(executor, func, *args)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Where the program has no handler of its own, what asyncio would only log is a finding."""
        if self._exception_handler is not None:
            super().call_exception_handler(context)
        else:
            self._control.complain(context)

    def _timer_handle_cancelled(self, handle: Any) -> None:
        """Cancelled timers are left out when they come up."""

    # ------------------------------------------------------------ for `Tasks`

    def begin(self) -> None:
        """Be the running loop of this OS thread."""
        self._thread_id = get_ident()
        self._hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook)
        events._set_running_loop(self)

    def end(self) -> None:
        """Be no running loop any more, and closed."""
        events._set_running_loop(None)
        sys.set_asyncgen_hooks(*self._hooks)
        self._thread_id = None
        self._default_executor = None  # its threads were none
        self.let_go_of_transports()
        self._closed = True  # what `close` does, without looking whether there is anything to close
        self._ready.clear()
        self._scheduled.clear()
        self._selector = None

    def has_ready(self) -> bool:
        """Whether a callback can run."""
        ready = self._ready
        while ready and ready[0]._cancelled:
            ready.popleft()
        return bool(ready)

    def next_timers(self) -> list[Timer]:
        """The timers that may be due first: several if made at different moments for the same one."""
        scheduled = self._scheduled
        while scheduled and (scheduled[0].gone or scheduled[0]._cancelled):
            timer = heapq.heappop(scheduled)
            if not scheduled or scheduled[0].when() != timer.when():
                self._equal.pop(timer.when(), None)
        if not scheduled:
            return []
        found = []
        for equal in self._equal[scheduled[0].when()].values():
            while equal and equal[0]._cancelled:
                equal.popleft()
            found += [equal[0]] if equal else []
        return found

    def let_be_due(self, timer: Timer) -> None:
        """Take ``timer`` from those that are waited for to those that are ready, and those of the very same moment.

        A moment that was computed once, as the deadline of several timeouts, comes for all of them at once; those
        that were computed apart would differ where time is real.
        """
        when = timer.when()
        for equal in self._equal[when].values():
            for one in [one for one in equal if one._when is timer._when]:  # type: ignore[attr-defined]
                equal.remove(one)
                one.gone = True
                one._scheduled = False  # type: ignore[attr-defined]
                self._ready.append(one)


Blank = tuple[dict[str, Any], list[tuple[str, type]]]
"""The attributes of a loop, and which of them every loop has its own of."""
_NO_GENERATORS: WeakSet[Any] = WeakSet()  # to make one takes as long as all the rest of a loop
_CONTAINERS = (deque, list, dict, set, WeakSet)


def closing(coroutine: Any) -> None:
    """End a coroutine wherever it is, as often as it takes."""
    for _ in range(3):
        try:
            coroutine.close()
        except BaseException:  # it goes on although it was told to end
            continue
        return
    _ABANDONED.append(coroutine)


_ABANDONED: list[Any] = []
"""Coroutines that would not end.  To drop one would tell it once more, with no loop to wait on: it might never end."""
