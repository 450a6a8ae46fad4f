"""A task that was cancelled in the middle of what it did."""

from __future__ import annotations

from collections.abc import Iterator

from lab.detectors.account import Account, did

_CANCELLED = "is cancelled"  # the word of `lab.carriers.task_actor`


def stories(account: Account) -> Iterator[tuple[int, str]]:
    """Each step at which somebody was cancelled, and what to say of it if the program passes without it."""
    steps = account.steps
    for position, step in enumerate(steps):
        if step.word != _CANCELLED:
            continue
        own = account.own(step.actor, -1, position)
        awaited = [one for one in own if steps[one].word == "awaits"][-1:]
        before = [one for one in own if account.changes(one) and "._" not in steps[one].name][-1:]
        told = [f"{did(steps[one])} (step {one + 1})" for one in sorted({*before, *awaited})]
        done = f"{', '.join(told)} and " if told else ""
        there = " there" if awaited else ""
        yield (
            position,
            f"{step.actor} {done}was cancelled{there} (step {position + 1}); when it was run without that, it passed: "
            "a cancellation half way.",
        )
