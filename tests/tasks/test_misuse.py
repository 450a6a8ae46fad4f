"""What does not belong into a loop, or not into this thread: a finding or a line, never a hang."""

import asyncio
import socket
import threading
from types import SimpleNamespace

import pytest

from lab import explore, replay
from tests.tasks.test_findings import failing

HERE = "tests/tasks/test_misuse.py"


def line(text):
    with open(__file__) as file:
        return next(number for number, one in enumerate(file, 1) if text in one)


def foreign(what, who, where):
    return f"{what} is not thread-safe: {who} used it from another thread than the loop's at {HERE}:{line(where)}"


class Shared(SimpleNamespace):
    def __init__(self):
        super().__init__(
            loop=asyncio.get_running_loop(), gate=threading.Event(), event=asyncio.Event(), queue=asyncio.Queue()
        )


async def waits_for_a_future(shared):
    shared.future = shared.loop.create_future()
    shared.gate.set()
    await shared.future


async def waits_for_the_event(shared):
    await shared.event.wait()


async def only_yields(shared):
    await asyncio.sleep(0)


async def puts_and_yields(shared):
    shared.queue.put_nowait(1)
    shared.gate.set()
    await asyncio.sleep(0)


def sets_the_future(shared):
    shared.gate.wait()
    shared.future.set_result(1)  # the future


def sets_the_event(shared):
    shared.event.set()  # the event


def takes_from_the_queue(shared):
    shared.gate.wait()
    shared.queue.get_nowait()  # the queue


def calls_later(shared):
    shared.loop.call_later(1, print)  # later


@pytest.mark.parametrize(
    ("task", "thread", "what", "where"),
    [
        (waits_for_a_future, sets_the_future, "asyncio.Future.set_result()", "# the future"),
        (waits_for_the_event, sets_the_event, "asyncio.Event.set()", "# the event"),
        (puts_and_yields, takes_from_the_queue, "asyncio.Queue.get_nowait()", "# the queue"),
        (only_yields, calls_later, "loop.call_at()", "# later"),
    ],
)
@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_what_belongs_to_the_loop_is_used_from_a_thread(task, thread, what, where, carrier):
    found = failing({"task": task, "bob": thread}, setup=Shared, carrier=carrier)
    assert found.failure.message == foreign(what, "bob", where)
    again = replay(found.witness, Shared, {"task": task, "bob": thread})
    assert again.reason == f"fails again: {found.failure.message}"


def test_a_thread_may_use_a_queue_of_its_own_and_tell_the_loop():
    def fills(shared):
        mine = asyncio.Queue()
        mine.put_nowait(1)
        assert mine.get_nowait() == 1
        shared.loop.call_soon_threadsafe(shared.event.set)
        asyncio.run_coroutine_threadsafe(shared.queue.put(1), shared.loop).result()

    async def waits(shared):
        await shared.event.wait()
        await shared.queue.get()

    found = explore(Shared, {"task": waits, "bob": fills}, schedules=100)
    assert found.failure is None, str(found)


class Served:
    def __init__(self):
        self.gate = threading.Event()

    def serves(self):
        async def main():
            self.loop, self.queue = asyncio.get_running_loop(), asyncio.Queue()
            self.gate.set()
            await self.queue.get()

        asyncio.run(main())

    def puts(self):
        self.gate.wait()
        self.queue.put_nowait(1)  # into a queue of another loop

    def puts_safely(self):
        self.gate.wait()
        self.loop.call_soon_threadsafe(self.queue.put_nowait, 1)


@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_a_queue_of_a_loop_that_runs_in_another_thread(carrier):
    found = failing({"a": Served.serves, "b": Served.puts}, setup=Served, carrier=carrier)
    assert found.failure.message == foreign("loop.call_soon()", "b", "# into a queue of another loop")
    found = explore(Served, {"a": Served.serves, "b": Served.puts_safely}, schedules=30, carrier=carrier)
    assert found.failure is None, str(found)


def test_a_loop_in_each_thread_and_one_beside_tasks():
    class Counter:
        def __init__(self):
            self.value = 0

    async def adds(counter):
        value = counter.value
        await asyncio.sleep(0)
        counter.value = value + 1

    def runs(counter):
        asyncio.run(adds(counter))

    for actors in ({"a": runs, "b": runs}, {"a": adds, "b": runs}):
        judge = {"outcome": lambda counter: counter.value, "allowed": {2}}
        found = explore(Counter, actors, **judge, schedules=300)
        assert str(found.failure) == "outcome: outcome 1 (allowed: 2)"
        assert replay(found.witness, Counter, actors, **judge).reason == "fails again: outcome 1 (allowed: 2)"


def test_a_run_inside_of_a_run_in_a_thread():
    def nested(_):
        async def main():
            coroutine = only_yields(None)
            try:
                asyncio.run(coroutine)
            finally:
                coroutine.close()

        asyncio.run(main())

    told = "RuntimeError: asyncio.run() cannot be called from a running event loop left a"
    assert failing({"a": nested}, setup=SimpleNamespace).failure.message == told


def test_a_lock_that_is_never_awaited():
    async def forgets(shared):
        shared.lock = asyncio.Lock()
        shared.lock.acquire()
        await asyncio.sleep(0)

    told = "the coroutine Lock.acquire() was made by a and never awaited"
    assert failing({"a": forgets}, setup=SimpleNamespace).failure.message == told


def test_an_actor_that_catches_every_cancel_for_ever():
    async def sleeps(_):
        while True:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                pass

    async def waits(_):
        while True:
            try:
                await asyncio.Event().wait()
            except BaseException:
                pass

    failure = failing({"a": sleeps}, setup=SimpleNamespace, cancel=True, steps=500).failure
    assert failure.kind == "livelock"
    assert failure.message.endswith("(bound: steps=500); still running: a")
    assert failing({"a": waits}, setup=SimpleNamespace).failure.kind == "deadlock"


def test_an_actor_that_blocks_the_thread_in_a_socket_is_named_with_its_line():
    async def reads(_):
        one, other = socket.socketpair()
        with one, other:
            other.recv(1)  # blocks

    found = explore(SimpleNamespace, {"a": reads})
    assert found.status == "unknown"
    where = f"{HERE}:{line('# blocks')}"
    assert found.reason.startswith(f"something escaped control: {reads.__qualname__} ({where}) blocked outside control")
