"""An execution that passes and is as like a witness as there is: what a reader compares the failure with.

The witness's steps are followed for as long as that can be, and then nobody is interrupted any more.  So the two
begin alike, and the first step in which they differ is the switch that did it.
"""

from __future__ import annotations

from lab.engine import engine
from lab.errors import OutOfTime
from lab.exploration import Escaped, Exploration
from lab.following import Follower, SitesOf, follow
from lab.instrument import Site
from lab.passing import DRAWS, Passing, passing
from lab.program import Program
from lab.recorder import Recording, SharingMap
from lab.stopwatch import now
from lab.strategies.replay import Choices, Steps
from lab.trace import Trace
from lab.witness import Witness

_SECONDS = 2.0
_MOST = 60  # switches that are left out, from the last one on
_LONGEST = 1_000  # steps that it may have beyond those of the witness


def beside(
    witness: Witness, program: Program, *, trace: tuple[str, ...], carrier: str, seed: int, draws: int = DRAWS
) -> Passing | None:
    """What to show beside a witness: an execution like it that passes, or else any; None where none was found.

    Another one is looked for in as many schedules as ``draws`` says, all of which are tried where every one fails.  It
    never raises what the program may raise on the way: the failure is known.
    """
    try:
        return contrast(witness, program, trace=trace, carrier=carrier) or passing(
            program, trace=trace, carrier=carrier, seed=seed, draws=draws
        )
    except Exception:  # that every schedule fails, say
        return None


def contrast(
    witness: Witness, program: Program, *, trace: tuple[str, ...], carrier: str, seconds: float = _SECONDS
) -> Passing | None:
    """The execution; None if the witness cannot be followed, or all that begin like it fail, or time is up."""
    if carrier == "auto" and witness.carrier == "thread":
        carrier = "thread"
    steps = len(witness.trace.steps) + _LONGEST
    try:
        with engine(program, steps, trace, carrier) as exploration:
            exploration.ends_by(now() + seconds)
            exploration.profile()
            learnt = exploration.control.hot
            follower, _, failure = follow(exploration, witness, Follower)
            if failure is None or follower.diverged:
                return None
            choices = _without_the_last_switches(exploration, Trace(tuple(follower.taken)))
            return None if choices is None else _written_down(exploration, choices, witness, learnt)
    except (OutOfTime, Escaped):
        return None


def _without_the_last_switches(exploration: Exploration, failed: Trace) -> list[int] | None:
    """Who goes on at each decision in the first such execution that passes."""
    steps = failed.steps
    switches = [number for number in range(1, len(steps)) if steps[number].actor != steps[number - 1].actor]
    for kept in [*switches[::-1], 0][:_MOST]:
        if exploration.is_late:
            return None
        recording = Recording()
        last = steps[kept - 1].actor if kept else ""
        _, failure = exploration.execute(Steps(steps[:kept], recording.steps, last).choose, recording=recording)
        if failure is None and tuple(recording.steps[:kept]) == steps[:kept]:
            return list(exploration.control.choices)
    return None


def _written_down(exploration: Exploration, choices: list[int], witness: Witness, learnt: set[Site]) -> Passing | None:
    """All steps of it: beyond where the witness ended objects may be shared of which the witness knows nothing."""
    known, sharing = SitesOf(witness), SharingMap()
    exploration.execute(Choices(choices).choose, sharing=sharing)
    exploration.control.hot = learnt
    exploration.take_in(sharing)
    recording, again = Recording(), Choices(choices, known)
    outcome, failure = exploration.execute(again.choose, recording=recording)
    if failure is not None or again.diverged:
        return None
    taken = Trace(tuple(recording.steps))
    return Passing(tuple(taken.actors([name for name, _ in exploration.program.actors])), taken, outcome)
