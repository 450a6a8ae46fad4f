"""Twins of Condition, Event, Semaphore and Barrier: they say and do what CPython's do."""

from __future__ import annotations

import threading

import pytest
from controlled import State, alike, failure, outcomes, words

from lab import explore

# ------------------------------------------------------------ Condition: words


@pytest.mark.parametrize("make", [None, threading.Lock, threading.RLock], ids=["default", "Lock", "RLock"])
def test_condition_gives_what_cpython_s_gives(make):
    def body():
        condition = threading.Condition(make() if make else None)
        told = [
            words(condition.wait),
            words(condition.notify),
            words(condition.notify, 2),
            words(condition.notify_all),
            words(condition.wait_for, lambda: True),
            words(condition.wait_for, lambda: False),
        ]
        with condition:
            told += [
                words(condition.wait, 0),
                words(condition.wait, -1),
                words(condition.wait, 0.0001),
                words(condition.wait, float("inf")),
                words(condition.wait, float("nan")),
                words(condition.wait, "1"),
                words(condition.wait, 1, 2),
                words(condition.wait, seconds=1),
                words(condition.wait_for, lambda: 7),
                words(condition.wait_for, lambda: 0, 0.0001),
                words(condition.wait_for, lambda: 0, timeout=-1),
                words(condition.notify),
                words(condition.notify, 0),
                words(condition.notify, "1"),
                words(condition.notify, 1, 2),
                words(threading.Condition.wait, condition, 0.0001),
            ]
        return [*told, condition.acquire(), condition.release(), words(condition.release)]

    told = alike(body)
    assert told[0] == told[5] == "RuntimeError: cannot wait on un-acquired lock"
    assert told[1:4] == ["RuntimeError: cannot notify on un-acquired lock"] * 3
    assert told[6:9] == [False, False, False]


class OwnLock:
    """A lock that the program wrote itself."""

    def __init__(self):
        self.inner = threading.Lock()

    def acquire(self, *arguments):
        return self.inner.acquire(*arguments)

    def release(self):
        self.inner.release()

    __enter__ = acquire

    def __exit__(self, *_):
        self.release()


CONDITIONS = {
    "default": threading.Condition,
    "Lock": lambda: threading.Condition(threading.Lock()),
    "own": lambda: threading.Condition(OwnLock()),
}
conditions = pytest.mark.parametrize("make", CONDITIONS.values(), ids=CONDITIONS)

# ------------------------------------------------------------ Condition: waiting


@conditions
def test_a_condition_in_a_loop_waits_for_what_it_has_to(make):
    def consume(state):
        with state.condition:
            while not state.items:
                state.condition.wait()
            state.got.append(state.items.pop(0))

    def produce(state):
        for item in "xy":
            with state.condition:
                state.items.append(item)
                state.condition.notify()

    def setup():
        return State(condition=make(), items=[], got=[])

    assert outcomes(setup, [consume, consume, produce], lambda state: "".join(state.got), 150) == {"xy"}


@conditions
def test_wait_for_waits_for_what_it_has_to(make):
    def wait(state):
        with state.condition:
            state.got = state.condition.wait_for(lambda: state.value)

    def work(state):
        for value in (0, 3):
            with state.condition:
                state.value = value
                state.condition.notify_all()

    assert outcomes(lambda: State(condition=make(), value=0), [wait, work], lambda s: s.got, 150) == {3}


@conditions
def test_nobody_wakes_up_without_being_told(make):
    def wait(state):
        with state.condition:
            state.condition.wait(3600)
            state.woken = state.told

    def tell(state):
        with state.condition:
            state.told = len(state.condition._waiters)
        with state.condition:
            state.condition.notify()

    def setup():
        return State(condition=make(), told=None, woken=None)

    assert outcomes(setup, [wait, tell], lambda state: state.woken, 150) == {0, 1}


@conditions
def test_the_longest_waiting_is_told_first(make):
    def wait(name):
        def actor(state):
            with state.condition:
                state.arrived.append(name)
                state.got[name] = state.condition.wait(3600)

        return actor

    def tell(state):
        with state.condition:
            state.at_hand = list(state.arrived)
            state.condition.notify()

    def first_told(state):
        told = [name for name, got in state.got.items() if got]
        return len(state.at_hand), told == state.at_hand[:1]

    def setup():
        return State(condition=make(), arrived=[], got={}, at_hand=None)

    assert outcomes(setup, [wait("a"), wait("b"), tell], first_told, 300) == {(0, True), (1, True), (2, True)}


def test_notify_tells_as_many_as_it_says():
    def wait(state):
        with state.condition:
            state.arrived += 1
            told = state.condition.wait(3600)
            state.told += told

    def tell(state):
        with state.condition:
            state.at_hand = state.arrived
            state.condition.notify(2)

    def setup():
        return State(condition=threading.Condition(), arrived=0, told=0, at_hand=0)

    found = outcomes(setup, [wait, wait, wait, tell], lambda state: (state.at_hand, state.told), 800)
    assert found == {(0, 0), (1, 1), (2, 2), (3, 2)}


@conditions
def test_who_is_told_after_its_time_was_up_was_not_told(make):
    """It still stands in the waiting list until it has the lock again, so the notification is lost on it."""

    def wait(state):
        with state.condition:
            state.got = state.condition.wait(1)

    def tell(state):
        with state.condition:
            state.waiting = len(state.condition._waiters)
            state.condition.notify()

    found = outcomes(lambda: State(condition=make()), [wait, tell], lambda state: (state.waiting, state.got), 600)
    assert found == {(0, False), (1, True), (1, False)}


def test_wait_gives_up_an_rlock_however_often_it_is_held():
    def wait(state):
        with state.condition, state.condition:
            state.condition.wait()
            state.owned = (state.condition._lock._is_owned(), len(state.condition._waiters))
        state.after = words(state.condition.notify)

    def tell(state):
        while True:
            with state.condition:
                if state.condition._waiters:
                    state.condition.notify()
                    return

    found = outcomes(lambda: State(condition=threading.Condition()), [wait, tell], lambda s: (s.owned, s.after), 100)
    assert found == {((True, 0), "RuntimeError: cannot notify on un-acquired lock")}


def test_two_conditions_share_a_lock():
    def setup():
        lock = threading.Lock()
        return State(full=threading.Condition(lock), free=threading.Condition(lock), items=[], got=[])

    def produce(state):
        for item in (1, 2):
            with state.free:
                while state.items:
                    state.free.wait()
                state.items.append(item)
                state.full.notify()

    def consume(state):
        for _ in (1, 2):
            with state.full:
                while not state.items:
                    state.full.wait()
                state.got.append(state.items.pop())
                state.free.notify()

    assert outcomes(setup, [produce, consume], lambda state: tuple(state.got), 150) == {(1, 2)}


def test_a_subclass_of_condition_is_called_as_written():
    class Noisy(threading.Condition):
        def notify(self, n=1):
            self.count = getattr(self, "count", 0) + n
            super().notify(n)

        def wait(self, timeout=None):
            return ("waited", super().wait(timeout))

    def body():
        condition = Noisy()
        with condition:
            condition.notify()
            condition.notify_all()
            return condition.wait(0.0001), condition.count

    assert alike(body) == (("waited", False), 1)


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
