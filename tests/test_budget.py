"""The time that an exploration may take is looked at inside of executions too, and what is only long is no failure."""

from __future__ import annotations

import time

import pytest
from controlled import State

import lab
from lab.searching import Search
from tests.test_carriers import BOTH

FAR = 10**9  # steps


def add(state):
    state.value = state.value + 1


def add_for_ever(state):
    while True:
        add(state)


def read_for_ever(state):
    while state.value >= 0:
        pass


def own_for_ever(state):
    own = State(value=0)
    while True:
        own.value += 1


def keep_every_error(state):
    while True:
        try:
            add_for_ever(state)
        except BaseException:
            pass


NOT_ONE = (
    "not one schedule had come to its end when the time was up; give more seconds=, "
    "or a smaller steps= to be told who is still running"
)


def explored(actors, **options):
    options = {"setup": lambda: State(value=0), "seconds": 0.3, **options}
    return lab.explore(actors=actors, **options)


@pytest.fixture(params=BOTH)
def carrier(request):
    return request.param


@pytest.mark.parametrize("actor", [add_for_ever, read_for_ever, own_for_ever, keep_every_error])
@pytest.mark.parametrize("strategy", ["auto", "dpor", "random"])
def test_an_execution_ends_when_the_time_is_up(actor, strategy, carrier, monkeypatch):
    monkeypatch.setattr("lab.exploration._LATE", 0.1)
    found = explored([actor, add], steps=FAR, strategy=strategy, carrier=carrier)
    assert (found.status, found.failure) == ("unknown", None), str(found)
    if not found.schedules and strategy != "dpor":
        assert found.reason.partition("; an execution was not over after ")[0] == NOT_ONE
    assert "when the time was up" in found.reason or strategy == "dpor"
    assert explored([add], carrier=carrier, seconds=60).status == "holds"


def test_a_failure_that_was_found_before_is_kept(carrier, monkeypatch):
    monkeypatch.setattr("lab.exploration._LATE", 0.1)

    def lose(state):
        add(state)
        assert state.value

    def late(state):
        if state.value:
            raise ValueError("late")
        add_for_ever(state)

    found = explored({"alice": lose, "bob": late}, steps=FAR, carrier=carrier)
    assert str(found.failure) == "exception: ValueError: late left bob", str(found)


def test_the_profile_ends_when_the_time_is_up(monkeypatch):
    executed = []
    execute = lab.exploration.Exploration.execute

    def slow(self, *arguments, **named):
        executed.append(1)
        time.sleep(0.05)
        self.discovery.found[0] = None  # always something new
        return execute(self, *arguments, **named)

    monkeypatch.setattr(lab.exploration.Exploration, "execute", slow)
    monkeypatch.setattr(lab.discovery.Discovery, "take_found", lambda self: bool(self.found.clear() or True))
    found = explored([add, add], seconds=0.1)
    assert (found.status, found.failure) == ("unknown", None)
    assert len(executed) < 10


@pytest.mark.parametrize("actor", [add_for_ever, own_for_ever, keep_every_error])
def test_what_only_goes_on_is_no_livelock(actor, carrier):
    found = explored([actor, add], steps=500, seconds=20, carrier=carrier)
    assert (found.status, found.failure, found.witness) == ("unknown", None, None), str(found)
    assert found.reason.startswith("schedule 1 had no end after ")
    assert found.reason.endswith("; give a larger steps= if that is not for ever")


def test_a_long_loop_is_no_livelock(carrier):
    def long(state):
        for _ in range(400):
            add(state)

    def long_alone(state):
        own = State(value=0)
        for _ in range(6000):
            own.value += 1
        add(state)

    for actor in (long, long_alone):
        found = explored([actor, add], steps=500, seconds=20, carrier=carrier)
        assert (found.status, found.failure) == ("unknown", None), str(found)
        enough = explored([actor, add], steps=5000, seconds=20, schedules=3, carrier=carrier)
        assert (enough.status, enough.failure) == ("unknown", None), str(enough)
        assert "no end" not in enough.reason


def repeat(state):
    from itertools import repeat

    own = State(value=0)
    for _ in repeat(None, 6000):
        own.value


def test_a_loop_over_an_iterator_has_a_state_that_nobody_sees(carrier):
    found = explored([repeat, add], steps=500, seconds=20, carrier=carrier)
    assert (found.status, found.failure) == ("unknown", None), str(found)


@pytest.mark.parametrize("actor", [read_for_ever])
def test_who_reads_the_same_for_ever_is_in_a_livelock(actor, carrier):
    def deep(state):
        for _ in ():
            pass
        read_for_ever(state)

    for actors in ([actor], [actor, add], [deep]):
        found = explored(actors, steps=500, seconds=20, carrier=carrier)
        assert found.failure is not None, str(found)
        assert found.failure.kind == "livelock", str(found)
        assert found.witness is not None


def test_a_livelock_is_graded_by_its_first_rounds(monkeypatch):
    """To go through all of it once more, slowly, would take longer than the search."""
    taken = []

    def polite(state):
        me, other = ("one", "other") if not state.turns else ("other", "one")
        state.turns = state.turns + 1
        while True:
            setattr(state, me, True)
            if not getattr(state, other):
                break
            setattr(state, me, False)

    def count(self, *arguments, **named):
        result = execute(self, *arguments, **named)
        if type(self.discovery).__name__ == "PointDiscovery":
            taken.append(self.control.steps)
        return result

    execute = lab.exploration.Exploration.execute
    monkeypatch.setattr(lab.exploration.Exploration, "execute", count)
    found = lab.explore(
        lambda: State(turns=0, one=True, other=True),
        [polite, polite],
        steps=1200,
        seconds=100,
        strategy="random",
    )
    assert found.failure is not None, str(found)
    assert found.witness.repeats
    assert max(taken) < 200, taken


def test_unwinding_a_stubborn_actor_has_an_end(carrier):
    told = []

    def stubborn(state):
        while True:
            try:
                while True:
                    state.value = 1
            except BaseException as error:
                told.append(type(error).__name__)

    found = explored([stubborn, add], steps=300, seconds=20, schedules=1, carrier=carrier)
    assert found.status in ("fails", "unknown")
    assert set(told) == {"Stopped"}


def test_time_is_looked_at_between_executions_of_every_part():
    assert Search.__dataclass_fields__["seconds"].type == "float | None"
    found = explored([add, add, add, add, add, add], seconds=0.05)
    assert found.status == "unknown"
