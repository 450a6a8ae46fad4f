"""What can go wrong with tasks beside a wrong outcome: each is a finding, told in one line."""

import asyncio
import time
from pathlib import Path

import pytest

from lab import explore
from tests.tasks.programs import Counter, add, add_in_thread

HERE = "tests/tasks/test_findings.py"


def failing(actors, setup=Counter, **options):
    found = explore(setup, actors, **{"schedules": 400, "seconds": 30, **options})
    assert found.status == "fails", str(found)
    return found


def line(text):
    with open(__file__) as file:
        return next(number for number, one in enumerate(file, 1) if text in one)


async def sleeps(counter):
    await asyncio.sleep(1)


def test_an_exception_that_leaves_a_task():
    async def fails(counter):
        await asyncio.sleep(0)
        raise ValueError("no")

    assert str(failing([fails]).failure) == "exception: ValueError: no left alice"


def test_a_deadlock_of_two_locks_tells_who_holds_what():
    async def one(counter):
        async with counter.lock:
            await asyncio.sleep(0)
            async with counter.other:  # one waits
                pass

    async def two(counter):
        async with counter.other:
            await asyncio.sleep(0)
            async with counter.lock:  # two waits
                pass

    failure = failing([one, two]).failure
    assert failure.kind == "deadlock"
    assert "alice waits for counter.other of bob" in failure.message
    assert "bob waits for counter.lock of alice" in failure.message
    assert f"alice waits for counter.other at test_findings.py:{line('# one waits')}; bob holds it" in failure.detail[0]


def test_an_event_that_nobody_sets():
    async def waits(counter):
        await counter.event.wait()

    failure = failing([waits]).failure
    assert str(failure) == "deadlock: alice waits for the event counter.event, and no one is left to set it"


def test_an_event_that_was_set_too_early_is_a_lost_wakeup():
    async def waits(counter):
        counter.event.clear()
        await counter.event.wait()

    async def sets(counter):
        counter.event.set()

    failure = failing([waits, sets]).failure
    assert str(failure) == "lost wakeup: alice waits on counter.event, and no one is left to set it"


def test_a_task_that_waits_for_a_child_that_waits():
    async def waits(counter):
        async def child():
            await counter.queue.get()

        await asyncio.create_task(child())

    failure = failing([waits]).failure
    assert failure.message == "child waits for an item in counter.queue, and no one is left to put one there"
    assert failure.detail[0].startswith("alice waits for the end of child at ")


def test_a_lost_wakeup_of_a_notified_waiter_that_is_cancelled():
    async def waits(counter):
        async with counter.ready:
            while not counter.items:
                await counter.ready.wait()
            counter.items -= 1

    async def gives(counter):
        async with counter.ready:
            counter.items += 1
            counter.ready.notify()

    class Store:
        def __init__(self):
            self.ready = asyncio.Condition()
            self.items = 0

    assert explore(Store, {"alice": waits, "gives": gives}, schedules=400).status == "holds"

    async def takes_one(counter):
        async with counter.ready:
            while not counter.items:
                await counter.ready.wait()

    found = explore(Store, {"a": waits, "b": takes_one, "gives": gives}, cancel=("a",), schedules=3_000, seconds=30)
    assert found.failure.kind in ("lost wakeup", "deadlock"), str(found)


def test_a_swallowed_cancel():
    async def swallows(counter):
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            pass

    message = "alice was cancelled and ended as if it had not been: CancelledError is lost"
    found = failing([swallows], cancel=True)
    assert found.failure.message == message
    assert any(step.word == "is cancelled" for step in found.witness.trace.steps)
    assert explore(Counter, [sleeps], cancel=True).status == "holds"


def test_a_cancel_in_the_middle_is_found_and_replayed():
    async def moves(counter):
        counter.value += 1
        await asyncio.sleep(0)
        counter.value -= 1

    def check(counter):
        assert counter.value == 0, "half done"

    from lab import replay

    found = failing({"worker": moves, "bob": add_nothing}, cancel=("worker",), check=check)
    assert str(found.failure) == "check: half done"
    again = replay(found.witness, Counter, {"worker": moves, "bob": add_nothing}, check=check)
    assert again.reason == "fails again: half done"
    assert explore(Counter, {"worker": moves, "bob": add_nothing}, check=check).status == "holds"


