"""What the engine says to a variant, within a budget that is of the processor's time: a page is not to tell less of a
scenario because the machine was busy when it was built.
"""

from __future__ import annotations

import re

from lab.catalogue import SCHEDULES, Entry
from lab.contrasting import beside
from lab.explorer import explore
from lab.passing import Passing
from lab.scenario import Variant
from lab.stopwatch import now, spent
from lab.verdict import Verdict
from lab.witness import Witness

SECONDS = 3.0
"""Of the processor, which is what they take where nothing else runs."""
LONGEST = 4 * SECONDS
"""Of real time, however busy the machine is; and of the processor's, where it is known that there is a failure."""
_DRAWS = 6  # schedules, where none that begins like the witness passes: mostly because none does at all
_TIME_UP = re.compile(r"\bwhen the time was up\b")


def explored(entry: Entry, variant: Variant) -> Verdict:
    """The verdict; one that fails has an order beside it that passes, if there is one."""
    seconds = SECONDS
    while True:
        real, worked = now(), spent()
        verdict = _explored(entry, variant, seconds)
        real, worked = now() - real, spent() - worked
        if verdict.status != "unknown" or not _TIME_UP.search(verdict.reason) or seconds >= LONGEST:
            break
        if variant.must_fail:
            seconds = LONGEST
        elif worked < 0.7 * SECONDS:  # it was not alone: what it would have come to
            seconds = min(LONGEST, seconds * real / max(worked, 0.01))
        else:
            break
    if verdict.witness is not None:
        verdict.passing = _beside(entry, variant, verdict.witness)
    return verdict


def _explored(entry: Entry, variant: Variant, seconds: float) -> Verdict:
    return explore(
        variant.make,
        entry.scenario.actors,
        schedules=SCHEDULES,
        seconds=seconds,
        title=f"{entry.family}/{entry.name}::{variant.name}",
        **entry.scenario.exploring(),
    )


def _beside(entry: Entry, variant: Variant, witness: Witness) -> Passing | None:
    """What a reader compares the failing order with."""
    scenario = entry.scenario
    return beside(
        witness,
        scenario.program(variant),
        trace=scenario.trace,
        carrier=scenario.carrier,
        seed=witness.seed,
        draws=_DRAWS,
    )
