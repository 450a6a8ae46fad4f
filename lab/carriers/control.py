"""Runs actors one step at a time: what every carrier has in common.

The control is the driver behind the hooks.  Before a visible operation of a
shared object it asks the strategy which actor goes on; an actor that cannot go
on publishes a `Wait` and is chosen again only when it is ready, or when its
timeout is the earliest one and is chosen to elapse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from threading import get_ident
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any, Protocol

from lab.carriers.actor import ALL_WRITES, Actor, Wait
from lab.discovery import Discovery
from lab.hooks import ABSENT, DRIVERS
from lab.instrument import Site
from lab.operations import (
    CONTENTS,
    function_effect,
    is_container,
    is_iterator,
    is_view,
    method_writes,
    underlying,
)
from lab.virtual import Twins
from lab.virtual.local import LOCAL, ThreadLocals

_FIRST_MOMENT = 1_700_000_000.0  # virtual seconds: the same date in every execution


class Stopped(BaseException):
    """Unwinds an actor whose execution has ended."""


class Recorder(Protocol):
    """Sees every step of one execution at shared objects."""

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None: ...

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None: ...

    def waits(self, actor: Actor, owner: object, site: Site) -> None: ...


class Sharing(Protocol):
    """Sees every access of one execution, to tell which sites touch shared objects."""

    def note(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None: ...


Choose = Callable[[list[Actor], Actor | None], Actor]


class Control:
    """One exploration's engine; `execute` runs the program once.

    Subclasses say how an actor is started, switched to and unwound.
    """

    def __init__(self, discovery: Discovery, steps: int) -> None:
        self.discovery = discovery
        self.step_limit = steps
        self.hot: set[Site] = set()  # sites where a shared object was touched: the decision points
        self.class_names: set[object] = set()  # attribute names stored on classes while actors ran
        self.twins = Twins(self)
        self.locals = ThreadLocals()
        self.identity = get_ident()
        self.main = Actor(0, "main", lambda: None, ())
        self.interrupted = False  # a person pressed Ctrl-C
        self.last = ""  # who ran when the execution was cut short
        self.standstill: list[tuple[Actor, Wait]] = []
        self.held: dict[int, Actor | str] = {}
        self.was_set: frozenset[int] = frozenset()
        self._declared: list[Actor] = []
        self.next_index = 1  # of the next child thread
        self._clear()

    def _clear(self) -> None:
        self.recorder: Recorder | None = None
        self.sharing: Sharing | None = None
        self.actors: list[Actor] = [self.main]
        self.live: list[Actor] = [self.main]
        self.current = self.main
        self.waiting = 0
        self.quiet = True  # only the main actor may run: nothing to decide, nothing to note
        self.joining = False
        self.unfinished = 0
        self.steps = 0
        self.quiet_steps = 0
        self.choices: list[int] = []
        self.touched: dict[tuple[int, object], int] = {}
        self.cold: set[tuple[int, object]] = set()  # places touched at a site that is not hot
        self.suspicious = False  # a place turned out to be shared at a site that is not hot
        self.halted = ""  # why the execution was cut short
        self.unwinding = False
        self.now = _FIRST_MOMENT
        self.clock_reads = 0

    # ------------------------------------------------------------ hooks: accesses

    def touch(self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT) -> None:
        """Before an attribute, global or cell is read or written."""
        if self.quiet:
            if self.unwinding:
                self._touch_unwinding()
            return
        actor = self.current
        if site not in self.hot:
            self._touch_cold(actor, owner, key, write, site)
            return
        if len(self.live) > 1:
            self._decide(actor)
        self.steps += 1
        if self.steps > self.step_limit:
            self._too_long()
        if self.recorder is not None:
            self.recorder.access(actor, owner, key, write, site, value)
        if self.class_names or self.sharing is not None:
            self._mark_class(actor, owner, key, write, site)
            self._mark(actor, owner, key, write, site)
            return
        place = (id(owner), key)
        touched = self.touched
        seen = touched.get(place, 0)
        touched[place] = seen | (actor.wrote if write else actor.read)
        if place in self.cold:
            self._compare(actor, seen, write)

    def _touch_cold(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """An access at a site where nothing shared has been met yet: no decision, but it is noted."""
        self.quiet_steps += 1
        if self.quiet_steps > 200 * self.step_limit:
            self._too_long()
        self._mark_class(actor, owner, key, write, site)
        self._mark(actor, owner, key, write, site)

    def _mark_class(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """An attribute stored on a class may be read through any instance."""
        if write and isinstance(owner, type) and key not in self.class_names:
            self.class_names.add(key)
            self.suspicious = True
        if key in self.class_names:
            self._mark(actor, Control, key, write, site)

    def _touch_unwinding(self) -> None:
        """Code that goes on although it was told to stop gives way now and then."""
        self.quiet_steps += 1
        if self.quiet_steps % 10_000 == 0 and self.current is not self.main:
            self._pass_to(self.main)
            self.main.resume()

    def _mark(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        place = (id(owner), key)
        seen = self.touched.get(place, 0)
        if not seen and isinstance(owner, LOCAL):
            self.locals.meet(owner, actor, self.main)
            return
        self.touched[place] = seen | (actor.wrote if write else actor.read)
        if site not in self.hot:
            self.cold.add(place)
            self._compare(actor, seen, write)
        elif place in self.cold:
            self._compare(actor, seen, write)
        if self.sharing is not None:
            self.sharing.note(actor, owner, key, write, site)

    def _compare(self, actor: Actor, seen: int, write: bool) -> None:
        """Notice a place that two actors touch, one of them writing, at a site that is not hot."""
        others = seen & ~actor.both
        if others and (write or others & ALL_WRITES):
            self.suspicious = True

    def whole(self, container: object, write: bool, site: Site, detail: object = ABSENT) -> None:
        """Before an operation on a container."""
        if self.quiet:
            return
        kind = type(container)
        if not is_container(kind):
            return
        if is_view(kind):
            for source in underlying(container):
                self.touch(source, CONTENTS, False, site, detail)
        elif is_iterator(kind):
            self.touch(container, CONTENTS, True, site, detail)
            for source in underlying(container):
                self._mark(self.current, source, CONTENTS, False, site)
        else:
            self.touch(container, CONTENTS, write, site, detail)

    # ------------------------------------------------------------ hooks: calls

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call: cover Python code, replace controlled operations, note C ones."""
        kind = type(function)
        if kind is FunctionType:
            if function is site.seen and site.seen_by is self:
                return function
            twin = self.twins.function(function, site)
            if twin is not None:
                return twin
            self.discovery.cover(function)
            site.seen, site.seen_by = function, self
        elif kind is MethodType:
            inner = function.__func__
            if inner is site.seen and site.seen_by is self:
                return function
            twin = self.twins.method(function, inner, site)
            if twin is not None:
                return twin
            self.discovery.cover(function)
            site.seen, site.seen_by = inner, self
        elif kind is BuiltinFunctionType or kind is MethodWrapperType:
            twin = self.twins.builtin(function, site)
            if twin is not None:
                return twin
            if site.stepped and not self.quiet:
                self._c_call(function, function.__self__, arguments, site)
        elif kind is MethodDescriptorType or kind is WrapperDescriptorType:
            if arguments:
                twin = self.twins.descriptor(function, arguments[0], site)
                if twin is not None:
                    return twin
                if site.stepped:
                    self._c_method(function.__name__, arguments[0], arguments[1:], site)
        elif isinstance(function, type):
            if function is not site.seen or site.seen_by is not self:
                twin = self.twins.maker(function, arguments, site)
                if twin is not None:
                    return twin
                self.discovery.cover(function)
                site.seen, site.seen_by = function, self
            if arguments and site.stepped and not self.quiet:
                self._c_arguments(function_effect(function) if _is_c_type(function) else None, arguments, site)
        else:
            self.discovery.cover(function)
        return function

    def _c_call(self, function: Any, owner: object, arguments: tuple[Any, ...], site: Site) -> None:
        if type(owner).__name__ == "module" or owner is None:
            effect = function_effect(function)
            if effect is not None:
                if function.__name__ in _ATTRIBUTE_FUNCTIONS and len(arguments) > 1:
                    self.touch(arguments[0], arguments[1], _ATTRIBUTE_FUNCTIONS[function.__name__], site)
                else:
                    self._c_arguments(effect, arguments, site)
        else:
            self._c_method(function.__name__, owner, arguments, site)

    def _c_method(self, name: str, owner: object, arguments: tuple[Any, ...], site: Site) -> None:
        if self.quiet:
            return
        if is_container(type(owner)):
            self.whole(owner, method_writes(name), site, (name, arguments))
        for argument in arguments:
            if is_container(type(argument)) and argument is not owner:
                self._secondary(argument, site)

    def _c_arguments(self, effect: bool | None, arguments: tuple[Any, ...], site: Site) -> None:
        if effect is None:
            return
        for argument in arguments:
            if is_container(type(argument)):
                self.whole(argument, effect, site)

    def _secondary(self, container: object, site: Site) -> None:
        """A container that a method only reads beside its own object, or only stores."""
        self._mark(self.current, container, CONTENTS, False, site)

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with`` enters ``manager``."""
        return self.twins.guard(manager, site)

    def function_made(self, function: Any) -> None:
        """A closure or lambda was made from instrumented code."""
        self.discovery.function_made(function)

    # ------------------------------------------------------------ synchronization, for the twins

    def operate(self, owner: object, word: str, site: Site, detail: str = "") -> None:
        """A visible operation on a synchronization object that never blocks."""
        if self.unwinding or self.quiet:
            return
        actor = self.current
        if site in self.hot and len(self.live) > 1:
            self._decide(actor)
        self._count_operation(actor, owner, word, site, detail)

    def block(
        self, kind: str, owner: object, word: str, ready: Callable[[], bool], site: Site, deadline: float | None = None
    ) -> bool:
        """A visible operation that happens only once ``ready()``; False if ``deadline`` passed instead."""
        if self.unwinding:
            raise Stopped
        actor = self.current
        is_ready = ready()
        if self.quiet and (is_ready or len(self.live) == 1):
            if not is_ready:
                self._stuck_alone(actor, Wait(kind, owner, ready, deadline, self.now, site))
            return is_ready or ready()
        if not is_ready or (site in self.hot and len(self.live) > 1):
            actor.wait = Wait(kind, owner, ready, deadline, self.now, site)
            self.waiting += 1
            if self.recorder is not None:
                self.recorder.waits(actor, owner, site)
            self._decide(actor)
            if actor.timed_out:
                actor.timed_out = False
                self._count_operation(actor, owner, word + " (timed out)", site, "")
                return False
        self._count_operation(actor, owner, word, site, "")
        return True

    def _count_operation(self, actor: Actor, owner: object, word: str, site: Site, detail: str) -> None:
        self.steps += 1
        if self.steps > self.step_limit:
            self._too_long()
        if self.recorder is not None and not self.quiet:
            self.recorder.operation(actor, word, owner, site, detail)
        self._mark(actor, owner, "sync", True, site)

    def _stuck_alone(self, actor: Actor, wait: Wait) -> None:
        if wait.deadline is not None:
            self.now = max(self.now, wait.deadline)
            return
        actor.wait = wait
        self.halted = "stuck"
        raise Stopped

    # ------------------------------------------------------------ scheduling

    def _decide(self, actor: Actor) -> None:
        """Let the strategy choose who goes on; returns when ``actor`` is chosen again."""
        if self.unwinding:
            return
        if self.waiting:
            enabled = self._enabled()
        else:
            enabled = self.live
        if len(enabled) > 1 and not self.quiet:
            chosen = self.choose(enabled, actor)
            self.choices.append(chosen.index)
        elif enabled:
            chosen = enabled[0]
        else:
            chosen = self._nobody()
            if chosen is actor:
                raise Stopped
        if chosen is not actor:
            if chosen.wait is None and not self.locals.met and actor is not self.main:
                self.current = chosen  # what `_hand_over` comes to for most switches
                chosen.resume()
            else:
                self._hand_over(actor, chosen)
        elif chosen.wait is not None:
            self._wake(chosen)

    def _enabled(self) -> list[Actor]:
        enabled: list[Actor] = []
        timer: Actor | None = None
        earliest = math.inf
        for actor in self.live:
            wait = actor.wait
            if wait is None or wait.ready():
                enabled.append(actor)
            elif wait.deadline is not None and wait.deadline < earliest:
                timer, earliest = actor, wait.deadline
        if timer is not None and (not enabled or not (timer.wait and timer.wait.is_long)):
            enabled.append(timer)
        if self.joining and not self.unfinished and all(actor.daemon for actor in enabled):
            return []  # nothing is left that the end of the execution has to wait for
        return enabled

    def _wake(self, actor: Actor) -> None:
        wait = actor.wait
        assert wait is not None
        if not wait.ready():
            actor.timed_out = True
            self.now = max(self.now, wait.deadline or 0.0)
        actor.wait = None
        self.waiting -= 1

    def _pass_to(self, chosen: Actor) -> None:
        """Make ``chosen`` the running actor; the carrier's switch comes next."""
        if self.locals.met:
            self.locals.exchange(self.current, chosen)
        self.current = chosen

    def _hand_over(self, actor: Actor | None, chosen: Actor) -> None:
        if chosen.wait is not None and not self.halted:
            self._wake(chosen)
        self._pass_to(chosen)
        chosen.resume()
        if self.halted and actor is self.main:
            raise Stopped

    def _nobody(self) -> Actor:
        """No actor is enabled: the main actor goes on, told so if it did not wait for just this."""
        if not (self.joining and self.unfinished == 0):
            self.halted = self.halted or "stuck"
        return self.main

    def _ended(self, actor: Actor) -> Actor:
        """Strike off an actor that has ended; who goes on."""
        actor.finished = True
        if actor.thread is not None:
            self.twins.thread_ended(actor.thread)
        self.live.remove(actor)
        if not actor.child:
            self.unfinished -= 1
        if self.halted:
            return self.main
        if not self.live:
            return self._nobody()
        return self._first(self._enabled() if self.waiting or not self.unfinished else self.live)

    def _first(self, enabled: list[Actor]) -> Actor:
        """Who goes on when the actor that ran cannot."""
        if not enabled:
            return self._nobody()
        if len(enabled) == 1 or self.quiet:
            return enabled[0]
        chosen = self.choose(enabled, None)
        self.choices.append(chosen.index)
        return chosen

    def _too_long(self) -> None:
        if self.unwinding:
            raise Stopped
        self.halt("endless")

    def halt(self, why: str) -> None:
        """End the execution from inside an actor."""
        self.halted = self.halted or why
        if self.current is self.main:
            raise Stopped
        self._pass_to(self.main)
        self.main.resume()
        raise Stopped  # the main actor never comes back here but to unwind

    # ------------------------------------------------------------ one execution

    def execute(
        self,
        setup: Callable[[], Any],
        bodies: Sequence[tuple[str, Callable[[Any], Any]]],
        finish: Callable[[Any], Any],
        choose: Choose,
        recorder: Recorder | None = None,
        sharing: Sharing | None = None,
        teardown: Callable[[Any], object] | None = None,
    ) -> Any:
        """Run the program once; what ``finish(state)`` gave, or None if it was not reached.

        Afterwards ``halted`` tells why it was cut short, `Actor.error` who failed.
        """
        self._clear()
        self.choose = choose
        self.recorder = recorder
        self.sharing = sharing
        if len(self._declared) != len(bodies):
            self._declared = [Actor(index, name, body, ()) for index, (name, body) in enumerate(bodies, 1)]
        self.next_index = len(bodies) + 1
        state: Any = None
        begun = torn_down = False
        DRIVERS[self.identity] = self
        try:
            state = setup()
            begun = True
            if bodies:
                self._start_all(bodies, state)
                self._join_all()
            result = finish(state)
            torn_down = True
            if teardown is not None:
                teardown(state)
            return result
        except Stopped:
            return None
        finally:
            if self.halted == "stuck":
                self._note_standstill()
            self.last = self.current.name if self.halted else ""
            self.unwinding = self.quiet = True
            if len(self.live) > 1 or self.halted:
                self._unwind_all()
            del DRIVERS[self.identity]
            self.twins.memory.forget()
            if self.locals.met:
                self.locals.forget()
            if begun and not torn_down and teardown is not None:
                teardown(state)
            if self.interrupted:
                raise KeyboardInterrupt

    def _start_all(self, bodies: Sequence[tuple[str, Callable[[Any], Any]]], state: Any) -> None:
        declared = self._declared
        argument = (state,)
        for actor in declared:
            actor.reset()
            actor.argument = argument
            self._prepare(actor)
        self.actors += declared
        self.live += declared
        self.unfinished = len(declared)

    def spawn(
        self, name: str, body: Callable[..., Any], arguments: tuple[Any, ...], daemon: bool, thread: Any
    ) -> Actor:
        """Start a child thread of the program as a further actor."""
        actor = Actor(self.next_index, name, body, arguments)
        self.next_index += 1
        actor.child = True
        actor.daemon = daemon
        actor.thread = thread
        self.actors.append(actor)
        self.live.append(actor)
        self._prepare(actor)
        self.quiet = False
        return actor

    def _join_all(self) -> None:
        self.live.remove(self.main)
        self.joining = True
        self.quiet = False
        try:
            self._hand_over(self.main, self._first(self._enabled() if self.waiting else self.live))
        finally:
            self.joining = False
        self.live.insert(0, self.main)
        self.quiet = True

    def _note_standstill(self) -> None:
        """Keep who waits for what, before unwinding undoes it."""
        memory = self.twins.memory
        self.standstill = [(actor, actor.wait) for actor in self.live if actor.wait is not None]
        self.held = memory.holders()
        self.was_set = frozenset(memory.was_set)

    def _unwind_all(self) -> None:
        for actor in self.actors[1:]:
            if not actor.finished:
                self._unwind(actor)

    # ------------------------------------------------------------ virtual time

    def read_clock(self) -> float:
        """Seconds of virtual time; each reading takes a little, so that waiting loops end."""
        self.clock_reads += 1
        self.now += 1e-6 * 2.0 ** min(self.clock_reads // 64, 40)
        return self.now

    # ------------------------------------------------------------ for each carrier

    def _prepare(self, actor: Actor) -> None:
        raise NotImplementedError

    def _unwind(self, actor: Actor) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End what the carrier keeps between executions."""


_ATTRIBUTE_FUNCTIONS = {"getattr": False, "hasattr": False, "setattr": True, "delattr": True}


def _is_c_type(kind: type) -> bool:
    return kind.__module__ in ("builtins", "collections", "itertools", "_collections")
