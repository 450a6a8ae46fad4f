"""Pools of processes that an actor makes are under control: programs of which the answer is known."""

from collections import Counter

import pytest

import lab
from tests.processes import pooling
from tests.processes.programs import zero
from tests.processes.test_births import count, explore, nothing_is_left  # noqa: F401 - a fixture, found by its name

LATER = "results of a pool of processes were there at once; the library's own threads bring them a little later"
DIED = (
    "the end of a worker of a pool was noticed by who waited for it; the library's own threads notice it by themselves"
)


@pytest.mark.parametrize(
    ("actor", "outcome"),
    [
        (pooling.maps_with_a_lock, "2"),
        (pooling.maps_with_one_worker, "2"),
        (pooling.asks_in_every_way, "0"),
        (pooling.closes_and_joins, "0"),
        (pooling.has_an_initializer, "7"),
        (pooling.submits_with_a_lock, "2"),
        (pooling.asks_an_executor, "0"),
        (pooling.takes_what_comes_first, "0"),
        (pooling.does_not_wait, "1"),
    ],
)
def test_what_holds(actor, outcome):
    verdict = explore(actor)
    assert verdict.status == "holds", str(verdict)
    assert verdict.uncontrolled == ()
    assert verdict.outcomes.keys() == {outcome}


@pytest.mark.parametrize("actor", [pooling.maps_over_a_file, pooling.submits])
def test_workers_that_lose_an_update(actor):
    verdict = explore(actor, allowed={"2"})
    assert verdict.status == "fails", str(verdict)
    assert verdict.failure.message == "outcome '1' (allowed: '2')"
    again = lab.replay(verdict.witness, zero, {"alice": actor}, outcome=count, allowed={"2"})
    assert (again.status, again.failure.message) == ("fails", verdict.failure.message)


def test_who_waits_for_a_worker_that_has_died_waits_for_ever():
    verdict = explore(pooling.waits_for_who_has_died)
    assert (verdict.status, verdict.failure.message) == (
        "fails",
        "alice waits for anything from the results of a pool, and no one is left to cause it",
    )


@pytest.mark.parametrize(
    ("actor", "doubt"),
    [
        (pooling.meets_a_broken_pool, DIED),
        (pooling.looks_whether_it_is_done, LATER),
        (pooling.wants_to_be_called, LATER),
    ],
)
def test_what_the_own_threads_of_a_pool_may_do_otherwise_is_a_doubt(actor, doubt):
    verdict = explore(actor, schedules=40)
    assert verdict.status == "unknown"
    assert verdict.outcomes == Counter({"0": verdict.schedules})
    assert doubt in verdict.reason


def test_a_pool_that_setup_makes_stays_as_it_is():
    def setup():
        zero()
        with pooling.Pool(1) as pool:
            pool.map(pooling.increment, [1])

    verdict = lab.explore(
        setup, {"alice": lambda state: pooling.increment()}, outcome=count, on="processes", strategy="dpor", seconds=100
    )
    assert verdict.outcomes.keys() == {"2"}
