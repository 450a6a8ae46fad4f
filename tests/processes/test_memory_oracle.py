"""What is found of programs on shared memory is what a model finds in every interleaving."""

from random import Random

import pytest

from tests.processes import shared_bytes
from tests.processes.test_waiting_oracle import covered

DRAWN = 14


@pytest.mark.parametrize("seed", range(DRAWN))
def test_programs_come_to_the_outcomes_of_a_model(seed):
    random = Random(seed)
    kind, actors = shared_bytes.draw(random)
    text = shared_bytes.text_of(random, kind, actors)
    found = covered(f"memory {seed}", text, waits=bool(seed % 2), most=600)
    assert found.failure is None, str(found.failure)
    assert (found.complete, found.doubts, found.exploration.discovery.uncontrolled) == (True, {}, {}), text
    assert set(found.outcomes) == shared_bytes.outcomes(actors), text
