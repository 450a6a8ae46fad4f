"""A shrunk witness has the fewest switches there are: compared with every schedule of generated programs."""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import pairwise

import pytest

import lab
from lab.engine import engine
from lab.following import SitesOf
from lab.program import STEPS
from lab.program import Program as Handed
from lab.recorder import Recording
from lab.sameness import identity_of_failure

from .brute import TooMany, interleavings
from .exhaustive import EverySchedule
from .generate import SHAPES, from_seed
from .model import DEADLOCK, EXCEPTION
from .running import module_of
from .show import page

PROGRAMS = int(os.environ.get("LAB_ORACLE_PROGRAMS", "70")) // len(SHAPES)
MOST = 400  # raw interleavings of a program
SHARE = 0.97  # of the witnesses that cannot be shorter


class Counted(EverySchedule):
    """Every schedule, with a count of preemptions that shares nothing with the one that is tested."""

    def choose(self, enabled, current):
        if not all(actor.begun for actor in enabled):
            if not self.beginning:
                self.beginning, self.interrupted = True, current
            return super().choose(enabled, current)
        interrupted = self.interrupted if self.beginning else current
        self.beginning = False
        chosen = super().choose(enabled, current)
        self.preempted += interrupted in enabled and chosen is not interrupted
        return chosen

    def begin(self, execution):
        self.preempted, self.beginning = 0, False
        return super().begin(execution)


def fewest(module, witness, options):
    """The fewest preemptions and switches, and the fewest switches, with which the program fails so."""
    program = Handed.of(module["setup"], module["ACTORS"], **options)
    best, least = None, None
    with engine(program, STEPS, (), "greenlet") as exploration:
        exploration.profile()
        exploration.control.hot = SitesOf(witness)  # what the search knew of when it failed
        strategy = Counted()
        while strategy.begin(exploration.control):
            recording = Recording()
            _, failed = exploration.execute(strategy.choose, recording=recording)
            if exploration.discovery.take_found():
                strategy._changed = True
            strategy.end(exploration.control)
            if failed is not None and identity_of_failure(failed) == identity_of_failure(witness.failure):
                switches = sum(one.actor != other.actor for one, other in pairwise(recording.steps))
                found = (strategy.preempted, switches)
                best, least = min(best or found, found), min(switches if least is None else least, switches)
    return best, least


def candidates(shape):
    """Programs that can fail, and what is forbidden so that they do."""
    seed = 0
    while True:
        program = from_seed(seed, shape)
        seed += 1
        results = Counter()
        raw = 0
        try:
            for _, result in interleavings(program):
                raw += 1
                if raw > MOST:
                    raise TooMany
                results[result] += 1
        except TooMany:
            continue
        if len(results) < 2:
            continue
        rare = min(results, key=lambda result: (results[result], str(result)))
        forbidden = [] if rare in (DEADLOCK, EXCEPTION) else [rare]
        yield seed - 1, program, forbidden


def assert_true(witness):
    """What the sentence says stands in the steps: read from the text, and looked up one by one."""
    steps, story = witness.trace.steps, witness.story
    if not story:
        assert (witness.critical, witness.pattern) == ((), "")
        return
    told = [steps[int(number) - 1] for number in re.findall(r"step (\d+)", story)]
    numbers = [int(number) - 1 for number in re.findall(r"step (\d+)", story)]
    for step in told:
        assert re.search(rf"(?<![\w-]){re.escape(step.actor)}(?![\w-])", story), story
        assert step.value is None or step.value in story, story
    if witness.pattern in ("lost update", "check-then-act"):
        look, change, act = numbers
        assert look < change < act, story
        assert told[0].actor == told[2].actor != told[1].actor, story
        assert not any(
            one.actor == told[0].actor and one.word == "reads" and one.name == told[2].name
            for one in steps[look + 1 : act]
        ), story
    if witness.pattern == "lost update":
        assert told[1].word == told[2].word == "writes", story
        assert told[1].name == told[2].name, story
    if witness.pattern == "torn pair":
        early, late, first, second = numbers
        assert first < early < late < second, story
        assert told[0].actor == told[1].actor != told[2].actor == told[3].actor, story
        assert told[2].name != told[3].name, story
    if witness.pattern == "stale read":
        read, change, later = numbers
        assert read < change < later, story
        assert told[0].actor == told[2].actor != told[1].actor, story
        assert not any(one.actor == told[0].actor and one.name == told[1].name for one in steps[change + 1 :]), story
    if witness.pattern in ("lock-order inversion", "self-deadlock"):
        held = {one.name: one.actor for one in told}
        assert all(one.word in ("acquires", "tries to acquire") for one in told), story
        waits = dict(re.findall(r"(\S+) waits for (\S+) at ", "\n".join(witness.failure.detail)))
        assert all(held.get(waits[one.actor], one.actor) in held.values() for one in told), story
    if witness.pattern == "missed signal":
        signal, wait = numbers
        assert signal < wait, story
        assert not any(one.name == told[1].name and "notif" in one.word for one in steps[wait:]), story
    if not witness.pattern:
        assert told[0].actor != told[1].actor, story
        assert numbers[0] < numbers[1], story


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.timeout(120 + 3 * PROGRAMS * len(SHAPES))
def test_no_schedule_with_the_same_failure_has_fewer_switches(shape, capsys):
    above, patterns, shorter = Counter(), Counter(), 0
    for seed, program, forbidden in candidates(shape):
        if above.total() >= PROGRAMS:
            break
        with module_of(program) as module:
            options = {"outcome": module["outcome"], "forbidden": forbidden or None}
            found = lab.explore(module["setup"], module["ACTORS"], strategy="random", seed=seed, **options)
            if found.status != "fails":
                continue
            again = lab.replay(found.witness, module["setup"], module["ACTORS"], **options)
            assert again.status == "fails", str(again)
            assert again.witness.trace == found.witness.trace
            assert_true(found.witness)
            patterns[found.witness.pattern or ("two steps" if found.witness.story else "nothing")] += 1
            preemptions_and_switches, least = fewest(module, found.witness, options)
            if least is None:  # it fails for what no decision of the witness shows
                assert found.shrunk is None
                continue
            switches = found.witness.trace.switches
            assert switches == preemptions_and_switches[1], page(program)
            above[switches - least] += 1
            shorter += found.shrunk is not None
    share = above[0] / above.total()
    with capsys.disabled():
        print(f"\n{shape}: {above.total()} witnesses, {shorter} of them shrunk; {share:.1%} cannot have fewer switches")
        print("   ", ", ".join(f"{count} {pattern}" for pattern, count in patterns.most_common()))
    assert share >= SHARE
    assert max(above) <= 1
