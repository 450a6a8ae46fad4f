"""Every unsafe variant of the catalogue: what its witness's grade says, real threads do not contradict."""

import sys
from pathlib import Path

import pytest

import lab
from lab.catalogue import entries
from lab.detectors.realizable import WITH_LOCK
from lab.forcing import forced
from lab.witness import build_name

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
UNSAFE = [
    pytest.param(entry.scenario, variant, id=f"{entry.name}-{variant.name}")
    for entry in entries(FOLDER)
    for variant in entry.scenario.every_variant()
    if variant.must_fail
]
HAMMERED = 0.4  # seconds
IMPOSSIBLE = {
    *("bank_transfer-unsafe", "check_then_act-unsafe", "dict_increment-unsafe", "lost_update-unsafe"),
    *("lost_update-still_unsafe", "lock_order-unsafe", "philosophers-unsafe", "philosophers-still_unsafe_waiter"),
    *("use_after_close-unsafe", "use_after_close-still_unsafe"),
}
"""Whose witnesses need a switch where none of 3.11, 3.12 and 3.13 with the lock has a switch point.

Quiet hammering of each for seconds has not failed once; of the others most do fail.
"""


def witnessed(scenario, variant, **options):
    return lab.explore(
        variant.make,
        scenario.actors,
        trace=scenario.trace,
        carrier=scenario.carrier,
        schedules=1_500,
        **scenario.options(),
        **options,
    )


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="its switch points are others")
@pytest.mark.parametrize(("scenario", "variant"), UNSAFE)
def test_the_grade_of_its_witness(scenario, variant, request):
    given = witnessed(scenario, variant).realizable[WITH_LOCK]
    expected = "no" if request.node.callspec.id in IMPOSSIBLE else "yes"
    assert given.status == expected, given


@pytest.mark.parametrize(("scenario", "variant"), UNSAFE)
def test_real_threads_fail_alike_when_forced(scenario, variant):
    found = witnessed(scenario, variant)
    real = forced(found.witness, scenario.program(variant), scenario.trace, 20_000)
    assert real.failed, real


@pytest.mark.skipif(build_name() != "gil", reason="the grade is about builds with the lock")
@pytest.mark.parametrize(("scenario", "variant"), UNSAFE)
def test_what_cannot_happen_does_not_happen_without_noise(scenario, variant):
    """A quiet hit on a witness that was called impossible has to have another witness, one that is not."""
    found = witnessed(scenario, variant)
    if found.realizable[WITH_LOCK].status != "no":
        return
    hit = lab.hammer(variant.make, scenario.actors, noise=0, seconds=HAMMERED, **scenario.options())
    if hit.status == "fails":
        others = [witnessed(scenario, variant, strategy="random", seed=seed) for seed in range(20)]
        alike = [other for other in others if other.failure and other.failure.kind == hit.failure.kind]
        assert any(other.realizable[WITH_LOCK].status != "no" for other in alike), hit
