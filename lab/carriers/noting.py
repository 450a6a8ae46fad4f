"""What stretches of tasks touch that the hooks do not see: the state of futures, tasks, coroutines and generators.

A part of that is C code, so it goes by the operations: to ask a future whether it is done reads it, to await one that
is done as well, everything else writes it.
"""

from __future__ import annotations

import asyncio
import types
import weakref
from sys import getrefcount
from types import AsyncGeneratorType, BuiltinFunctionType, CoroutineType, FunctionType, MethodType
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.awaiting import ASYNCIO
from lab.carriers.doubting import Doubting
from lab.carriers.loop import ControlledLoop, Timer
from lab.carriers.stretch import Stretch
from lab.carriers.supposing import DEEP
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.kinds import attribute, is_a
from lab.operations import CONTENTS
from lab.virtual.local import LOCAL

STEPS = "steps"
"""The key of how far a task has come, and what it waits for."""


class Noting(Doubting):
    """Put before a carrier of tasks: what is touched goes to the sharing map, if that is one of stretches."""

    stretches: list[Stretch]

    def _clear(self) -> None:
        super()._clear()
        self._moments: tuple[int, tuple[Any, ...]] = (-1, ())  # the last one that was made of a delay, and where
        self._users: dict[int, tuple[Any, Actor]] = {}  # async generators by id, and who goes on in them

    @property
    def noting(self) -> bool:
        """Whether what is touched is put down in this execution."""
        return hasattr(self.sharing, "named")

    def _note(self, thing: object, key: object, write: bool) -> None:
        sharing: Any = self.sharing
        if self.noting and not self.quiet:
            sharing.touch(thing, key, write)

    def _number(self, thing: object) -> int:
        sharing: Any = self.sharing
        return int(sharing.number(thing)) if self.noting else -1

    def _unsure(self, why: str) -> None:
        self.doubts[why] = None

    # ------------------------------------------------------------ hooks

    def awaited(self, thing: Any, site: Site) -> None:
        """Before an ``await`` or ``async for``."""
        if self.quiet:
            return
        kind = type(thing)
        if is_a(thing, asyncio.Future):
            self._note(thing, CONTENTS, False)
        elif kind is CoroutineType:
            if getrefcount(thing) > _PRIVATE:
                self._note(thing, CONTENTS, True)
        elif kind is AsyncGeneratorType:
            self._generator(thing)
        elif kind.__name__.startswith("async_generator_"):
            if getrefcount(thing) > _PRIVATE:
                self._unsure("an async generator is told to go on later than it was asked to")
        elif not _is_known(kind):
            self._unsure(f"a {kind.__qualname__} is awaited, of which nothing is known")

    def _generator(self, generator: object) -> None:
        reference, user = self._users.get(id(generator), (_none, self.current))
        if reference() is not generator:
            self._users[id(generator)] = weakref.ref(generator), self.current
        elif user is not self.current:
            self._unsure("an async generator is gone through by several tasks")

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an access."""
        if not self.quiet:
            if issubclass(type(owner), LOCAL):
                self._note(owner, key, True)
            elif is_a(owner, asyncio.Future) and isinstance(key, str) and key in _INSIDE:
                self._future(owner, key)
            elif type(owner) in GATED and key in ("_value", "_waiters") and _looks(site):
                self._unsure("it is looked inside of a lock, and here nobody waits in one")
        super().touch(owner, key, write, site, value, more)

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        if is_a(container, asyncio.Future):
            if site.kind != "call" and not self.quiet:
                self._future(container, site.kind)
            for other in also:
                super().whole(other, False, site)
            return
        super().whole(container, write, site, detail, also)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call."""
        if not self.quiet:
            owner = arguments[0] if type(function) is _DESCRIPTOR and arguments else attribute(function, "__self__")
            if is_a(function, BuiltinFunctionType | types.MethodWrapperType) or type(function) is _DESCRIPTOR:
                if is_a(owner, asyncio.Future):
                    self._future(owner, function.__name__)
                elif is_a(owner, AsyncGeneratorType):
                    self._generator(owner)
                elif is_a(owner, CoroutineType):
                    self._note(owner, CONTENTS, True)
            else:
                self._function(getattr(function, "__func__", function), arguments, site)
            for one in arguments:
                if is_a(one, asyncio.Future) and not is_a(function, FunctionType | MethodType | type):
                    self._future(one, "")
        return super().call(function, arguments, site)

    def _function(self, function: Any, arguments: tuple[Any, ...], site: Site) -> None:
        """What is called is no operation of a future, but may tell what is another thing here than on the loop."""
        if function is asyncio.Timeout:
            self._moments = len(self.stretches), arguments[:1]
        elif type(function) is not FunctionType:
            return
        elif function is asyncio.all_tasks:
            self._unsure("it is asked which tasks there are")
        elif function is asyncio.Semaphore.locked and not _is_of_asyncio(site):
            self._unsure("a semaphore is asked whether it is locked, and here nobody hands it over")
        elif function is asyncio.Timeout.reschedule:
            if arguments[-1] is not None and self._moments != (len(self.stretches), arguments[-1:]):
                self._unsure(_MOMENT)
        elif function in _TIMES and site.stepped:
            self._unsure(_MOMENT)
        elif str(function.__module__).partition(".")[0] == "lab" and function.__name__ not in _OF_LOOP:
            self._unsure(f"it is not known what {function.__qualname__} touches")

    def told_time(self, filename: str) -> None:
        """See `Turns.told_time`."""
        if not self.quiet and not filename.startswith(ASYNCIO):
            self._unsure(_MOMENT)

    def _future(self, future: Any, name: str) -> None:
        """An operation on the state of a future or task, by the name of its method."""
        if name in _NOTHING:
            return
        if name == "get_name":
            if is_a(future, asyncio.Task) and str(future.get_name()).startswith("Task-"):
                self._unsure("the name of a task is read that it was given by its number")
        elif name in ("cancelling", "uncancel"):
            self._note(future, STEPS, name == "uncancel")
        elif name == "cancel":
            for _ in range(1_000):
                self._note(future, CONTENTS, True)
                if not is_a(future, asyncio.Task):
                    break
                self._note(future, STEPS, True)
                waiter: Any = attribute(future, "_fut_waiter")
                if waiter is None:
                    break
                future = waiter
        else:
            self._note(future, CONTENTS, name not in _ASKING)
            if is_a(future, asyncio.Task) and name not in _ASKING and name not in _OF_FUTURES:
                self._note(future, STEPS, True)

    def _examine_method(self, name: str, owner: object, arguments: tuple[Any, ...], site: Site) -> None:
        if not is_a(owner, asyncio.Future) and not is_a(owner, CoroutineType | AsyncGeneratorType):
            super()._examine_method(name, owner, arguments, site)

    def _doubt(self, what: str, site: Site) -> None:
        if what.startswith("calls _asyncio.") and what.removeprefix("calls _asyncio.").partition(",")[0] in _SAFE:
            return
        if what == DEEP and site.code.co_filename in _OF_TASKS:
            return  # containers of futures, which are compared by what they are
        if " in the middle" not in what:  # a stretch is taken in one piece
            super()._doubt(what, site)


