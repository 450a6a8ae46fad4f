"""What a verdict on a program has to say, for programs with a race and for right ones."""

from __future__ import annotations

import re
from pathlib import Path

import lab


class State:
    """A shared state with the given fields."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


def increment(state):
    current = state.value
    state.value = current + 1


def guarded_increment(state):
    with state.lock:
        increment(state)


def both_counted(state):
    return state.value == 2


def finds(
    carrier, setup, actors, check=None, *, kind="check", at="", message="", schedules=2_000, replays=True, **options
):
    """The verdict, which has to be a failure of that kind, whose steps come by the line ``at`` of the program."""
    verdict = lab.explore(setup, actors, check=check, carrier=carrier, schedules=schedules, **options)
    assert verdict.status == "fails", f"{verdict.status}: {verdict.reason}"
    assert verdict.failure.kind == kind, str(verdict.failure)
    assert message in verdict.failure.message, verdict.failure.message
    assert verdict.witness is not None, str(verdict)
    places = {_line(step.place) for step in verdict.witness.trace.steps}
    assert not at or at in places, f"{at} is not among {sorted(places)}"
    if replays:
        trace = options.get("trace", ())
        again = lab.replay(verdict.witness, setup, actors, check=check, carrier=carrier, trace=trace)
        assert again.status == "fails", again.reason
    return verdict


def holds(carrier, setup, actors, check=None, *, schedules=2_000, **options):
    """The verdict on a right program, which is proved."""
    verdict = lab.explore(setup, actors, check=check, carrier=carrier, schedules=schedules, **options)
    assert verdict.status == "holds", f"{verdict.failure or verdict.reason}"
    return verdict


def is_not_reported(carrier, setup, actors, check=None, *, because, schedules=60, **options):
    """The verdict on a right program that cannot be proved, for a reason that ``because`` matches in all its words."""
    verdict = lab.explore(setup, actors, check=check, carrier=carrier, schedules=schedules, **options)
    assert verdict.status == "unknown", f"{verdict.status}: {verdict.failure or verdict.reason}"
    assert re.fullmatch(because, verdict.reason), verdict.reason
    return verdict


BUDGET = r"no failure in [\d,]+ schedules?(; no failure in [\d,]+ of about [\d,]+ classes of schedules)?"
"""There are more schedules than were tried."""


def _line(place):
    return f"{Path(place.file).name}:{place.line}"
