"""Tasks on asyncio's own event loop, uncontrolled: rates."""

import asyncio

import pytest

from lab import hammer
from lab.errors import LabError
from tests.tasks.programs import Counter, add, add_in_thread, add_locked, value

TWO = {"alice": add, "bob": add}


def test_a_lost_update_is_met_quietly_and_with_noise():
    found = hammer(Counter, TWO, outcome=value, allowed={2}, rounds=60)
    assert found.status == "fails", str(found)
    assert found.outcomes[1] > 30
    assert found.outcomes[2] > 0, "with noise one of them is now and then over before the other begins"
    assert (found.schedules, found.granularity) == (60, "real event loop")
    assert 0.3 < found.overlap <= 1


def test_repaired_code_does_not_fail():
    found = hammer(Counter, {"alice": add_locked, "bob": add_locked}, outcome=value, allowed={2}, rounds=40)
    assert found.status == "unknown", str(found)
    assert dict(found.outcomes) == {2: 40}


def test_setup_check_and_teardown_run_inside_the_loop():
    met = []

    async def setup():
        await asyncio.sleep(0)
        return Counter()

    async def check(counter):
        met.append(asyncio.get_running_loop().is_running())
        return counter.value == 1

    found = hammer(setup, [add], check=check, teardown=lambda counter: met.append("down"), rounds=3)
    assert (found.status, met) == ("unknown", [True, "down"] * 3)


def test_threads_beside_tasks():
    found = hammer(Counter, {"alice": add_locked, "bob": add_in_thread}, outcome=value, rounds=20)
    assert set(found.outcomes) <= {1, 2}


def test_a_cancelled_actor_is_no_failure_and_what_it_leaves_half_done_is():
    async def moves(counter):
        counter.value += 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        counter.value -= 1

    def check(counter):
        assert counter.value == 0, "half done"

    assert hammer(Counter, [moves], check=check, rounds=50).status == "unknown"
    found = hammer(Counter, [moves], check=check, rounds=200, cancel=True)
    assert str(found.failure) == "check: half done"


def test_an_exception_and_one_that_nobody_looked_at():
    async def fails(counter):
        raise ValueError("no")

    async def calls_back(counter):
        asyncio.get_running_loop().call_soon(int, "x")
        await asyncio.sleep(0)

    assert str(hammer(Counter, [fails], rounds=2).failure) == "exception: ValueError: no left alice"
    assert "ValueError" in hammer(Counter, [calls_back], rounds=2).failure.message


def test_a_round_that_does_not_end_ends_the_run():
    async def waits(counter):
        await counter.event.wait()

    found = hammer(Counter, [waits], rounds=5)
    assert str(found.failure) == "deadlock: alice did not end: nothing happened for 2 s"
    assert found.schedules == 1


def test_hammer_inside_a_running_loop_is_refused_in_one_line():
    async def inside():
        hammer(Counter, TWO, rounds=1)

    with pytest.raises(LabError) as caught:
        asyncio.run(inside())
    assert str(caught.value) == "hammer() was called inside a running event loop; call it from a plain function"
