"""Races are reversed along all that has to come before: few executions end asleep, and none is left out."""

import queue
import threading
from functools import partial

import pytest
from controlled import State

from lab import explore
from lab.carriers.actor import Actor
from lab.strategies.dpor import SourceSets
from lab.strategies.reversals import names_of


@pytest.fixture
def asleep(monkeypatch):
    """Of each execution of `dpor`: whether it ended asleep."""
    found = []
    end = SourceSets.end

    def told(strategy, execution):
        found.append(strategy.redundant)
        end(strategy, execution)

    monkeypatch.setattr(SourceSets, "end", told)
    return found


def locks(count):
    return [threading.Lock() for _ in range(count)], [0] * count


def takes(one, other, state):
    held, used = state
    first, second = sorted((one, other))
    with held[first], held[second]:
        used[one] = 1


def ring(count):
    """As many actors, each of which takes two locks, its own and the next one's, always in one order."""
    return partial(locks, count), [partial(takes, number, (number + 1) % count) for number in range(count)]


@pytest.mark.parametrize(("count", "classes", "most"), [(2, 2, 0), (3, 6, 0), (4, 24, 0), (5, 120, 0.01)])
def test_executions_that_end_asleep_are_few_where_locks_are_nested(asleep, count, classes, most):
    setup, actors = ring(count)
    verdict = explore(setup, actors, strategy="dpor")
    assert (verdict.status, verdict.schedules) == ("holds", classes)
    assert sum(asleep) <= most * len(asleep)


def test_who_waits_for_the_lock_of_a_sleeper_is_let_go_first_in_vain(asleep):
    """Nothing shows beforehand that only the sleeper could wake itself: one execution ends asleep."""

    def tries(state):
        held, _ = state
        if held[0].acquire(False):
            held[0].release()

    def holds_both(state):
        held, used = state
        if held[0].acquire(False):
            with held[1]:
                used[0] += 1
            held[0].release()

    def counts(state):
        held, used = state
        with held[1]:
            used[0] += 1

    verdict = explore(partial(locks, 2), [tries, counts, counts, holds_both], strategy="dpor")
    assert (verdict.status, verdict.schedules) == ("holds", 20)
    assert 0 < sum(asleep) < 0.1 * len(asleep)


def wrongly(state):
    try:
        state.lock.release()
    except RuntimeError:
        state.seen = "an error"


def comes_late(state):
    state.other = 1
    state.lock.acquire()


def looks(state):
    return state.other


def lock_is_released_or_not(state):
    return state.seen, state.lock.locked()


@pytest.mark.parametrize("actors", [[wrongly, comes_late, looks], [wrongly, looks, comes_late]])
def test_a_lock_that_is_free_when_it_is_released_could_have_been_taken_before(actors):
    def setup():
        return State(lock=threading.Lock(), seen=None, other=0)

    verdict = explore(setup, actors, outcome=lock_is_released_or_not, strategy="dpor")
    assert set(verdict.outcomes) == {("an error", True), (None, False)}
    assert (verdict.status, verdict.schedules) == ("holds", 4)


def puts(state):
    state.queue.put(1)


def gets_late(state):
    state.other = 1
    state.got = state.queue.get()


def gives(state):
    state.gate.release()


def takes_late(state):
    state.other = 1
    state.gate.acquire()


@pytest.mark.parametrize(("first", "late"), [(puts, gets_late), (gives, takes_late)])
@pytest.mark.parametrize("before", [0, 1])
def test_who_could_not_have_gone_on_before_is_not_let_go_first(asleep, first, late, before):
    """With something there already either may come first; else the one has to wait for the other."""

    def setup():
        state = State(queue=queue.Queue(), gate=threading.Semaphore(before), other=0, got=None)
        if before:
            state.queue.put(0)
        return state

    verdict = explore(setup, [first, late, looks], strategy="dpor")
    assert (verdict.status, verdict.schedules) == ("holds", 2 + 2 * before)
    assert not any(asleep)


def test_threads_are_told_apart_whoever_is_started_first(asleep):
    """Each parent's thread writes what the other one's reads, and which has which index depends on the schedule."""

    def parent(mine, state):
        def child():
            with state.lock:
                state.seen += mine

        state.first = state.first or mine
        thread = threading.Thread(target=child)
        thread.start()
        thread.join()

    def setup():
        return State(lock=threading.Lock(), seen="", first="")

    def outcome(state):
        return state.first, state.seen

    verdict = explore(setup, [partial(parent, "a"), partial(parent, "b")], outcome=outcome, strategy="dpor")
    assert verdict.status == "holds", verdict.reason
    assert set(verdict.outcomes) == {("a", "ab"), ("a", "ba"), ("b", "ab"), ("b", "ba")}
    assert not any(asleep)


def test_the_name_of_a_thread_does_not_depend_on_when_others_were_started():
    def actors(*parents):
        made = [Actor(number, "", print, ()) for number in range(3)]
        for parent in parents:
            child = Actor(len(made), "", print, ())
            child.parent = made[parent]
            made.append(child)
        return made

    assert names_of(actors(1, 1, 2)) == [0, 1, 2, (1, 1), (1, 2), (2, 1)]
    assert names_of(actors(2, 1, 1, 3)) == [0, 1, 2, (2, 1), (1, 1), (1, 2), ((2, 1), 1)]