async def add_nothing(counter):
    await asyncio.sleep(0)


def test_a_child_task_that_failed_unnoticed():
    async def fails():
        raise ValueError("no")

    async def starts(counter):
        counter.child = asyncio.create_task(fails(), name="child")
        await asyncio.sleep(0)

    assert failing([starts]).failure.message == "ValueError: no ended child, and nobody looked"


def test_an_exception_of_a_callback():
    async def starts(counter):
        asyncio.get_running_loop().call_soon(int, "x")
        await asyncio.sleep(0)

    assert "left loop" in failing([starts]).failure.message


def test_a_coroutine_that_is_never_awaited():
    async def forgets(counter):
        add(counter)
        await asyncio.sleep(0)

    message = failing([forgets]).failure.message
    assert message.startswith("the coroutine add() (")
    assert message.endswith(") was made by alice and never awaited")


def test_a_queue_used_from_a_thread():
    async def gets(counter):
        await counter.queue.get()

    def puts(counter):
        counter.queue.put_nowait(1)  # from a thread

    message = failing({"alice": gets, "bob": puts}).failure.message
    assert message.startswith("asyncio.Queue.put_nowait() is not thread-safe: bob used it from another thread")
    assert message.endswith(f"test_findings.py:{line('# from a thread')}")


@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_a_blocking_sleep_is_noted_with_its_line(carrier):
    async def blocks(counter):
        time.sleep(3)  # blocks

    found = explore(Counter, {"alice": blocks, "bob": add}, carrier=carrier)
    assert found.status == "holds", str(found)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("blocking: alice sleeps (")
    assert f"test_findings.py:{line('# blocks')})" in found.notes[0]


def test_a_nested_run():
    async def nested(counter):
        asyncio.run(add(counter))

    failure = failing([nested]).failure
    assert failure.message == "RuntimeError: asyncio.run() cannot be called from a running event loop left alice"


def test_an_actor_that_closes_the_loop():
    async def closes(counter):
        asyncio.get_running_loop().close()

    assert failing([closes]).failure.message == "RuntimeError: Cannot close a running event loop left alice"


def test_an_actor_that_stops_the_loop():
    async def stops(counter):
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)

    assert failing([stops]).failure.message == "RuntimeError: Event loop stopped before Future completed."


def test_a_child_that_catches_every_cancel_is_no_hang():
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                pass

    async def starts(counter):
        counter.child = asyncio.create_task(stubborn(), name="child")
        await asyncio.sleep(0)

    assert str(failing([starts]).failure) == "livelock: child goes on although it is cancelled"


def test_an_endless_loop_of_yields_is_a_livelock():
    async def spins(counter):
        while not counter.value:
            await asyncio.sleep(0)

    assert failing([spins], steps=500).failure.kind == "livelock"


def test_a_task_that_takes_a_lock_of_threads_across_an_await():
    import threading

    class Shared:
        def __init__(self):
            self.lock = threading.Lock()

    async def holds(shared):
        with shared.lock:
            await asyncio.sleep(0)

    failure = failing([holds, holds], setup=Shared).failure
    assert failure.kind == "deadlock"
    assert "shared.lock" in failure.message


def test_threads_of_the_program_that_never_end_are_told():
    def waits(counter):
        counter.gate.acquire()

    class Gate(Counter):
        def __init__(self):
            import threading

            super().__init__()
            self.gate = threading.Semaphore(0)

    async def calls(counter):
        await asyncio.to_thread(waits, counter)

    assert failing([calls], setup=Gate).failure.kind == "deadlock"
    assert failing({"a": add_nothing, "b": waits}, setup=Gate).failure.kind == "deadlock"


def test_a_mixed_program_that_is_right_has_no_finding():
    found = explore(Counter, {"alice": add_nothing, "bob": add_in_thread}, schedules=50)
    assert found.status == "unknown", str(found)


def test_a_step_of_a_task_that_is_all_library_has_its_own_line():
    async def gets(shared):
        taken = asyncio.create_task(shared.get())
        await asyncio.sleep(0)
        shared.put_nowait(1)
        await taken
        raise ValueError("at the end")

    found = explore(asyncio.Queue, {"gets": gets})
    (step,) = (step for step in found.witness.trace.steps if step.word == "gets")
    assert (step.actor, Path(step.place.file).name) == ("get", "queues.py")
