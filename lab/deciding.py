"""Which two steps decide: they are tried in the other order, and then the program passes.

Two steps of different actors that touch the same thing, one of them writing, are taken in the other order
by letting the later one's actor go on until it has done that step, before the earlier one's actor does
its own.  Where it cannot, because the earlier one's actor holds a lock, that actor is held back
a little sooner.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab.carriers.actor import Actor, operation
from lab.carriers.crashing import IS_KILLED
from lab.detectors.account import Account, Touched, did
from lab.detectors.candidate import Pair
from lab.detectors.pattern import Finding, find, pairs
from lab.errors import OutOfTime
from lab.exploration import Exploration
from lab.instrument import Site
from lab.kinds import is_a
from lab.naming import peek
from lab.operations import CONTENTS, SYNC
from lab.program import Failure
from lab.recorder import Recording
from lab.stopwatch import Limit
from lab.strategies.replay import Steps
from lab.trace import Step

EXECUTIONS = 120
"""Most executions in which steps are taken in the other order."""
OPERATIONS = 40_000
"""Most operations of all of them together, those on what nobody else touches included."""
SECONDS = 2.0
"""Longest time for them, in seconds of the processor's time."""
_LONG = 400  # steps of an execution without an end, of which another one is not worth its time


def account_for(
    exploration: Exploration, steps: Sequence[Step], failure: Failure, last: str
) -> tuple[Finding | None, Limit]:
    """What to say of a failed execution, which is run again to see what its steps touch; and the bound in time.

    None where nothing is certain; it never raises what the program or the engine may raise on the way.
    """
    limit = Limit(SECONDS)
    if failure.kind == "livelock" and len(steps) > _LONG:
        return None, limit
    with _bounded(exploration, steps, failure, limit):
        return _account(exploration, steps, failure, last, limit), limit
    return None, limit


def decisive_pairs(exploration: Exploration, steps: Sequence[Step], failure: Failure, last: str) -> list[Pair]:
    """Every two steps of a failed execution, counted from 0, of which trying out tells that their order decides.

    As many as the bounds allow to try; `account_for` ends at the first.  Nobody is held back sooner than at the earlier
    step, as then other pairs change places as well.
    """
    limit = Limit(SECONDS)
    found: list[Pair] = []
    with _bounded(exploration, steps, failure, limit):
        account = _touched(exploration, steps, failure, last)
        if account is not None:
            tries = _Tries(exploration, account, last, limit, sooner=False)
            found.extend(pair for pair in pairs(account) if tries.decides(pair))
    return found


@contextmanager
def _bounded(exploration: Exploration, steps: Sequence[Step], failure: Failure, limit: Limit) -> Iterator[None]:
    """Let executions be no longer than they may be expected to be; nothing that is raised meanwhile leaves it."""
    control = exploration.control
    before = control.step_limit
    control.deadline = limit.until + SECONDS
    if failure.kind != "livelock":  # in another order it may spin
        control.step_limit = min(before, 4 * len(steps) + 200)
    try:
        yield
    except OutOfTime:
        limit.was_reached = True
    except Exception:  # a sentence is not worth the failure that was found
        pass
    finally:
        control.step_limit = before


def _account(
    exploration: Exploration, steps: Sequence[Step], failure: Failure, last: str, limit: Limit
) -> Finding | None:
    account = _touched(exploration, steps, failure, last)
    if account is None:
        return None
    return _killed_half_way(exploration, steps) or find(account, _Tries(exploration, account, last, limit).decides)


def _touched(exploration: Exploration, steps: Sequence[Step], failure: Failure, last: str) -> Account | None:
    """The execution with what its steps touch; None if it does not come again."""
    recording = Touching()
    follow = Steps(steps, recording.steps, last)
    exploration.execute(follow.choose, recording=recording)
    if recording.steps != list(steps):
        return None
    return Account(steps, recording.touches, recording.values, failure)


def _killed_half_way(exploration: Exploration, steps: Sequence[Step]) -> Finding | None:
    """That an actor was killed decides if the program passes where that actor goes on to its end instead."""
    position = next((number for number, step in enumerate(steps) if step.word == IS_KILLED), None)
    if position is None:
        return None
    actor = steps[position].actor
    recording = Recording()
    follow = Steps(steps[:position], recording.steps, actor)
    _, failure = exploration.execute(follow.choose, recording=recording)
    if failure is not None or recording.steps[:position] != list(steps[:position]):
        return None
    own = [number for number in range(position) if steps[number].actor == actor]
    begun = f"{actor} {did(steps[own[-1]])} (step {own[-1] + 1}) and" if own else actor
    story = (
        f"{begun} was killed (step {position + 1}) {steps[position].value}; when it went on to its end instead, "
        "the program passed."
    )
    return Finding((*own[-1:], position), story, "killed half-way")


