"""Figures of two builds, which no hammer gave: for the tests of what is said of them, and of how it looks."""

from lab.builds import Column, Figures, Outcome
from lab.interpreters import Interpreter
from lab.verdict import wilson

LOCKED = Interpreter("/usr/bin/python3.13", "3.13.5", False, "0.1.0")
FREE = Interpreter("/usr/bin/python3.13t", "3.13.5", True, "0.1.0")


def figures(quiet=0, noisy=0, rounds=1_000, variant="unsafe", **given):
    """Half of the rounds are quiet."""
    failed = quiet + noisy
    outcomes = (
        Outcome("2", rounds - failed, False, "both increments counted"),
        Outcome("1", failed, True, "one increment lost"),
    )
    values = {
        "variant": variant,
        "title": f"scenarios/atomicity/lost_update.py::{variant}",
        "status": "fails" if failed else "unknown",
        "failed": failed,
        "rounds": rounds,
        "interval": wilson(failed, rounds),
        "overlap": 0.25,
        "by_noise": {"quiet": (quiet, rounds // 2), "noisy": (noisy, rounds // 2)},
        "outcomes": outcomes,
        "notes": (),
    }
    return Figures(**{**values, **given})


def column(*of, interpreter=LOCKED, lock=True):
    return Column(interpreter, lock, of)


def free(*of):
    return column(*of, interpreter=FREE, lock=False)
