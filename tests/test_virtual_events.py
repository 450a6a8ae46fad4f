"""Twins of Event, Semaphore and Barrier: they say and do what CPython's do."""

from __future__ import annotations

import threading

import pytest
from controlled import State, alike, failure, outcomes, words

from lab import explore

# ------------------------------------------------------------ Event


def test_event_gives_what_cpython_s_gives():
    def body():
        event = threading.Event()
        told = [event.is_set(), event.wait(0), event.wait(-1), event.wait(0.0001)]
        told += [words(event.wait, "1"), words(event.wait, float("inf")), words(event.set, 1)]
        told += [event.set(), event.is_set(), event.wait(), event.wait(0), words(event.wait, "1")]
        return [*told, event.clear(), event.is_set(), words(event.wait, 1, 2), repr(event).endswith("unset>")]

    told = alike(body)
    assert told[:4] == [False, False, False, False]
    assert told[7:14] == [None, True, True, True, True, None, False]


def test_who_waits_for_an_event_goes_on_though_it_is_cleared_at_once():
    def wait(state):
        state.started.set()
        state.got = state.event.wait(3600)

    def pulse(state):
        state.started.wait()
        state.waiting = bool(state.event._cond._waiters)
        state.event.set()
        state.event.clear()

    def setup():
        return State(started=threading.Event(), event=threading.Event())

    def outcome(state):
        return state.waiting, state.got, state.event.is_set()

    assert (True, True, False) in outcomes(setup, [wait, pulse], outcome, 300)
    assert (True, False, False) not in outcomes(setup, [wait, pulse], outcome, 300)


def test_an_event_cleared_before_the_wait_is_missed():
    def setup():
        return State(started=threading.Event(), event=threading.Event())

    def wait(state):
        state.started.set()
        state.got = state.event.wait(3600)

    def pulse(state):
        state.started.wait()
        state.event.set()
        state.event.clear()

    assert outcomes(setup, [wait, pulse], lambda state: state.got, 300) == {True, False}


def test_everybody_who_waits_for_an_event_goes_on():
    def wait(state):
        state.event.wait()
        state.passed.append(1)

    def setup():
        return State(event=threading.Event(), passed=[])

    assert outcomes(setup, [wait, wait, lambda s: s.event.set()], lambda s: len(s.passed), 100) == {2}


def test_an_event_outside_the_state_is_as_before_in_every_execution():
    event = threading.Event()

    def setup():
        return State(before=event.is_set())

    found = outcomes(setup, [lambda state: event.set()], lambda state: (state.before, event.is_set()), 10)
    assert found == {(False, True)}
    assert not event.is_set()


# ------------------------------------------------------------ Semaphore


@pytest.mark.parametrize("make", [threading.Semaphore, threading.BoundedSemaphore])
def test_semaphore_gives_what_cpython_s_gives(make):
    def body():
        semaphore = make(2)
        told = [words(make, -1), words(semaphore.release, 0), words(semaphore.acquire, False, 1)]
        told += [semaphore.acquire(), semaphore.acquire(timeout=1), semaphore.acquire(False)]
        told += [semaphore.acquire(timeout=0.0001), semaphore.acquire(timeout=0), semaphore.acquire(timeout=-1)]
        told += [words(semaphore.acquire, True, "1"), words(semaphore.acquire, 1, 2, 3), words(semaphore.release, "1")]
        told += [semaphore.release(2), semaphore._value, words(semaphore.acquire, True, "1"), semaphore._value]
        told += [semaphore.release(), words(semaphore.release), words(semaphore.release, 2), semaphore._value]
        with semaphore as entered:
            told += [entered, semaphore._value]
        return told

    told = alike(body)
    assert told[:3] == [
        "ValueError: semaphore initial value must be >= 0",
        "ValueError: n must be one or more",
        "ValueError: can't specify timeout for non-blocking acquire",
    ]
    assert told[3:9] == [True, True, False, False, False, False]
    bounded = make is threading.BoundedSemaphore
    assert told[17] == ("ValueError: Semaphore released too many times" if bounded else None)


class Room:
    def __init__(self, semaphore):
        self.semaphore = semaphore
        self.inside = self.most = 0
        self.lock = threading.Lock()

    def use(self):
        with self.semaphore:
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            with self.lock:
                self.inside -= 1


class OwnSemaphore(threading.Semaphore):
    """Overrides what ``with`` does not call, and what it does."""

    def acquire(self, *arguments):
        raise AssertionError("`with` calls the acquire of the class it was defined in")

    def release(self, n=1):
        self.released = getattr(self, "released", 0) + 1
        super().release(n)


