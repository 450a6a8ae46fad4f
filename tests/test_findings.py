"""Deadlocks, lost wakeups and livelocks: in which words they are told, and what is never called one."""

from __future__ import annotations

import re
import threading
from functools import partial

import pytest
from controlled import State, failure, marked

from lab import explore

at = partial(marked, __file__)

# ------------------------------------------------------------ deadlock: cycles


class Locks:
    def __init__(self):
        self.left = threading.Lock()
        self.right = threading.RLock()
        self.third = threading.Lock()


def left_then_right(locks):
    with locks.left:  # left first
        with locks.right:  # right second
            pass


def right_then_left(locks):
    with locks.right:  # right first
        with locks.left:  # left second
            pass


def test_two_locks_in_different_orders():
    assert failure(Locks, {"alice": left_then_right, "bob": right_then_left}) == (
        "deadlock",
        "alice waits for locks.right of bob, bob waits for locks.left of alice",
        (
            f"alice waits for locks.right at {at('right second')}; bob holds it since {at('right first')}",
            f"bob waits for locks.left at {at('left second')}; alice holds it since {at('left first')}",
        ),
    )


def test_three_locks_in_a_ring():
    def right_then_third(locks):
        with locks.right, locks.third:
            pass

    def third_then_left(locks):
        with locks.third, locks.left:
            pass

    actors = {"alice": left_then_right, "bob": right_then_third, "carol": third_then_left}
    assert failure(Locks, actors)[:2] == (
        "deadlock",
        "alice waits for locks.right of bob, bob waits for locks.third of carol, carol waits for locks.left of alice",
    )


def test_a_lock_that_its_holder_wants_again():
    def twice(locks):
        locks.left.acquire()  # once
        locks.left.acquire()  # again

    assert failure(Locks, {"alice": twice}) == (
        "deadlock",
        "alice waits for locks.left, which it holds itself",
        (f"alice waits for locks.left at {at('again')}; alice holds it since {at('once')}",),
    )


def test_a_thread_that_needs_what_its_joiner_holds():
    def boss(locks):
        worker = threading.Thread(target=work, args=(locks,), name="worker")
        worker.start()
        with locks.left:  # held while joining
            worker.join()  # the join

    def work(locks):
        with locks.left:  # wanted by the worker
            pass

    assert failure(Locks, {"boss": boss}) == (
        "deadlock",
        "boss waits for the end of worker, worker waits for locks.left of boss",
        (
            f"boss waits for the end of worker at {at('the join')}",
            f"worker waits for locks.left at {at('wanted by the worker')}; boss holds it since {at('held while joining')}",
        ),
    )


def test_two_threads_that_join_each_other():
    def start(state):
        state.first = threading.Thread(target=lambda: (state.go.wait(), state.second.join()), name="first")
        state.second = threading.Thread(target=lambda: state.first.join(), name="second")
        state.first.start()
        state.second.start()
        state.go.set()

    assert failure(lambda: State(go=threading.Event()), {"boss": start})[:2] == (
        "deadlock",
        "first waits for the end of second, second waits for the end of first",
    )


# ------------------------------------------------------------ deadlock: no one left


def test_a_lock_whose_holder_has_ended():
    def keep(locks):
        locks.left.acquire()  # kept

    def want(locks):
        with locks.left:  # wanted
            pass

    assert failure(Locks, {"alice": keep, "bob": want}) == (
        "deadlock",
        "bob waits for locks.left, which alice ended without releasing",
        (f"bob waits for locks.left at {at('wanted')}; alice holds it since {at('kept')}",),
    )


@pytest.mark.parametrize("where", ["setup", "outside"])
def test_a_lock_taken_before_the_actors_began(where):
    lock = threading.Lock()

    def setup():
        if where == "setup":
            lock.acquire()
        return lock

    def want(lock):
        with lock:  # taken before
            pass

    if where == "outside":
        lock.acquire()
    assert failure(setup, {"alice": want}) == (
        "deadlock",
        "alice waits for lock, which was taken before the actors began",
        (f"alice waits for lock at {at('taken before')}; it was taken before the actors began",),
    )


def test_an_event_that_is_never_set():
    assert failure(threading.Event, {"alice": lambda event: event.wait()})[:2] == (
        "deadlock",
        "alice waits for the event event, and no one is left to set it",
    )


def test_a_semaphore_that_is_never_released():
    assert failure(lambda: threading.Semaphore(0), {"alice": lambda semaphore: semaphore.acquire()})[:2] == (
        "deadlock",
        "alice waits for the semaphore semaphore, and no one is left to release it",
    )


def test_a_barrier_one_party_short():
    def come(barrier):
        barrier.wait()  # too few

    assert failure(lambda: threading.Barrier(3), {"alice": come, "bob": come}) == (
        "deadlock",
        "alice waits for the barrier barrier, and no one is left to come to it",
        tuple(f"{name} waits for the barrier barrier at {at('too few')}" for name in ("alice", "bob")),
    )


