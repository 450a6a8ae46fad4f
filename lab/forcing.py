"""Force a witness on real OS threads: does the program itself fail so, with its real locks and without twins?

Nobody controls the threads; only, at each visible operation of the witness before which another actor ran,
a thread waits until the operation before has been done.  Such a wait is a blocking call, so this shows what real
threads do in that order, and nothing of where the interpreter would switch by itself (`lab.grading` tells that).

What a thread does is counted in sites that it comes to, since it does the same between them as under control.
Inside the library's own code nothing is held up: it blocks and wakes as it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from lab.carriers.actor import Actor, Places
from lab.engine import engine
from lab.exploration import Escaped
from lab.following import Follower, follow
from lab.hammering.noise import Noise, SharedDiscovery, Strayed
from lab.hammering.pool import Batch, Pool, machine_kept
from lab.hammering.tally import left_by
from lab.hooks import ABSENT, ONE_AT_A_TIME, Accesses
from lab.instrument import Site
from lab.program import Failure, Program
from lab.recorder import identity_of
from lab.stopwatch import now
from lab.witness import Witness

_GRACES = (0.01, 0.03, 0.1, 0.1, 0.1)
"""Seconds after which an operation that nothing more is seen of counts as done, by attempt: it may block."""
_PATIENCE = 0.25
"""Seconds without anything new after which the order of the witness is given up."""
_LONGEST = 5.0  # seconds of an attempt after which there is no other
_HANGS = ("deadlock", "lost wakeup", "livelock")

Key = tuple[str | int, ...]
"""Who a thread is: the name of an actor, then which of the threads that it started."""


@dataclass(frozen=True)
class Forced:
    """Whether the witness's failure came on real threads, and what is to be told of it."""

    failed: bool
    message: str


@dataclass(frozen=True)
class _Gate:
    """Where a thread waits: before its ``turn``-th site, until another has done what it does at its own ``after``.

    Turn -1 is the beginning of a thread that the program starts, and -2 and so on are the times when it has been
    woken up from a condition and is about to take the lock again.
    """

    key: Key
    turn: int
    who: Key
    after: int


class _Script(Follower):
    """The sites that each actor comes to, and at which of them its steps are."""

    def __init__(self, witness: Witness) -> None:
        super().__init__(witness)
        self.sites: dict[Actor, list[tuple[str, str, int, str]]] = {}
        self.acts: list[tuple[Actor, int]] = []  # actor, number of the site, -1 before the first; in the order of steps
        self.pending: list[Actor] = []  # at a site that it has come to, and no further

    def comes(self, actor: Actor, site: Site) -> None:
        """See `lab.carriers.pointing.Points`."""
        self.sites.setdefault(actor, []).append(identity_of(site))

    def passes(self, actor: Actor, surely: bool, why: str) -> None:
        """Of no account here."""

    def stands(self, actor: Actor, places: Places, site: Site) -> None:
        """See `lab.carriers.pointing.Points`."""
        self.pending.append(actor)

    def _compare(self) -> None:
        super()._compare()
        actor = self._acting
        self.acts.append((actor, len(self.sites.get(actor, ())) - 1))

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None:
        """A step at an object."""
        self._acting = actor
        super().access(actor, owner, key, write, site, detail)

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None:
        """A step at a lock, queue, thread or clock."""
        self._acting = actor
        super().operation(actor, word, owner, site, detail)

    def gates(self, keys: Mapping[Actor, Key]) -> list[_Gate]:
        """One for each switch of the witness, and for those who at its end are about to do something."""
        found = []
        known = set(self.acts[:1])
        wakings: dict[Actor, int] = {}
        for number, ((before, after), (actor, turn)) in enumerate(pairwise(self.acts), 1):
            waking = 0
            if self.steps[number].word == "wakes up":
                waking = wakings[actor] = wakings.get(actor, 0) + 1
            if before is not actor and (waking or (actor, turn) not in known):  # else it goes on in library code
                found.append(_Gate(keys[actor], -1 - waking if waking else turn, keys[before], after))
            known.add((actor, turn))
        last, after = self.acts[-1]
        for actor in [*self.pending, *(one for one in keys if one not in self.sites)]:  # and who has not begun
            turn = max(0, len(self.sites.get(actor, ())) - 1)
            if actor is not last and (actor, turn) not in known:
                found.append(_Gate(keys[actor], turn, keys[last], after))
        return found