@pytest.mark.parametrize("make", [threading.Semaphore, threading.BoundedSemaphore, OwnSemaphore])
@pytest.mark.parametrize("permits", [1, 2])
def test_no_more_are_inside_than_there_are_permits(make, permits):
    found = outcomes(lambda: Room(make(permits)), [Room.use, Room.use, Room.use], lambda room: room.most, 200)
    assert found == set(range(1, permits + 1))


def test_release_of_several_lets_several_in():
    def enter(state):
        state.semaphore.acquire()
        state.inside.append(1)

    def setup():
        return State(semaphore=threading.Semaphore(0), inside=[])

    actors = [enter, enter, lambda state: state.semaphore.release(2)]
    assert outcomes(setup, actors, lambda s: (len(s.inside), s.semaphore._value), 60) == {(2, 0)}


def test_a_semaphore_called_by_c_code_and_by_python_is_one():
    def hand_over(state):
        state.entered = list(map(state.semaphore.acquire, [True, True]))

    def setup():
        return State(semaphore=threading.Semaphore(0))

    def release(state):
        state.semaphore.release()

    assert outcomes(setup, [hand_over, release, release], lambda s: s.semaphore._value, 60) == {0}


# ------------------------------------------------------------ Barrier


def test_barrier_gives_what_cpython_s_gives():
    def body():
        single = threading.Barrier(1)
        told = [single.wait(), single.parties, single.n_waiting, single.broken, words(single.wait, 1, 2)]
        told += [single.abort(), single.broken, words(single.wait), single.reset(), single.wait()]
        pair = threading.Barrier(2, timeout=0.0001)
        told += [words(pair.wait), pair.broken, words(pair.wait, 0.0001), pair.reset(), words(pair.wait, 0)]
        failing = threading.Barrier(1, action=lambda: {}["missing"])
        return [*told, words(failing.wait), failing.broken, words(failing.wait)]

    told = alike(body)
    assert told[:4] == [0, 1, 0, False]
    assert told[5:10] == [None, True, "BrokenBarrierError: ", None, 0]
    assert told[10:15] == ["BrokenBarrierError: ", True, "BrokenBarrierError: ", None, "BrokenBarrierError: "]
    assert told[15:] == ["KeyError: 'missing'", True, "BrokenBarrierError: "]


def test_nobody_passes_a_barrier_before_everybody_has_come():
    def setup():
        state = State(come=[], ranks=[], at_action=[], after=[])
        state.barrier = threading.Barrier(3, action=lambda: state.at_action.append(len(state.come)))
        return state

    def actor(state):
        for rounds in (1, 2):
            state.come.append(1)
            state.ranks.append(state.barrier.wait())
            state.after.append(len(state.come) >= 3 * rounds)

    def outcome(state):
        return tuple(sorted(state.ranks)), tuple(state.at_action), all(state.after)

    assert outcomes(setup, [actor] * 3, outcome, 40) == {((0, 0, 1, 1, 2, 2), (3, 6), True)}


def test_a_barrier_breaks_for_all_when_one_gives_up():
    def wait(timeout):
        def actor(state):
            state.told.append(words(state.barrier.wait, timeout) in (0, 1))

        return actor

    found = outcomes(
        lambda: State(barrier=threading.Barrier(2), told=[]),
        [wait(1), wait(None)],
        lambda state: (*state.told, state.barrier.broken),
        300,
    )
    assert found == {(True, True, False), (False, False, True)}


@pytest.mark.parametrize(("method", "broken"), [("abort", True), ("reset", False)])
def test_who_waits_at_a_barrier_is_told_when_it_is_aborted_or_reset(method, broken):
    def wait(state):
        state.told = words(state.barrier.wait)

    def end(state):
        while not state.barrier.n_waiting:
            pass
        getattr(state.barrier, method)()

    def outcome(state):
        return state.told, state.barrier.broken

    found = outcomes(lambda: State(barrier=threading.Barrier(2)), [wait, end], outcome, 60)
    assert found == {("BrokenBarrierError: ", broken)}


def test_a_barrier_outside_the_state_is_as_before_in_every_execution():
    barrier = threading.Barrier(2)

    def setup():
        return State(before=(barrier.broken, barrier.n_waiting))

    explore(setup, [lambda state: barrier.wait()], schedules=3)
    found = outcomes(setup, [lambda state: barrier.abort()], lambda state: (*state.before, barrier.broken), 5)
    assert found == {(False, 0, True)}
    assert not barrier.broken


def test_a_barrier_one_party_short_is_no_lost_wakeup():
    assert failure(lambda: threading.Barrier(2), {"alice": lambda barrier: barrier.wait()})[:2] == (
        "deadlock",
        "alice waits for the barrier barrier, and no one is left to come to it",
    )
