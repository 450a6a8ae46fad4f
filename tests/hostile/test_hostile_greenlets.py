"""Programs that switch greenlets themselves: on the carrier that runs actors on greenlets they cannot be told apart."""

from __future__ import annotations

import pytest
from controlled import State

import lab
from lab.errors import NeedsThreads
from tests.hostile.conftest import BOTH, add

pytestmark = pytest.mark.skipif(len(BOTH) < 2, reason="no greenlets here")


def ping_pong(state):
    import greenlet

    said = []

    def ping():
        add(state)
        said.append("ping")
        second.switch()
        said.append("ping again")

    def pong():
        add(state)
        said.append("pong")
        first.switch()

    first, second = greenlet.greenlet(ping), greenlet.greenlet(pong)
    first.switch()
    second.throw(greenlet.GreenletExit)
    state.said.append(tuple(said))


def setup():
    return State(value=0, said=[])


def outcome(state):
    return state.value, *set(state.said)


SAID = ("ping", "pong", "ping again")


def explored(carrier):
    return lab.explore(setup, {"alice": ping_pong, "bob": ping_pong}, outcome=outcome, schedules=80, carrier=carrier)


@pytest.mark.parametrize("carrier", ["auto", "thread"])
def test_each_actor_gets_an_os_thread_of_its_own(carrier):
    verdict = explored(carrier)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    assert set(verdict.outcomes) == {(value, SAID) for value in (2, 3, 4)}
    assert any("switches greenlets, and who runs on them is not seen" in one for one in verdict.uncontrolled)


def test_the_carrier_is_refused_in_one_line():
    with pytest.raises(NeedsThreads) as caught:
        explored("greenlet")
    line = ping_pong.__code__.co_firstlineno + 17
    assert str(caught.value) == (
        f"carrier='greenlet': ping_pong (tests/hostile/test_hostile_greenlets.py:{line}) switches greenlets itself, "
        "and actors run on greenlets; use carrier='thread' or 'auto'"
    )


def test_the_program_cannot_catch_the_refusal():
    def actor(state):
        try:
            ping_pong(state)
        except BaseException:
            state.value = 100

    with pytest.raises(NeedsThreads):
        lab.explore(setup, [actor], carrier="greenlet")
    assert lab.explore(setup, [actor], outcome=lambda state: state.value, schedules=3).outcomes.keys() == {2}


def test_a_setup_that_switches():
    def switching():
        state = setup()
        ping_pong(state)
        return state

    assert lab.explore(switching, [add], schedules=3).failure is None
    with pytest.raises(NeedsThreads):
        lab.explore(switching, [add], schedules=3, carrier="greenlet")


def test_the_hammer_runs_it_as_it_is():
    verdict = lab.hammer(setup, [ping_pong, ping_pong], outcome=lambda state: set(state.said) == {SAID}, rounds=8)
    assert set(verdict.outcomes) == {True}
