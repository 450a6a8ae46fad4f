"""Grade a witness: on which builds of Python can it happen?

It is repeated once more with code that tells of switch points (`lab.pointing`), whatever its steps say:
the answer is about this interpreter, and the path that was really taken on it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from lab.carriers.actor import Actor, Places, operation
from lab.detectors.orders import Moment
from lab.detectors.realizable import FREE, HERE, WITH_LOCK, Grade, grade
from lab.engine import engine
from lab.exploration import Escaped
from lab.following import Follower, follow
from lab.instrument import Site
from lab.operations import SYNC
from lab.program import Program, describe
from lab.stopwatch import now
from lab.switch_points import switch_points
from lab.trace import Place
from lab.witness import Witness, build_name

_SECONDS = 3.0
"""Of wall-clock time, after which a repetition gets two more."""


def realizable(
    witness: Witness, program: Program, trace: tuple[str, ...], steps: int, carrier: str = "auto"
) -> Mapping[str, Grade]:
    """Build -> whether this witness can happen there, for ``this build``, the ``GIL build`` of the same version
    of Python and its ``free-threaded`` build.

    Left out of account are finalizers that the garbage collector runs, signals, and tracing.
    """
    if program.is_async:
        from lab.grading_tasks import graded

        return graded(witness, program, trace, steps, carrier)
    found = {FREE: Grade("yes"), WITH_LOCK: _with_lock(witness, program, trace, steps, carrier)}
    return {HERE: found[WITH_LOCK if build_name() == "gil" else FREE], **found}


def _with_lock(witness: Witness, program: Program, trace: tuple[str, ...], steps: int, carrier: str) -> Grade:
    if sys.implementation.name != "cpython":
        return Grade("unknown", f"nothing is known of where {sys.implementation.name} switches threads")
    if switch_points().problem:
        return Grade("unknown", switch_points().problem)
    if carrier == "auto" and witness.carrier == "thread":
        carrier = "thread"
    if witness.failure.kind != "livelock":  # which is as long as was allowed
        steps = max(steps, len(witness.trace.steps) + 1000)
    again = "the witness could not be repeated"
    try:
        with engine(program, steps, trace, carrier, points=True) as exploration:
            exploration.ends_by(now() + _SECONDS)
            recorded, _, failure = follow(
                exploration, witness, partial(PointFollower, enough=exploration.control.cut_short)
            )
            uncontrolled = list(exploration.discovery.uncontrolled)
    except Escaped as escaped:
        return Grade("unknown", f"{again}: {escaped}")
    except Exception as error:  # of the program's own setup, say: the failure is known, and that must not be lost
        return Grade("unknown", f"{again} ({describe(error)})")
    if failure is None or failure.kind != witness.failure.kind or recorded.diverged:
        return Grade("unknown", again + (f": {recorded.diverged}" if recorded.diverged else ""))
    found = grade(recorded.moments)
    if found.status == "no" and uncontrolled:
        return Grade("unknown", f"{found.reason} was seen, but {uncontrolled[0]}")
    return found


class PointFollower(Follower):
    """Writes down what the grade needs to know of each step."""

    def __init__(self, witness: Witness, enough: Callable[[], None] = lambda: None) -> None:
        super().__init__(witness)
        self._enough = enough  # to be called where rounds follow that are alike
        self.moments: list[Moment] = []
        self._surely: set[int] = set()  # actors that have passed a switch point since their last step
        self._maybe: dict[int, str] = {}
        self._blocked: set[int] = set()  # actors whose next step had to wait
        self._latest: dict[int, int] = {}  # actor -> number of its latest step
        self._holds: dict[int, list[list[int]]] = {}  # id of a lock -> the steps that took it, gave it back
        self._starts: dict[int, int] = {}  # id of a thread -> number of the step that started it
        self._runs: dict[int, int] = {}  # id of a thread -> actor

    def passes(self, actor: Actor, surely: bool, why: str) -> None:
        """See `lab.carriers.pointing.Points`."""
        if surely:
            self._surely.add(actor.index)
        else:
            self._maybe.setdefault(actor.index, why)

    def comes(self, actor: Actor, site: Site) -> None:
        """See `lab.carriers.pointing.Points`."""

    def stands(self, actor: Actor, places: Places, site: Site) -> None:
        """See `lab.carriers.pointing.Points`.  Whoever waits has been written down when it came to that."""
        if actor.index in self._latest and actor.index not in self._blocked:
            self._add(actor, _place(site), places, ())

    def waits(self, actor: Actor, owner: object, site: Site) -> None:
        """An actor that has to wait lets the others go on.

        That it has to is a step of its own, which looks at what it waits for: in another order it might not.
        """
        super().waits(actor, owner, site)
        if actor.wait is not None and not actor.wait.ready():
            self._add(actor, _place(site), tuple((place, False) for place, _ in operation(actor)), ())
            self._surely.add(actor.index)
            self._blocked.add(actor.index)

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None:
        """A step at an object."""
        super().access(actor, owner, key, write, site, detail)
        self._add(actor, self.steps[-1].place, operation(actor), ())

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None:
        """A step at a lock, queue, thread or clock."""
        super().operation(actor, word, owner, site, detail)
        places = operation(actor) if actor.site is site else (((id(owner), SYNC), True),)
        after: tuple[int, ...] = ()
        if word.startswith("joins") and self._runs.get(id(owner)) in self._latest:
            after = (self._latest[self._runs[id(owner)]],)
        number = len(self.moments)
        waited = actor.index in self._blocked
        self._blocked.discard(actor.index)
        held: tuple[tuple[int, int], ...] = ()
        if word == "acquires" and not waited:
            held = self._held(actor, self._holds.get(id(owner), []))
        for lock in {id(owner), *(place[0] for place, _ in places)}:
            holds = self._holds.setdefault(lock, [])
            if word in ("acquires", "tries to acquire", "wakes up"):
                again = holds and len(holds[-1]) == 1 and self.moments[holds[-1][0]].actor == actor.name
                if not again:
                    holds.append([number])
            elif holds:  # "releases", or "waits" at a condition
                holds[-1][1:] = [number]
        self._add(actor, self.steps[-1].place, places, after, held)
        if word == "starts":
            self._starts[id(owner)] = number
        if waited:  # what it waited for was given to it before it went on
            self._surely.add(actor.index)

    def _held(self, actor: Actor, holds: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
        """Between which steps others had a lock; of a semaphore any of them may have been the one too many."""
        found = []
        given_back = None
        for hold in reversed(holds):
            if len(hold) > 1:
                given_back = hold[1]
            if given_back is not None and self.moments[hold[0]].actor != actor.name:
                found.append((hold[0], given_back))
        return tuple(reversed(found))

    def _add(
        self,
        actor: Actor,
        place: Place,
        places: Places,
        after: tuple[int, ...],
        held: tuple[tuple[int, int], ...] = (),
    ) -> None:
        if actor.index not in self._latest:
            for thing in (actor.thread, actor):
                self._runs[id(thing)] = actor.index
                if id(thing) in self._starts:
                    after = (*after, self._starts[id(thing)])
        where = f"{place.file.replace(chr(92), '/').rsplit('/', 1)[-1]}:{place.line}"
        surely = actor.index in self._surely
        maybe = self._maybe.pop(actor.index, "")
        self._surely.discard(actor.index)
        if self._repeats and len(self.steps) > len(self._expected) + self._repeats:
            self._enough()
        self._latest[actor.index] = len(self.moments)
        self.moments.append(Moment(actor.name, where, places, surely, maybe, after, held))


def _place(site: Site) -> Place:
    return Place(site.code.co_filename, site.code.co_qualname, site.number, "", site.line)