def test_who_joins_is_not_to_blame():
    def boss(state):
        worker = threading.Thread(target=state.event.wait, name="worker")
        worker.start()
        worker.join()

    assert failure(lambda: State(event=threading.Event()), {"boss": boss})[:2] == (
        "deadlock",
        "worker waits for the event state.event, and no one is left to set it",
    )


# ------------------------------------------------------------ lost wakeup


class Bell:
    def __init__(self):
        self.condition = threading.Condition()
        self.event = threading.Event()
        self.rung = False


def wait_without_asking(bell):
    with bell.condition:
        bell.condition.wait()  # the lost wait


def ring(bell):
    with bell.condition:
        bell.rung = True
        bell.condition.notify_all()


def test_a_notification_that_came_too_early():
    assert failure(Bell, {"alice": wait_without_asking, "bob": ring}) == (
        "lost wakeup",
        "alice waits on bell.condition, and no one is left to notify it",
        (f"alice waits for a notification on bell.condition at {at('the lost wait')}",),
    )


def test_an_event_that_was_set_and_cleared_before_the_wait():
    def wait(bell):
        bell.event.wait()

    def pulse(bell):
        bell.event.set()
        bell.event.clear()

    assert failure(Bell, {"alice": wait, "bob": pulse})[:2] == (
        "lost wakeup",
        "alice waits on bell.event, and no one is left to set it",
    )


def test_one_notification_for_two_who_wait():
    def wait(bell):
        with bell.condition:
            while not bell.rung:
                bell.condition.wait()

    def ring_once(bell):
        with bell.condition:
            bell.rung = True
            bell.condition.notify()

    kind, message, _ = failure(Bell, {"alice": wait, "bob": wait, "carol": ring_once})
    assert kind == "lost wakeup"
    assert message in {f"{name} waits on bell.condition, and no one is left to notify it" for name in ("alice", "bob")}


def test_a_flag_set_without_the_lock():
    def wait(bell):
        while not bell.rung:
            with bell.condition:
                bell.condition.wait()

    assert failure(Bell, {"alice": wait, "bob": ring})[:2] == (
        "lost wakeup",
        "alice waits on bell.condition, and no one is left to notify it",
    )


# ------------------------------------------------------------ livelock


def spin(bell):
    while not bell.rung:
        pass


def test_spinning_on_a_flag_that_nobody_sets():
    kind, message, detail = failure(Bell, {"alice": spin}, steps=300, schedules=1)
    assert (kind, detail) == ("livelock", ())
    assert re.fullmatch(
        r"no end after [\d,]+ steps and [\d,]+ other operations \(bound: steps=300\); still running: alice", message
    )


def test_two_who_spin_on_each_other():
    def spin_after(mine, other):
        def act(state):
            while not getattr(state, other):
                pass
            setattr(state, mine, True)

        return act

    actors = {"alice": spin_after("a", "b"), "bob": spin_after("b", "a")}
    kind, message, detail = failure(lambda: State(a=False, b=False), actors, steps=300, schedules=5)
    assert (kind, detail) == ("livelock", ())
    assert re.fullmatch(
        r"no end after [\d,]+ steps and [\d,]+ other operations \(bound: steps=\d+\); still running: alice, bob",
        message,
    )


def test_two_who_give_way_to_each_other_for_ever():
    """Each takes its own lock, tries the other's, and puts its own back: under some schedule for ever."""

    def polite(first, second):
        def act(locks):
            while True:
                with getattr(locks, first):
                    locks.step = first
                    if getattr(locks, second).acquire(False):
                        getattr(locks, second).release()
                        return

        return act

    class Polite(Locks):
        def __init__(self):
            super().__init__()
            self.step = ""

    actors = {"alice": polite("left", "third"), "bob": polite("third", "left")}
    assert explore(Polite, actors, schedules=200, strategy="random").failure is None
    found = explore(Polite, actors, steps=40, schedules=2000, strategy="random")
    told = r"livelock: no end after \d+ steps and \d+ other operations \(bound: steps=40\); still running: "
    assert re.fullmatch(told + r"(alice|bob|alice, bob)", str(found.failure))


# ------------------------------------------------------------ what is right is never reported


def wait_properly(bell):
    with bell.condition:
        while not bell.rung:
            bell.condition.wait()


def wait_by_predicate(bell):
    with bell.condition:
        bell.condition.wait_for(lambda: bell.rung)


def wait_with_patience(bell):
    with bell.condition:
        while not bell.condition.wait_for(lambda: bell.rung, timeout=0.1):
            pass


@pytest.mark.parametrize("wait", [wait_properly, wait_by_predicate, wait_with_patience, spin])
@pytest.mark.parametrize("strategy", ["random", "pct"])
def test_a_correct_wait_is_never_reported(wait, strategy):
    found = explore(Bell, [wait, wait, ring], schedules=300, strategy=strategy)
    assert (found.status, found.failure) == ("unknown", None)
    assert found.schedules == 300


def test_a_correct_order_of_locks_is_never_reported():
    found = explore(Locks, [left_then_right] * 3, schedules=200)
    assert (found.status, found.failure) == ("holds", None)
