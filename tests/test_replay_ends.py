"""A thread's end is no step; a replay that is told of it waits for it."""

from __future__ import annotations

import threading

import pytest
from controlled import State

from lab import Witness, explore, replay
from tests.test_carriers import BOTH


def setup():
    return State(seen=None, value=0)


def ends(state):
    state.value = 1


def asks_whether(state):
    child = threading.Thread(target=ends, args=(state,))
    child.start()
    state.seen = child.is_alive()
    child.join()


def counts(state):
    child = threading.Thread(target=ends, args=(state,))
    child.start()
    state.seen = threading.active_count() - state.before
    child.join()


def looks_around(state):
    state.seen = [thread.is_alive() for thread in threading.enumerate() if thread.name == "bob"]


def counts_actors(state):
    state.seen = threading.active_count() - state.before


PROGRAMS = [
    ({"alice": asks_whether}, [True, False]),
    ({"alice": counts}, [2, 1]),
    ({"alice": looks_around, "bob": ends}, [[], [True], [False]]),
    ({"alice": counts_actors, "bob": ends}, [2, 1]),
]


@pytest.mark.parametrize("carrier", BOTH)
@pytest.mark.parametrize(
    ("actors", "seen"),
    [(actors, one) for actors, several in PROGRAMS for one in several],
    ids=[f"{actors['alice'].__name__}-{one}" for actors, several in PROGRAMS for one in several],
)
def test_what_hangs_on_the_end_of_a_thread_is_replayed(actors, seen, carrier, tmp_path):
    def made():
        state = setup()
        state.before = before
        return state

    before = threading.active_count()
    program = {"setup": made, "actors": actors, "check": lambda state: state.seen != seen}
    found = explore(**program, carrier=carrier, schedules=300)
    assert found.failure is not None, str(found)
    for witness in (found.witness, Witness.load(found.witness.save(tmp_path / "w.json"))):
        again = replay(witness, **program, carrier=carrier)
        assert again.reason.startswith("fails again"), again.reason


def test_the_answer_stands_in_the_witness():
    found = explore(setup, {"alice": asks_whether}, check=lambda state: state.seen)
    assert "asks whether child is alive: no, Thread-2 (ends) has ended" in [
        step.what for step in found.witness.trace.steps
    ]
