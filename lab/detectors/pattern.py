"""The two steps whose order decided, and the pattern that they make: a lost update, a torn pair, ...

A finding is told in one sentence, and the sentence is made of facts of the execution only: who did what,
at which step, before whom.  What the program meant by it no trace can show; so where no pattern fits,
none is named.  Which pair of steps decides has been tried out (`lab.deciding`): with the other order the
program passes.  A pattern that contains such a pair is preferred to one that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, product

from lab.detectors import cancelled, files, further, standing
from lab.detectors.account import Account, did
from lab.detectors.candidate import Candidate, Found, Pair


@dataclass(frozen=True)
class Finding:
    """One or two steps, counted from 0, a sentence about them, and the name of the pattern if there is one."""

    critical: tuple[int, ...]
    story: str
    pattern: str = ""


def find(account: Account, decides: Callable[[Pair], bool]) -> Finding | None:
    """What to say of a failed execution; None where there is nothing that is certain.

    ``decides`` tries whether the program passes with two steps in the other order, or, of one step alone, without
    it, as long as it may.
    """
    if account.failure.kind in ("deadlock", "lost wakeup", "leak"):
        for critical, story, name in standing.stories(account):
            return Finding(critical, story, name)
    for position, story in cancelled.stories(account):
        if decides((position, position)):
            return Finding((position,), story, "cancelled half-way")
    conflicts = list(pairs(account))
    candidates = [candidate for pattern in _PATTERNS for candidate in islice(pattern(account), _MOST_OF_A_PATTERN)]
    for candidate in candidates:
        near = [pair for pair in conflicts if set(pair) & set(candidate.about)][:_MOST_OF_A_PATTERN]
        for pair in (*candidate.pairs, *near):
            if decides(pair):
                return Finding(pair, candidate.story, candidate.pattern)
    for pair in sorted(conflicts[:_MOST_PAIRS], key=lambda pair: _is_of_locks(account, *pair)):
        if decides(pair):
            earlier, later = pair
            one, other = account.steps[earlier], account.steps[later]
            story = (
                f"{one.actor} {did(one)} (step {earlier + 1}) before {other.actor} {did(other)} (step {later + 1}); "
                "when it was run with these two in the other order, it passed"
            )
            after = account.own(one.actor, later)
            if one.word.startswith(("asks", "tests")) and one.value in _ANSWERS and after:
                act = f"and then {one.actor} {did(account.steps[after[0]])} (step {after[0] + 1})"
                first = f"{one.actor} {did(one)} (step {earlier + 1}), then {other.actor} {did(other)}"
                return Finding(pair, f"{first} (step {later + 1}), {act}: check-then-act.", "check-then-act")
            if one.word == other.word == "puts" and account.same(earlier, later):
                return Finding(pair, f"{story}: an order violation.", "order violation")
            return Finding(pair, f"{story}.")
    return None


def pairs(account: Account) -> Iterator[Pair]:
    """Steps of different actors whose order can matter, the last ones first."""
    steps = account.steps
    for later in reversed(range(len(steps))):
        for earlier in reversed(range(max(0, later - _NEAR), later)):
            if steps[earlier].actor != steps[later].actor and account.conflict(earlier, later):
                yield earlier, later


_NEAR = 60  # steps between two that may decide
_MOST_OF_A_PATTERN = 30
_MOST_PAIRS = 400


def _is_of_locks(account: Account, *positions: int) -> bool:
    """Whether it is mere locking and unlocking, which says less than what it is done for."""
    words = " ".join(account.steps[position].word for position in positions)
    return "acquire" in words or "release" in words


_DATA = (
    "reads",
    "writes",
    "deletes",
    "calls",
    "asks",
    "tests",
    "changes",
    "unpacks",
    "compares",
    "formats",
    "takes from",
)
"""Words for steps at data, as opposed to locks, threads and queues."""


def _disturbed_iteration(account: Account) -> Found:
    """Something is changed between two steps of an iteration over it."""
    steps = account.steps
    for end in reversed(range(len(steps))):
        if steps[end].word != "takes the next item of":
            continue
        actor, name = steps[end].actor, steps[end].name
        begun = [one for one in account.own(actor, -1, end) if _iterates(account, one, name)]
        if not begun:
            continue
        start = begun[-1]
        for change in reversed(range(start + 1, end)):
            if account.conflict(change, end) and account.changes(change) and "next item" not in steps[change].word:
                other = steps[change].actor
                by = f"{other} {did(steps[change])} (step {change + 1}) while {actor} was iterating over {name}"
                if other == actor:
                    by = f"{actor} {did(steps[change])} (step {change + 1}) in the middle of its iteration over {name}"
                yield Candidate(
                    ((change, end), (start, change)),
                    f"{by} (steps {start + 1} to {end + 1}): a disturbed iteration.",
                    "iteration disturbed",
                    tuple(one for one in account.own(actor, start - 1, end + 1) if steps[one].name == name),
                )


def _iterates(account: Account, position: int, name: str) -> bool:
    return account.steps[position].word == "starts to iterate over" and account.steps[position].name == name


def _read_change_write(account: Account) -> Iterator[tuple[int, int, int]]:
    """One reads, another one changes the same, and the first one changes it without having looked again."""
    steps = account.steps
    for last in reversed(range(len(steps))):
        if not account.changes(last):
            continue
        actor = steps[last].actor
        looked = [one for one in account.own(actor, -1, last) if _looks(account, one, last)]
        if not looked:
            continue
        for between in reversed(account.others(actor, looked[-1], last)):
            if account.changes(between) and account.conflict(between, last) and account.conflict(looked[-1], between):
                yield looked[-1], between, last


def _looks(account: Account, position: int, at: int) -> bool:
    """Whether a step merely reads what the step ``at`` touches."""
    step = account.steps[position]
    return (
        (step.word in ("reads", "tests", "calls", "seeks in") or step.word.startswith("asks"))
        and not account.changes(position)
        and account.conflict(position, at)
    )


def _lost_update(account: Account) -> Found:
    """Two writes of one thing; who did the second one had read before the first, and not since."""
    steps = account.steps
    for read, between, write in _read_change_write(account):
        one, other, last = steps[read], steps[between], steps[write]
        if one.word not in ("reads", "calls", "seeks in") or one.value in _ANSWERS or other.name != last.name:
            continue
        if other.word == last.word == "writes" and (one.word == "calls" or one.name == other.name):
            wrote = did(other) if one.word == "calls" else f"wrote {other.value or 'to it'}"
            yield Candidate(
                ((read, between), (between, write)),
                f"{one.actor} {did(one)} (step {read + 1}) before {other.actor} {wrote} (step {between + 1}), "
                f"and then wrote {f'{last.value} ' if last.value else ''}over it (step {write + 1}): "
                "a lost update.",
                "lost update",
            )


_ANSWERS = ("True", "False", "None")


def _check_then_act(account: Account) -> Found:
    """What was found out is no longer true when it is acted upon."""
    steps = account.steps
    for check, between, act in _read_change_write(account):
        if steps[check].word.startswith(("asks", "tests")) or steps[check].value in _ANSWERS:
            actor, first = steps[check].actor, f"{did(steps[check])} (step {check + 1})"
            other = f"{steps[between].actor} {did(steps[between])} (step {between + 1})"
            last = f"{did(steps[act])} (step {act + 1})"
            story = f"{actor} {first}, then {other}, and then {actor} {last}"
            woken = [one for one in account.own(actor, check, act) if steps[one].word == "wakes up"]
            if woken:
                told = f"{actor}, who woke up (step {woken[-1] + 1}), did not look again and {last}"
                story = f"{actor} {first} and waited, {other}, and {told}"
            yield Candidate(((check, between), (between, act)), f"{story}: check-then-act.", "check-then-act")


def _torn_pair(account: Account) -> Found:
    """Two things are changed one after the other, and somebody looks at both in between; or the other way round."""
    steps = account.steps
    data = [position for position, step in enumerate(steps) if step.word in _DATA]
    for second in reversed(data):
        actor = steps[second].actor
        met = account.places(second)
        for first in reversed([one for one in data if one < second and steps[one].actor == actor]):
            if account.changes(first) != account.changes(second) or not met.isdisjoint(account.places(first)):
                continue
            met.update(account.places(first))
            between = [one for one in data if first < one < second and steps[one].actor != actor]
            ones = [one for one in between if account.conflict(one, first)]
            others = [one for one in reversed(between) if account.conflict(one, second)]
            for one, other in product(ones, others):
                if one == other or steps[one].actor != steps[other].actor or _same_place(account, one, other):
                    continue
                if not _is_torn(account, (first, second), (one, other)):
                    continue
                early, late = sorted((one, other))
                yield Candidate(
                    ((other, second), (first, one)),
                    f"{steps[one].actor} {did(steps[early])} (step {early + 1}) and {did(steps[late])} (step "
                    f"{late + 1}) "
                    f"after {actor} {did(steps[first])} (step {first + 1}) and before {actor} {did(steps[second])} "
                    f"(step {second + 1}): a torn pair.",
                    "torn pair",
                )


def _is_torn(account: Account, outer: Pair, inner: Pair) -> bool:
    """Whether of two that use a pair one changes it and the other looks at it, or each gives both parts new values."""
    changed = {account.changes(position) for position in inner}
    if len(changed) == 2:
        return False
    if changed == {True} and account.changes(outer[0]):
        return all(account.steps[position].word == "writes" for position in (*outer, *inner))
    return True


def _same_place(account: Account, one: int, other: int) -> bool:
    return not account.places(one).isdisjoint(account.places(other))


def _use_before_publish(account: Account) -> Found:
    """An object can be seen by others before it is complete."""
    steps = account.steps
    for publish, step in enumerate(steps):
        thing = account.values[publish]
        if step.word != "writes" or thing is None:
            continue
        for finish in reversed(account.own(step.actor, publish)):
            if not account.changes(finish) or not _is_of(account, finish, thing):
                continue
            for use in account.others(step.actor, publish, finish):
                if account.conflict(use, finish) and not account.changes(use):
                    seen = [
                        one
                        for one in account.own(steps[use].actor, publish, use)
                        if account.values[one] == thing and account.conflict(publish, one)
                    ]
                    if seen:
                        yield Candidate(
                            ((use, finish),),
                            f"{steps[use].actor} read {steps[seen[0]].name} (step {seen[0] + 1}) after {step.actor} "
                            "wrote "
                            f"it (step {publish + 1}), and {did(steps[use])} (step {use + 1}) before {step.actor} "
                            f"{did(steps[finish])} (step {finish + 1}): a use before it was complete.",
                            "use before publish",
                        )


def _is_of(account: Account, position: int, thing: object) -> bool:
    return any(isinstance(place, tuple) and place[0] == thing for place, _ in account.touches[position])


def _use_after_close(account: Account) -> Found:
    """Something is used after another one was put in its place, or nothing."""
    steps = account.steps
    for use in reversed(range(len(steps))):
        actor = steps[use].actor
        for got in reversed(account.own(actor, -1, use)):
            thing = account.values[got]
            if steps[got].word != "reads" or thing is None or not _is_of(account, use, thing):
                continue
            for close in account.others(actor, got, use):
                if steps[close].word not in ("writes", "deletes") or not account.conflict(got, close):
                    continue
                closed = steps[close].word == "deletes" or steps[close].value == "None"
                what = "a use after close" if closed else "a stale read"
                between = [one for one in account.others(actor, close, use) if account.conflict(one, use)]
                yield Candidate(
                    (*((one, use) for one in reversed(between)), (got, close)),
                    f"{actor} {did(steps[got])} (step {got + 1}), then {steps[close].actor} {did(steps[close])} "
                    f"(step {close + 1}), and then {actor} {did(steps[use])} (step {use + 1}) on what was there "
                    "before: "
                    f"{what}.",
                    what.removeprefix("a "),
                )
            break


_PATTERNS: tuple[Callable[[Account], Found], ...] = (
    _disturbed_iteration,
    further.double_release,
    _use_before_publish,
    _use_after_close,
    _lost_update,
    _check_then_act,
    _torn_pair,
    further.failed_try,
    files.replaced,
    files.stale_row,
    files.changed_name,
    further.stale_read,
    further.torn_write,
    files.mixed_write,
    further.first_look,
)
"""The more particular ones first."""