def _is_known(kind: type) -> bool:
    """Whether what an ``await`` of it does is Python code, which is noted itself, or goes through one iterator."""
    return kind in _ITERATORS or any(
        is_a(vars(base).get(name), FunctionType) for base in kind.__mro__ for name in _AWAITABLE
    )


def _is_of_asyncio(site: Site) -> bool:
    return bool(site.code.co_filename.startswith(ASYNCIO))


def _looks(site: Site) -> bool:
    """Whether it is no part of a lock's own work."""
    return not _is_of_asyncio(site) or site.code.co_name == "__repr__"


def _none() -> None:
    """A reference to nothing."""


def _references() -> int:
    """The reference count of what only the ``await`` refers to, as `Stretches.awaited` sees it."""
    found: list[int] = []

    class Counting:
        def awaited(self, thing: Any, site: Any) -> None:
            found.append(getrefcount(thing))

    def hook(thing: object, site: Any) -> None:
        counting.awaited(thing, site)

    counting = Counting()
    hook(object(), None)
    return found[0] + 1  # the stack of the code that awaits


_OF_TASKS = frozenset(f"{ASYNCIO}{name}.py" for name in ("tasks", "futures", "locks", "taskgroups", "timeouts"))
_PRIVATE = _references()
_DESCRIPTOR = types.MethodDescriptorType
_AWAITABLE = ("__await__", "__iter__", "__aiter__", "__anext__")
_ITERATORS = frozenset((types.GeneratorType, type(iter([])), type(iter(())), type(iter(range(1)))))
_ASKING = frozenset(("done", "result", "exception", "cancelled", "_state", "_result", "_exception"))
_OF_FUTURES = frozenset(("set_result", "set_exception", "add_done_callback", "remove_done_callback"))
_NOTHING = frozenset(("get_loop", "get_coro", "get_context", "set_name", "_make_cancelled_error"))
_INSIDE = frozenset(
    ("_state", "_result", "_exception", "_callbacks", "_fut_waiter", "_must_cancel", "_coro", "_num_cancels_requested")
)
"""Attributes of futures and tasks that their methods change."""
_SAFE = frozenset(
    ("get_running_loop", "_get_running_loop", "get_event_loop", "_get_event_loop", "current_task", "_set_running_loop")
    + ("_register_task", "_unregister_task", "_enter_task", "_leave_task", "_swap_current_task", "Future", "Task")
)
"""C functions of asyncio that tell a task of itself."""
_TIMES = (Timer.when, asyncio.Timeout.when, asyncio.timeout_at, ControlledLoop.call_at)
_MOMENT = "a moment is read or given, and moments are those of virtual time"
_OF_LOOP = frozenset(
    ("call_soon", "call_later", "call_at", "call_soon_threadsafe", "time", "create_future", "call_exception_handler")
    + ("_timer_handle_cancelled", "run_in_executor", "_write_to_self")
)
"""What is known of the loop's own methods; the calls of a thread are none of a task."""
GATED = (asyncio.Lock, asyncio.Semaphore, asyncio.BoundedSemaphore)
"""Locks that a task waits for before it takes them."""
