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
    and not entry.scenario.program(variant).is_async  # where tasks or processes are switched is no matter of the build
    and entry.scenario.on != "processes"
    and not entry.scenario.missing()
]
HAMMERED = 1.0  # seconds
IMPOSSIBLE = {
    *("bank_transfer-unsafe", "check_then_act-unsafe", "dict_increment-unsafe", "lost_update-unsafe"),
    *("lost_update-still_unsafe", "lock_order-unsafe", "philosophers-unsafe", "philosophers-still_unsafe_waiter"),
    *("use_after_close-unsafe", "use_after_close-still_unsafe"),
}
"""Whose failure needs a switch where none of 3.11, 3.12 and 3.13 with the lock has a switch point.

``iterate_while_mutating-unsafe`` is none of them: its shortest witness cannot happen, but another one, which switches
after the loop has jumped back, can, and takes its place.  `lost_update-still_unsafe` is one, as nobody is ever interrupted
with its lock, and so nobody has to wait for it.
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
    """The witness is replaced by one that can happen where that is found, so a hit would be one that was overlooked."""
    found = witnessed(scenario, variant)
    if found.realizable[WITH_LOCK].status != "no":
        return
    hit = lab.hammer(variant.make, scenario.actors, noise=0, seconds=HAMMERED, **scenario.options())
    alike = hit.failure is not None and hit.failure.kind == found.failure.kind
    assert not alike, hit
