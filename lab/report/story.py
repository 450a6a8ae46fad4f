"""One sentence about a lost update, where the trace shows one."""

from __future__ import annotations

from collections.abc import Sequence

from lab.trace import Step


def critical_steps(steps: Sequence[Step]) -> tuple[str, tuple[int, ...]]:
    """The sentence and the steps, counted from 0, that it speaks of.

    Nothing where no actor wrote between another's read and write of one thing.
    """
    reads: dict[tuple[str, str], int] = {}
    for position, step in enumerate(steps):
        key = (step.actor, step.name)
        if step.word == "reads":
            reads[key] = position
        elif step.word == "writes" and key in reads:
            for between in range(reads[key] + 1, position):
                other = steps[between]
                if other.actor != step.actor and other.name == step.name and other.word == "writes":
                    return (
                        f"{other.actor} wrote {step.name} (step {between + 1}) between {step.actor}'s read "
                        f"(step {reads[key] + 1}) and write (step {position + 1}): a lost update.",
                        (reads[key], between, position),
                    )
    return "", ()