def forced(witness: Witness, program: Program, trace: tuple[str, ...], steps: int) -> Forced:
    """Run the witness on real OS threads; takes some seconds where threads hang, and leaves none behind."""
    if program.is_async:
        return Forced(False, "not on real threads: the actors are tasks of an event loop")
    if program.processes:  # as threads they would do to this folder what they do to their private ones
        return Forced(False, "not on real threads: the actors are processes, and ran as such")
    try:
        with engine(program, steps, trace, "auto", points=True) as exploration:
            script, _, failure = follow(exploration, witness, _Script)
            keys = _keys(exploration.control.actors)
    except Escaped as escaped:
        return Forced(False, f"not on real threads: the witness could not be repeated ({escaped})")
    if failure is None or failure.kind != witness.failure.kind:
        return Forced(False, "not on real threads: the witness could not be repeated")
    gates = script.gates(keys) if script.acts else []
    sites = {keys[actor]: found for actor, found in script.sites.items()}
    with ONE_AT_A_TIME, machine_kept(), SharedDiscovery(trace) as discovery:
        for grace in _GRACES:
            began = now()
            attempt = _Attempt(program, discovery, gates, sites, grace)
            found = attempt.run()
            if attempt.left:
                whose = " and of ".join(attempt.left)
                return Forced(False, f"not on real threads: the thread of {whose} could not be ended")
            if found is not None and _alike(found, failure):
                named = "" if found.kind == failure.kind else f", where it looks like a {found.kind}"
                return Forced(True, f"fails alike on real threads{named}")
            if now() - began > _LONGEST:
                break
    told = f"failed otherwise on real threads: {found}" if found is not None else "did not fail on real threads"
    return Forced(False, told + (f"; {attempt.given_up}" if attempt.given_up else ""))


def _keys(actors: Sequence[Actor]) -> dict[Actor, Key]:
    keys: dict[Actor, Key] = {}
    children: dict[Actor, int] = {}
    for actor in actors:
        if actor.parent is None:
            keys[actor] = (actor.name,)
        else:
            number = children[actor.parent] = children.get(actor.parent, 0) + 1
            keys[actor] = (*keys.get(actor.parent, ()), number)
    return keys


def _alike(found: Failure, failure: Failure) -> bool:
    if failure.kind in _HANGS:
        return found.kind in _HANGS
    return (found.kind, found.message) == (failure.kind, failure.message)


