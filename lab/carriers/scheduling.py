"""Who goes on: waiting, waking, choosing and handing over.

An actor that cannot go on publishes a `Wait` and is chosen again only when it is
ready, or when its timeout is the earliest one and is chosen to elapse.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

from lab.carriers.actor import LONG_DELAY, TIMED_OUT, Actor, Wait, event_of, next_in_turn
from lab.carriers.execution import LOOK, Execution, Stopped
from lab.carriers.overtaking import IN_SERVER, without_overtakers
from lab.instrument import Site
from lab.operations import SYNC
from lab.stopwatch import now
from lab.virtual import threads
from lab.virtual.clock import UNNAMED
from lab.virtual.local import TEXT
from lab.virtual.readiness import ready_for

_MOST_PASSED_OVER = 20
"""How often in a row the time of others may be up while an actor that could go on stands still."""

_KEPT = frozenset((threading.Condition, threading.Event, threading.Semaphore, threading.BoundedSemaphore))
"""Whose id must not go to another object while operations are told apart by it; nobody notices that they live on."""


def _nothing() -> None:
    """The body of a child that has ended."""


class Scheduling(Execution):
    """Asks the strategy before each visible operation of a shared object which actor goes on."""

    __slots__ = ()

    # ------------------------------------------------------------ synchronization, for the twins

    def operate(self, owner: object, word: str, site: Site, detail: str = "", also: tuple[object, ...] = ()) -> None:
        """A visible operation on a synchronization object, and on ``also``, that never blocks."""
        if self.unwinding or self.quiet:
            return
        actor = self.current
        if site in self.hot:
            self._publish(actor, owner, site, also)
            if len(self.live) > 1:
                self._decide(actor)
            if self.events is not None:
                self._note_ready(owner, word, also)
                self.events.append(event_of(actor, word))
        self._count_operation(actor, owner, word, site, detail, also)

    def block(
        self,
        kind: str,
        owner: object,
        word: str,
        ready: Callable[[], bool],
        site: Site,
        deadline: float | None = None,
        also: tuple[object, ...] = (),
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
        if deadline is not None and deadline > self.now:
            self.timers.add(actor.index)
        self._publish(actor, owner, site, also)
        if not is_ready or (site in self.hot and len(self.live) > 1):
            actor.wait = Wait(kind, owner, ready, deadline, self.now, site)
            self.waiting += 1
            if self.recorder is not None:
                self.recorder.waits(actor, owner, site)
            self._decide(actor)
            if actor.timed_out:
                actor.timed_out = False
                if self.events is not None:
                    self._note_ready(owner, TIMED_OUT, also)
                    self.events.append(event_of(actor, TIMED_OUT, True, True))
                self._count_operation(actor, owner, word + " (timed out)", site, "", also)
                return False
        if self.events is not None:
            if kind != "lock":
                self._note_ready(owner, kind, also)
            self.events.append(event_of(actor, kind, True, deadline is not None))
        self._count_operation(actor, owner, word, site, "", also)
        return True

    def _note_ready(self, owner: object, kind: str, also: tuple[object, ...]) -> None:
        """Before an operation: put down which others would not have to wait, where it does not tell by itself."""
        assert self.events is not None
        control: Any = self  # completed by its subclasses
        for thing in (owner, *also) if also else (owner,):
            ready = ready_for(control, thing, kind)
            if ready is not None:
                self.ready[len(self.events), id(thing)] = ready

    def _publish(self, actor: Actor, owner: object, site: Site, also: tuple[object, ...]) -> None:
        """Tell the strategies what the actor is about to do."""
        if self.events is not None and type(owner) in _KEPT:
            self.kept.append(owner)
        actor.place = (id(owner), SYNC)
        actor.writes = True
        actor.site = site
        actor.more = tuple(((id(other), SYNC), True) for other in also) if also else ()

    def _count_operation(
        self, actor: Actor, owner: object, word: str, site: Site, detail: str, also: tuple[object, ...]
    ) -> None:
        self.steps += 1
        if self.steps > self.next_look:
            self._look()
        if self.recorder is not None and not self.quiet:
            self.recorder.operation(actor, word, owner, site, detail)
        self._mark(actor, owner, SYNC, True, site)
        for other in also:
            self._mark(actor, other, SYNC, True, site)

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
        if len(enabled) >= self.fewest and not self.quiet:
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
                if self.texts and self.texts.get(TEXT):
                    self.late = True
                self.current = chosen  # what `_hand_over` comes to for most switches
                chosen.resume()
            else:
                self._hand_over(actor, chosen)
        elif chosen.wait is not None:
            self._wake(chosen)

    def _give_way(self, actor: Actor) -> None:
        """Let the next actor go on, if one can: this one may be waiting in a loop for what they do."""
        following = next_in_turn(self._enabled(), actor)
        if following is not None and not self.unwinding:
            self.gave_way = True
            self._hand_over(actor, following)

    def _enabled(self) -> list[Actor]:
        enabled: list[Actor] = []
        timers: list[Actor] = []  # those with the earliest deadline
        others: list[Actor] = []  # those that may be up in any order
        earliest = math.inf
        for actor in self.live:
            wait = actor.wait
            if wait is None or wait.ready():
                enabled.append(actor)
            elif wait.any_order:
                others.append(actor)
            elif wait.deadline is not None and wait.deadline <= earliest:
                if wait.deadline < earliest:
                    timers, earliest = [], wait.deadline
                timers.append(actor)
        if any(actor.wait is not None and actor.wait.kind == IN_SERVER for actor in enabled):
            enabled = without_overtakers(enabled, self.doubts)
        timers += others
        if timers:
            enabled += timers if not enabled else self._in_time(timers, enabled)
        if self.joining and not self.unfinished and all(actor.daemon for actor in enabled):
            return []  # nothing is left that the end of the execution has to wait for
        return enabled

    def _in_time(self, timers: list[Actor], enabled: list[Actor]) -> list[Actor]:
        """Those of ``timers`` whose time can be up before anyone of ``enabled`` goes on."""
        short = [actor for actor in timers if actor.wait is not None and not actor.wait.is_long]
        starving = self.starving
        if len(short) < len(timers):
            self.passed_over_timers = True
        if starving is not None:
            self.passed_over_sleepers = True
        if starving is None or starving not in enabled:
            return short
        if starving.index in self.choices[self.passed_over[starving][0] :]:
            self.starving = None
            return short
        if len(enabled) == 1:
            self.starving = None  # its turn has come
        return []

    def _pass_over(self, actor: Actor) -> None:
        """The time of ``actor`` is up: count how often that was while another one that could go on stood still."""
        for other in self.live:
            if other is actor or not (other.wait is None or other.wait.ready()):
                continue
            chosen_at, since, times = self.passed_over.get(other, (0, self.now, 0))
            if other.index in self.choices[chosen_at:]:
                chosen_at, since, times = len(self.choices), self.now, 0
            self.passed_over[other] = (chosen_at, since, times + 1)
            if times >= _MOST_PASSED_OVER or self.now - since > LONG_DELAY:
                self.starving = other

    def _wake(self, actor: Actor) -> None:
        wait = actor.wait
        assert wait is not None
        if not wait.ready():
            actor.timed_out = True
            self.now = max(self.now, wait.deadline or 0.0)
            if not self.quiet:
                self._pass_over(actor)
        actor.wait = None
        self.waiting -= 1

    def _pass_to(self, chosen: Actor) -> None:
        """Make ``chosen`` the running actor; the carrier's switch comes next."""
        if self.texts and self.texts.get(TEXT):
            self.late = True
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

    def end_as_step(self, actor: Actor) -> None:
        """Choose who goes on before ``actor`` ends: daemons run until the last other one has ended."""
        actor.place, actor.more = None, ()
        if len(self.live) > 1 and not self.quiet:
            self._decide(actor)
        self.ended = actor

    def failed(self, actor: Actor, error: BaseException) -> None:
        """Note what left an actor, unless it was told to end."""
        if not self.unwinding:
            actor.error = error
            self.halted = self.halted or "exception"

    def _ended(self, actor: Actor) -> Actor:
        """Strike off an actor that has ended; who goes on, awake."""
        actor.finished = True
        if actor.thread is not None:
            threads.mark_ended(actor.thread)
        live = self.live
        live.remove(actor)
        if actor.parent is not None:
            actor.body, actor.argument = _nothing, ()  # what only the thread had is no more
        else:
            self.unfinished -= 1
        if self.halted:
            return self.main
        if not live:
            return self._nobody()
        if not self.waiting and self.unfinished:
            return self._first(live)
        following = self._first(self._enabled())
        if following.wait is not None and not self.halted:
            self._wake(following)
        return following

    def _first(self, enabled: list[Actor]) -> Actor:
        """Who goes on when the actor that ran cannot."""
        if not enabled:
            return self._nobody()
        if len(enabled) < self.fewest or self.quiet:
            return enabled[0]
        chosen = self.choose(enabled, None)
        self.choices.append(chosen.index)
        return chosen

    def cut_short(self) -> None:
        """Let the execution, which is known to have no end, end at its next step."""
        self.enough, self.next_look = True, -1

    def _look(self) -> None:
        """Now and then: end an execution that takes too many steps, or too much time."""
        if self.enough and not self.unwinding:
            self.halt("endless")
        if self.steps > self.step_limit or self.interrupted is not None:
            self._too_long()
        self.next_look = min(self.steps + LOOK, max(self.steps, self.step_limit))
        self._look_at_time()

    def _look_at_time(self) -> None:
        if self.deadline is not None and not self.unwinding and now() > self.deadline:
            self.halt("out of time")

    def _too_long(self) -> None:
        if self.unwinding:
            raise Stopped
        if self.interrupted is not None:
            self.halt("interrupted")
        taken = self.steps + self.quiet_steps
        if not self.last_chance and self._somebody_stood_still():
            self.last_chance = taken + self.step_limit // 2 + 100
            self.choose = self._in_turn
            self.gave_way = True
        if taken > self.last_chance:
            self.halt("endless")

    def _somebody_stood_still(self) -> bool:
        """Whether the schedule let hardly anybody but one go on, or one hardly ever; few programs end so."""
        lately = self.choices[len(self.choices) // 2 :]
        often = [lately.count(actor.index) for actor in self.actors]
        return 10 * max(often) > 9 * len(lately) > 0 or any(
            50 * often[actor.index] < len(lately) for actor in self._enabled()
        )

    def _in_turn(self, enabled: list[Actor], current: Actor | None) -> Actor:
        last = self.choices[-1]
        return min(enabled, key=lambda actor: (actor.index <= last, actor.index))

    def halt(self, why: str) -> None:
        """End the execution from inside an actor."""
        self.halted = self.halted or why
        if self.current is self.main:
            raise Stopped
        self._pass_to(self.main)
        self.main.resume()
        raise Stopped  # the main actor never comes back here but to unwind

    def read_clock(self) -> float:
        """Seconds of virtual time; each reading takes a little, so that waiting loops end."""
        self.clock_reads += 1
        if not self.quiet:
            self.read_time = self.read_time or UNNAMED
        self.now += 1e-6 * 2.0 ** min(self.clock_reads // 64, 40)
        return self.now

    def _mark(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        raise NotImplementedError
