"""Show where executions of one schedule part: then something the lab does not control decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest

from lab.errors import OutOfTime
from lab.exploration import Exploration, LeftBehind
from lab.recorder import Recording
from lab.strategies.replay import Choices
from lab.trace import Step

_TIMES = 6
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # in a text: that it is another one decides nothing by itself


def first_difference(exploration: Exploration, choices: Sequence[int]) -> str:
    """The first step at which two of some executions of the schedule differ, both sides; empty where all went alike."""
    exploration.comparing = True
    try:
        return _first_difference(exploration, choices)
    finally:
        exploration.comparing = False


@contextmanager
def telling_what_is_left(exploration: Exploration) -> Iterator[None]:
    """Add to what is told of files that executions leave behind where two executions of one schedule part."""
    try:
        yield
    except LeftBehind as left:
        parting = ""
        with suppress(OutOfTime):
            parting = first_difference(exploration, exploration.control.choices)
        raise LeftBehind(f"{left}; {parting}" if parting else str(left)) from None


def _first_difference(exploration: Exploration, choices: Sequence[int]) -> str:
    first: list[Step] | None = None
    for _ in range(_TIMES):
        recording = Recording()
        exploration.execute(Choices(choices).choose, recording=recording)
        if first is None:
            first = recording.steps
            continue
        for number, (one, other) in enumerate(zip_longest(first, recording.steps), 1):
            if _ADDRESS.sub("", _told(one)) != _ADDRESS.sub("", _told(other)):
                return f"step {number} was {_told(one)} in one execution of a schedule and {_told(other)} in another"
    return ""


def _told(step: Step | None) -> str:
    if step is None:
        return "the end"
    return f"'{step.actor} {step.what}' ({step.place.file.rpartition('/')[2]}:{step.place.line})"
