"""Locks, memory, pipes and queues of `multiprocessing`."""

import mmap
import multiprocessing as mp
from pathlib import Path
from types import SimpleNamespace

import pytest

import lab
from tests.processes.programs import both

OLDER = mp.Lock()


def explore(setup, actors, **options):
    return lab.explore(setup, actors, on="processes", strategy="dpor", seconds=60, **options)


def state(**parts):
    return lambda: SimpleNamespace(**{name: make() for name, make in parts.items()})


def seen():
    return Path("seen").read_text()


def note(text):
    Path("seen").write_text(str(text))


def in_turn(shared):
    with shared.lock:
        with open("order", "a") as file:
            file.write(mp.current_process().name[0])


@pytest.mark.parametrize("make", [mp.Lock, mp.RLock, mp.Semaphore, mp.BoundedSemaphore, mp.Condition])
def test_who_takes_turns_has_one_class_for_each_order(make):
    actors = {"alice": in_turn, "bob": in_turn, "carol": in_turn}
    verdict = explore(state(lock=make), actors, outcome=lambda shared: Path("order").read_text())
    assert (verdict.status, verdict.schedules) == ("holds", 6)
    assert set(verdict.outcomes) == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_a_lock_from_before_the_exploration():
    def add(shared):
        with OLDER:
            shared.value += 1

    verdict = explore(lambda: mp.RawValue("i", 0), both(add), outcome=lambda shared: shared.value)
    assert (verdict.status, verdict.schedules, verdict.outcomes) == ("holds", 2, {2: 2})
    assert OLDER.acquire(False)
    OLDER.release()


def add_one(shared):
    shared.value += 1


def test_a_value_has_a_lock_for_each_access_and_none_for_both():
    verdict = explore(lambda: mp.Value("i", 0), both(add_one), outcome=lambda shared: shared.value)
    assert (verdict.status, verdict.schedules, verdict.outcomes) == ("holds", 6, {1: 4, 2: 2})


def test_a_value_under_its_lock():
    def add(shared):
        with shared.get_lock():
            shared.value += 1

    verdict = explore(lambda: mp.Value("i", 0), both(add), outcome=lambda shared: shared.value)
    assert (verdict.status, verdict.schedules, verdict.outcomes) == ("holds", 2, {2: 2})


def test_a_lost_update_of_a_value_without_a_lock():
    verdict = explore(lambda: mp.RawValue("i", 0), both(add_one), outcome=lambda shared: shared.value, allowed={2})
    assert (verdict.status, verdict.witness.pattern) == ("fails", "lost update")
    assert [step.what for step in verdict.witness.trace.steps] == [
        *("reads shared 0", "reads shared 0", "writes shared 1", "writes shared 1")
    ]
    again = lab.replay(
        verdict.witness, lambda: mp.RawValue("i", 0), both(add_one), outcome=lambda shared: shared.value, allowed={2}
    )
    assert again.reason.startswith("fails again")


def test_elements_of_an_array_are_told_apart():
    def add(position):
        def run(shared):
            shared[position] += 1

        return run

    def outcome(shared):
        return tuple(shared)

    apart = explore(lambda: mp.RawArray("i", 2), {"alice": add(0), "bob": add(1)}, outcome=outcome)
    assert (apart.status, apart.schedules, apart.outcomes) == ("holds", 1, {(1, 1): 1})
    same = explore(lambda: mp.RawArray("i", 2), {"alice": add(0), "bob": add(0)}, outcome=outcome)
    assert (same.status, same.outcomes.keys()) == ("holds", {(1, 0), (2, 0)})


def test_slices_and_texts_of_arrays():
    def write(shared):
        shared[1:3] = [5, 6]

    def read(shared):
        note(list(shared))

    verdict = explore(lambda: mp.RawArray("i", 3), {"alice": write, "bob": read}, outcome=lambda shared: seen())
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", {"[0, 0, 0]", "[0, 5, 6]", "[0, 0, 6]"})

    def text(shared):
        shared.value = b"hi"

    verdict = explore(lambda: mp.Array("c", 4), {"alice": text}, outcome=lambda shared: shared.value)
    assert (verdict.status, verdict.outcomes) == ("holds", {b"hi": 1})


def test_two_locks_in_two_orders():
    def take(one, other):
        def run(shared):
            with getattr(shared, one), getattr(shared, other):
                pass

        return run

    verdict = explore(state(a=mp.Lock, b=mp.Lock), {"alice": take("a", "b"), "bob": take("b", "a")})
    assert (verdict.failure.kind, verdict.failure.message) == (
        "deadlock",
        "alice waits for shared.b of bob, bob waits for shared.a of alice",
    )


def test_a_notification_that_nobody_waits_for_yet():
    def wait(shared):
        with shared:
            shared.wait()

    def notify(shared):
        with shared:
            shared.notify()

    verdict = explore(mp.Condition, {"alice": wait, "bob": notify})
    assert verdict.failure.kind == "lost wakeup"


def test_an_event_orders():
    def first(shared):
        note("first")
        shared.set()

    def second(shared):
        shared.wait()
        note("second")

    verdict = explore(mp.Event, {"alice": first, "bob": second}, outcome=lambda shared: seen())
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", {"second"})


def test_a_barrier():
    def meet(shared):
        shared.wait()

    verdict = explore(lambda: mp.Barrier(2), both(meet))
    assert verdict.status == "holds"
    alone = explore(lambda: mp.Barrier(2), {"alice": meet})
    assert alone.status == "fails"