class Touching(Recording):
    """Writes down what each step touches, too."""

    def __init__(self) -> None:
        super().__init__()
        self.touches: list[Touched] = []
        self.values: list[Hashable | None] = []
        self._kept: list[object] = []  # so that no other object gets the id of one of them

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None:
        value = None if key is CONTENTS else detail if write else peek(owner, key)
        self._note(owner, operation(actor) or (((id(owner), key), write),), value)
        super().access(actor, owner, key, write, site, detail)

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None:
        # where it was no decision the actor tells of another one
        stands = actor.place is not None and actor.site is site
        here: Touched = () if owner is None else (((id(owner), SYNC), True),)
        self._note(owner, operation(actor) if stands else here, None)
        super().operation(actor, word, owner, site, detail)

    def awaits(self, actor: Actor, found: Any, other: Actor | None) -> None:
        """A step that touches nothing by itself: others may go on."""
        self._note(None, (), None)
        super().awaits(actor, found, other)

    def _note(self, owner: object, touched: Touched, value: object) -> None:
        self._kept += (owner, value)
        self.touches.append(touched)
        plain = value is None or is_a(value, bool | int | float | str | bytes | type)
        self.values.append(None if plain else id(value))


class _Tries:
    """Takes pairs of steps in the other order, until the budget is spent; then none decides."""

    def __init__(
        self, exploration: Exploration, account: Account, last: str, limit: Limit, sooner: bool = True
    ) -> None:
        self._exploration = exploration
        self._account = account
        self._last = last
        self._known: dict[Pair, bool] = {}
        self._executions = self._operations = 0
        self._limit = limit
        self._sooner = sooner  # than at the step itself an actor may be held back

    def decides(self, pair: Pair) -> bool:
        """Whether the program passes with the two steps in the other order; of one step alone, without it."""
        if pair not in self._known:
            self._known[pair] = self._try(*pair) if pair[0] != pair[1] else self._without(pair[0])
        return self._known[pair]

    def _without(self, position: int) -> bool:
        """Whether the program passes if it goes on without switches instead of taking the step."""
        steps, recording = self._account.steps, Recording()
        self._executions += 1
        follow = Steps(steps[:position], recording.steps, "")
        _, failure = self._exploration.execute(follow.choose, recording=recording)
        control = self._exploration.control
        self._operations += control.steps + control.quiet_steps
        again = any(step.word == steps[position].word for step in recording.steps[position:])
        return failure is None and not again and recording.steps[:position] == list(steps[:position])

    def _try(self, earlier: int, later: int) -> bool:
        steps = self._account.steps
        if steps[earlier].actor == steps[later].actor:
            return False
        for start in _starts(steps, earlier) if self._sooner else (earlier,):
            if self._executions > EXECUTIONS or self._operations > OPERATIONS or self._limit.is_reached:
                return False
            results = [self._swap(start, earlier, later, as_before) for as_before in (True, False)]
            if results != [None, None]:
                return True in results
        return False

    def _swap(self, start: int, earlier: int, later: int, as_before: bool) -> bool | None:
        control = self._exploration.control
        self._executions += 1
        found = _swapped(self._exploration, self._account, start, earlier, later, self._last, as_before)
        self._operations += control.steps + control.quiet_steps
        return found


def _starts(steps: Sequence[Step], earlier: int) -> list[int]:
    """Where the actor of a step can be held back: there, where it was switched to, or before it began."""
    actor = steps[earlier].actor
    run = earlier
    while run and steps[run - 1].actor == actor:
        run -= 1
    first = next(position for position, step in enumerate(steps) if step.actor == actor)
    return list(dict.fromkeys((earlier, run, first)))


def _swapped(
    exploration: Exploration, account: Account, start: int, earlier: int, later: int, last: str, as_before: bool
) -> bool | None:
    """Whether the program passes with the later step first; None if that order was not to be had.

    After that all goes on in the order it had, or else without switches.
    """
    steps = account.steps
    one, other = steps[earlier].actor, steps[later].actor
    moved = [position for position in range(start, later + 1) if steps[position].actor == other]
    rest = [position for position in range(start, len(steps)) if position not in moved] if as_before else []
    order = [steps[position] for position in (*range(start), *moved, *rest)]
    recording = Recording()
    _, failure = exploration.execute(Steps(order, recording.steps, last).choose, recording=recording)
    wanted = sum(step.actor == other for step in steps[: later + 1])
    before = sum(step.actor == one for step in steps[:earlier])
    taken = 0
    for step in recording.steps:
        if step.actor == one:
            if before == 0:
                return None
            before -= 1
        elif step.actor == other:
            taken += 1
            if taken == wanted:
                same = (step.place.identity, step.word) == (steps[later].place.identity, steps[later].word)
                return failure is None if same else None
    return None