class _Attempt:
    """One run on real threads."""

    def __init__(
        self,
        program: Program,
        discovery: SharedDiscovery,
        gates: Sequence[_Gate],
        sites: Mapping[Key, Sequence[tuple[str, str, int, str]]],
        grace: float,
    ) -> None:
        self.program = program
        self.discovery = discovery
        self.gates = {(gate.key, gate.turn): gate for gate in gates}
        self.sites = sites
        self.grace = grace
        self.given_up = ""  # why the order of the witness was not kept to its end
        self.left: tuple[str, ...] = ()
        self.came: dict[Key, int] = {}  # who -> number of the site that it has come to
        self.went: dict[tuple[Key, int], float] = {}  # when somebody went on at a site
        self.ended: set[Key] = set()

    def run(self) -> Failure | None:
        """What was wrong in the end."""
        program = self.program
        state = program.setup()
        try:
            return self._run(state)
        finally:
            if program.teardown is not None and not self.left:
                program.teardown(state)

    def _run(self, state: Any) -> Failure | None:
        actors = tuple((name, self._ending((name,), body)) for name, body in self.program.actors)
        for _, body in self.program.actors:
            self.discovery.cover(body)
        self.discovery.meet_parts(state)
        pool = Pool(actors, ())
        try:
            pool.renew()
            batch = Batch([state], False, len(actors))
            batch.drivers = [
                _Gated(self, (name,), batch.strayed, partial(batch.number, index))
                for index, (name, _) in enumerate(actors)
            ]
            stuck = pool.run(batch)
            self.given_up = self.given_up or ("" if stuck is None or stuck.failure is not None else stuck.message)
            if stuck is not None and min(map(len, batch.ends)) == 0:
                batch.close([0])
                self.left = pool.force(state)
            else:
                stuck = None
                batch.close(())
            errors = [(name, found[0]) for (name, _), found in zip(actors, batch.errors, strict=True) if 0 in found] + [
                (name, error) for _, name, error in batch.strays.values()
            ]
            for name, error in errors:
                return left_by(name, error)
            return stuck.failure if stuck is not None else self.program.judge(state)[1]
        finally:
            self.left += pool.close()

    def _ending(self, key: Key, body: Callable[[Any], object]) -> Callable[[Any], None]:
        def run(state: Any) -> None:
            try:
                body(state)
            finally:
                self.ended.add(key)

        return run

    def comes(self, key: Key, site: Site) -> None:
        """A thread has come to a site: it waits there if it has to, and is let on."""
        turn = self.came[key] = self.came.get(key, -1) + 1
        if self.given_up:
            return
        expected = self.sites.get(key, ())
        if turn < len(expected) and expected[turn] != identity_of(site):
            self.give_up(
                f"{key[0]} came to {site.code.co_qualname}:{site.line} where the witness has another operation"
            )
            return
        self.wait(key, turn, site)
        self.went[key, turn] = now()

    def wait(self, key: Key, turn: int, site: Site | None = None) -> None:
        """Hold a thread up for as long as the witness has others go first."""
        gate = self.gates.get((key, turn))
        if gate is not None:
            where = f" at {site.code.co_qualname}:{site.line}" if site is not None else ""
            began, seen = now(), -1
            arrived = began
            while not self._is_done(gate, arrived) and not self.given_up:
                progress = sum(self.came.values())
                if progress != seen:
                    began, seen = now(), progress
                if now() - began > _PATIENCE:
                    self.give_up(f"{key[0]} waited in vain for {gate.who[0]}{where}")
                time.sleep(0.0005)

    def _is_done(self, gate: _Gate, arrived: float) -> bool:
        if self.came.get(gate.who, -1) > gate.after or gate.who in self.ended:
            return True
        went = self.went.get((gate.who, gate.after))
        return went is not None and now() - max(went, arrived) > self.grace

    def give_up(self, why: str) -> None:
        """Open all gates."""
        self.given_up = self.given_up or why


class _Gated(Noise):
    """The driver of one forced thread."""

    def __init__(self, attempt: _Attempt, key: Key, strayed: Strayed, number: Callable[[], int]) -> None:
        super().__init__(attempt.discovery, 0.0, 0, strayed, number)
        self._attempt = attempt
        self._key = key
        self._children = 0
        self._woken = 0

    def pause(self) -> None:
        """Only gates hold this thread up."""

    def _comes(self, site: Site) -> None:
        if site.stepped and site.number >= 0:
            self._attempt.comes(self._key, site)

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an attribute, global or cell is read or written."""
        super().touch(owner, key, write, site, value, more)
        self._comes(site)

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        super().whole(container, write, site, detail, also)
        self._comes(site)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call."""
        if getattr(function, "__name__", "") == "_acquire_restore" and not site.stepped:  # in Condition.wait
            self._woken += 1
            self._attempt.wait(self._key, -1 - self._woken)
        function = super().call(function, arguments, site)
        self._comes(site)
        return function

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with`` enters ``manager``."""
        manager = super().enter(manager, site)
        self._comes(site)
        return manager

    def _start(self, start: Callable[..., Any], target: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        self._children += 1
        child = _Gated(self._attempt, (*self._key, self._children), self._strayed, self._number)
        return start(partial(child._as_child, self._number(), target), *arguments, **options)

    def _as_child(self, number: int, target: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            super()._as_child(number, target, *arguments, **options)
        finally:
            self._attempt.ended.add(self._key)

    def _guarded(self, number: int, name: str, run: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        self._attempt.wait(self._key, -1)
        super()._guarded(number, name, run, *arguments, **options)

    def _of_child(self, number: Callable[[], int]) -> Noise:
        return self