def test_a_try_and_a_timeout():
    def hold(shared):
        with shared.lock:
            Path("held").touch()

    def attempt(shared):
        taken = shared.lock.acquire(timeout=1)
        note(taken)
        if taken:
            shared.lock.release()

    verdict = explore(state(lock=mp.Lock), {"alice": hold, "bob": attempt}, outcome=lambda shared: seen())
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", {"True", "False"})


def test_pipes_and_simple_queues():
    def ask(shared):
        shared.pipe[0].send("hi")
        shared.queue.put(shared.pipe[0].recv())

    def answer(shared):
        shared.pipe[1].send(shared.pipe[1].recv() + "!")
        note(shared.queue.get())

    shared = state(pipe=mp.Pipe, queue=mp.SimpleQueue)
    verdict = explore(shared, {"alice": ask, "bob": answer}, outcome=lambda shared: seen())
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", {"hi!"})


def test_nobody_puts_anything_there():
    verdict = explore(mp.SimpleQueue, {"alice": lambda shared: shared.get()})
    assert (verdict.failure.kind, verdict.failure.message.split(" in ")[0]) == ("deadlock", "alice waits for an item")


def test_two_consumers_of_one_item():
    def take(shared):
        if not shared.queue.empty():
            shared.queue.get()

    def setup():
        shared = SimpleNamespace(queue=mp.SimpleQueue())
        shared.queue.put(1)
        return shared

    assert explore(setup, both(take)).failure.kind == "deadlock"


def test_a_queue_brings_what_it_is_given():
    def put(shared):
        shared.put(1)

    def get(shared):
        note(shared.get())

    verdict = explore(mp.Queue, {"alice": put, "bob": get}, outcome=lambda shared: seen())
    assert verdict.outcomes.keys() == {"1"}
    assert verdict.status in ("holds", "unknown")


def test_memory_that_was_shared_before_setup_is_named():
    with mmap.mmap(-1, 1) as memory:

        def add(state):
            current = memory[0]
            memory[0] = current + 1

        def outcome(state):
            return memory[0]

        verdict = explore(lambda: memory.__setitem__(0, 0), both(add), outcome=outcome)
    assert verdict.status == "unknown"
    assert verdict.uncontrolled == ("memory that processes share was mapped before setup, which is not under control",)
    assert explore(dict, both(len)).status == "holds"  # it is no more


def leaves_taken(lock):
    def actor(state):
        if lock.acquire(block=False):
            note("took")

    return actor


def sets(event):
    return lambda state: event.set()


def gives_back(lock):
    def actor(state):
        with lock:
            note("took")

    return actor


@pytest.mark.parametrize(
    ("thing", "actor", "status"),
    [(mp.Lock, leaves_taken, "unknown"), (mp.Event, sets, "unknown"), (mp.BoundedSemaphore, gives_back, "holds")],
    ids=["lock", "event", "semaphore"],
)
def test_what_setup_does_not_make_has_to_be_left_as_it_was(thing, actor, status):
    older = thing()
    verdict = explore(lambda: note(""), both(actor(older)))
    assert verdict.status == status, str(verdict)
    told = (
        "setup does not make everything anew: a lock or semaphore that it did not make is not as the execution before"
    )
    assert (told in verdict.reason) == (status == "unknown")


def test_a_lock_that_setup_makes_but_once_has_to_be_left_as_it_was():
    made = []

    def setup():
        note("")
        if not made:
            made.append(mp.Lock())

    def actor(state):
        leaves_taken(made[0])(state)

    assert explore(setup, both(actor)).status == "unknown"


LARGE = b"x" * 200_000


def put_large(shared):
    shared.queue.put(LARGE)
    shared.done.set()


def wait_and_get(shared):
    shared.done.wait()
    note(len(shared.queue.get()))


def test_what_the_thread_of_a_queue_sends_meanwhile_is_no_deadlock():
    shared = state(queue=mp.Queue, done=mp.Event)
    verdict = explore(shared, {"alice": put_large, "bob": wait_and_get}, outcome=lambda shared: seen())
    assert (verdict.status, verdict.outcomes.keys()) == ("unknown", {"200000"})  # the thread is no actor

    def get_and_tell(shared):
        note(len(shared.queue.get()))
        shared.done.set()

    def put_and_wait(shared):
        shared.queue.put(LARGE)
        shared.done.wait()

    verdict = explore(shared, {"alice": put_and_wait, "bob": get_and_tell}, outcome=lambda shared: seen())
    assert verdict.status == "unknown"
    assert "waits while a thread of its own sends what it put into shared.queue" in verdict.reason


def test_a_large_message_waits_for_room():
    verdict = explore(state(queue=mp.SimpleQueue, done=mp.Event), {"alice": put_large, "bob": wait_and_get})
    assert verdict.status == "fails"
    assert any("waits for room in shared.queue" in line for line in verdict.failure.detail)

    def get(shared):
        note(len(shared.queue.get()))

    verdict = explore(state(queue=mp.SimpleQueue, done=mp.Event), {"alice": put_large, "bob": get})
    assert verdict.status == "unknown"  # it is sent in pieces, between which others may come


def test_two_large_items_come_in_their_order():
    def put(shared):
        shared.queue.put(LARGE)
        shared.queue.put(2)

    def get(shared):
        assert shared.queue.get() == LARGE
        note(shared.queue.get())

    verdict = explore(state(queue=mp.Queue), {"alice": put, "bob": get}, outcome=lambda shared: seen())
    assert verdict.outcomes.keys() == {"2"}
