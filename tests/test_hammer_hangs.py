"""What `hammer` finds when threads hang, and that it ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hammer_programs import (
    Box,
    leave_by,
    nothing,
    nothing_left_behind,  # noqa: F401 - used by every test
    wait_for_notification,
)

from lab import hammer
from lab.hammering import pool as hammering
from lab.hammering import standstill

# ------------------------------------------------------------ hangs


def first_then_second(state: Box) -> None:
    with state.first:
        with state.second:
            pass


def second_then_first(state: Box) -> None:
    with state.second:
        with state.first:
            pass


def meet_in_deadlock(state: Box, mine: Any, other: Any) -> None:
    with mine:
        state.both.wait()  # so that the deadlock needs no luck
        with other:
            pass


@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock])
@pytest.mark.parametrize("noise", [0, 0.5])
def test_a_deadlock_is_found_and_ended(kind: Any, noise: float) -> None:
    def setup() -> Box:
        return Box(first=kind(), second=kind(), both=threading.Barrier(2))

    def alice(state: Box) -> None:
        meet_in_deadlock(state, state.first, state.second)

    def bob(state: Box) -> None:
        meet_in_deadlock(state, state.second, state.first)

    verdict = hammer(setup, {"alice": alice, "bob": bob}, noise=noise, seconds=5)
    assert verdict.schedules == 1
    assert verdict.status == "fails"
    assert verdict.outcomes == {"deadlock": 1}
    assert verdict.reason == "1 of 1 round failed; the last one hung, which ended the run"
    assert verdict.failure is not None
    assert verdict.failure.kind == "deadlock"
    line = meet_in_deadlock.__code__.co_firstlineno + 3
    place = f"test_hammer_hangs.py:{line} (with other:)"
    assert verdict.failure.message == f"alice waits at {place}, bob waits at {place}"
    assert [line.rpartition(" in ")[2] for line in verdict.failure.detail] == [
        "test_a_deadlock_is_found_and_ended.<locals>.alice",
        "meet_in_deadlock",
        "test_a_deadlock_is_found_and_ended.<locals>.bob",
        "meet_in_deadlock",
    ]


def test_noise_alone_finds_a_deadlock() -> None:
    def setup() -> Box:
        return Box(first=threading.Lock(), second=threading.Lock())

    verdict = hammer(setup, {"alice": first_then_second, "bob": second_then_first}, seconds=5)
    assert verdict.failure is not None
    assert verdict.failure.kind == "deadlock"


_LEFT_LOCKED = threading.Lock()


def acquire_for_good(state: object) -> None:
    _LEFT_LOCKED.acquire()


def join_stuck_child(state: Box) -> None:
    child = threading.Thread(target=wait_for_notification, args=(state,))
    child.start()
    child.join()


def acquire_twice(state: Box) -> None:
    with state.lock, state.lock:
        pass


def wait_in_a_full_pool(state: Box) -> None:
    pool = ThreadPoolExecutor(1)
    pool.submit(lambda: pool.submit(nothing, state).result()).result()


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (wait_in_a_full_pool, "deadlock"),
        (lambda state: state.queue.get(), "deadlock"),
        (lambda state: state.simple.get(), "deadlock"),
        (lambda state: state.event.wait(), "deadlock"),
        (lambda state: state.barrier.wait(), "deadlock"),
        (lambda state: state.semaphore.acquire(), "deadlock"),
        (acquire_twice, "deadlock"),
        (join_stuck_child, "deadlock"),
        (lambda _: asyncio.run(asyncio.Event().wait()), "deadlock"),
        (wait_for_notification, "lost wakeup"),
    ],
)
def test_whatever_an_actor_waits_for_it_is_ended(actor: Any, kind: str) -> None:
    def setup() -> Box:
        return Box(
            queue=queue.Queue(),
            simple=queue.SimpleQueue(),
            event=threading.Event(),
            barrier=threading.Barrier(2),
            semaphore=threading.Semaphore(0),
            lock=threading.Lock(),
            condition=threading.Condition(),
        )

    verdict = hammer(setup, {"alice": actor, "bob": nothing})
    assert verdict.failure is not None
    assert verdict.failure.kind == kind
    assert verdict.failure.message.startswith(f"alice waits at {Path(actor.__code__.co_filename).name}:")
    assert not any(note.startswith("left alive") for note in verdict.notes)


def test_a_lock_of_the_module_is_free_again() -> None:
    verdict = hammer(Box, {"alice": acquire_for_good, "bob": acquire_for_good})
    assert verdict.failure is not None
    assert verdict.failure.kind == "deadlock"
    assert not _LEFT_LOCKED.locked()


def test_spinning_is_a_livelock() -> None:
    def spin(state: Box) -> None:
        while not state.ready:
            pass

    verdict = hammer(lambda: Box(ready=False), {"alice": spin, "bob": nothing})
    assert verdict.failure is not None
    assert verdict.failure.kind == "livelock"
    line = spin.__code__.co_firstlineno + 1
    place = rf"alice is still at test_hammer_hangs.py:({line} \(while not state.ready:\)|{line + 1} \(pass\))"
    assert re.fullmatch(f"nothing new happens any more: {place}", verdict.failure.message)


def test_spinning_on_nothing_is_a_livelock_where_only_one_instruction_is_ever_seen() -> None:
    def spin(state: Box) -> None:
        while True:
            pass

    verdict = hammer(lambda: Box(ready=False), {"alice": spin, "bob": nothing})
    assert verdict.failure is not None, str(verdict)
    assert verdict.failure.kind == "livelock"


def sleeps_long(state: Box) -> None:
    time.sleep(4)


def waits_long(state: Box) -> None:
    threading.Event().wait(4)


def reads(state: Box) -> None:
    state.one.recv(1)


@pytest.mark.parametrize("actor", [sleeps_long, waits_long, reads], ids=lambda actor: actor.__name__)
def test_a_call_that_may_come_back_is_no_finding(actor: Callable[[Box], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it one of those who wait for it."""
    monkeypatch.setattr(hammering, "_PATIENCE", 0.3)
    made: list[socket.socket] = []

    def setup() -> Box:
        made.extend(socket.socketpair())
        return Box(one=made[-2], other=made[-1], lock=threading.Lock())

    def holds(state: Box) -> None:
        with state.lock:
            actor(state)

    def wants(state: Box) -> None:
        with state.lock:
            pass

    def teardown(state: Box) -> None:
        state.other.send(b"x")

    for actors in ({"alice": actor, "bob": nothing}, {"alice": holds, "bob": wants}):
        verdict = hammer(setup, actors, teardown=teardown)
        assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
        assert "may still come back" in verdict.reason
    for one in made:  # whoever reads comes back
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join()
    for one in made:
        one.close()


def test_slow_actors_are_not_stuck() -> None:
    def works(state: Box) -> None:
        until = time.perf_counter() + 0.6
        while time.perf_counter() < until:
            state.turns += 1

    def sleeps(state: Box) -> None:
        time.sleep(0.6)

    def waits_with_timeout(state: Box) -> None:
        state.event.wait(timeout=0.6)

    def waits_for_a_sleeper(state: Box) -> None:
        child = threading.Thread(target=time.sleep, args=(0.6,))
        child.start()
        child.join()

    def sleeps_in_a_loop(state: Box) -> None:
        asyncio.run(asyncio.sleep(0.6))

    def reads_in_a_loop(state: Box) -> None:
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        threading.Timer(0.6, writing.send, (b"x",)).start()

        async def reads() -> bytes:
            return await asyncio.get_running_loop().sock_recv(reading, 1)

        with reading, writing:
            assert asyncio.run(reads()) == b"x"

    actors = [works, sleeps, waits_with_timeout, waits_for_a_sleeper, sleeps_in_a_loop, reads_in_a_loop]
    verdict = hammer(lambda: Box(turns=0, event=threading.Event()), actors, rounds=1)
    assert verdict.status == "unknown"
    assert verdict.overlap == 1


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system does not tell who sleeps")
@pytest.mark.parametrize("helped", [False, True])
def test_threads_that_sleep_are_given_less_time_if_nobody_may_help(
    helped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(standstill.GRACE, "waits", 1.5)
    monkeypatch.setattr(standstill, "ASLEEP", 0.2)
    event = threading.Event()

    def help_late() -> None:
        time.sleep(0.8)
        event.set()

    helper = threading.Thread(target=help_late)
    if helped:
        helper.start()
    began = time.monotonic()
    verdict = hammer(Box, [lambda _: event.wait(), nothing], rounds=1)
    taken = time.monotonic() - began
    if helped:
        helper.join()
        assert verdict.failure is None
        assert taken > 0.7
    else:
        assert verdict.status == "fails"
        assert taken < 1.4


def test_a_round_without_end_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "ENDLESS", 0.5)

    def counts(state: Box) -> None:
        state.turns = 0
        while True:
            state.turns += 1

    verdict = hammer(Box, {"alice": counts, "bob": nothing}, noise=0)
    assert verdict.status == "unknown"
    assert verdict.schedules == 0
    first = counts.__code__.co_firstlineno
    lines = {first + 2: "while True:", first + 3: "state.turns += 1"}  # it may be seen at either
    told = [f"alice is at test_hammer_hangs.py:{line} ({source})" for line, source in lines.items()]
    assert verdict.reason.removeprefix("no end after 0 s, although it goes on: ").startswith(tuple(told))
    assert verdict.reason.endswith("; before that, 0 of 0 rounds failed")


def test_an_exception_is_the_reason_for_a_hang() -> None:
    def setup() -> Box:
        return Box(condition=threading.Condition())

    verdict = hammer(setup, {"alice": wait_for_notification, "bob": leave_by(KeyError("k"))})
    assert str(verdict.failure) == "exception: KeyError: 'k' left bob"
    assert verdict.failure is not None
    assert verdict.failure.detail[1].startswith("lost wakeup: alice waits at hammer_programs.py:")
    assert verdict.outcomes == {"KeyError: 'k'": 1}


def call_profiled() -> None:
    sys.setprofile(lambda *_: None)
    nothing(None)


def test_a_thread_that_cannot_be_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hammering, "_PATIENCE", 0.3)
    reading, writing = os.pipe()  # nothing reaches a thread inside the operating system

    def stubborn(state: object) -> None:
        os.read(reading, 1)

    verdict = hammer(Box, {"alice": stubborn, "bob": nothing})
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    line = stubborn.__code__.co_firstlineno + 1
    place = f"test_hammer_hangs.py:{line} (os.read(reading, 1))"
    assert re.sub(r"\d s:", "1 s:", verdict.reason) == (
        f"no end after 1 s: alice is at {place}; the call at {place} may still come back; "
        "before that, 0 of 0 rounds failed"
    )
    assert verdict.notes[-1] == "left alive: the thread of alice could not be ended"
    (left,) = set(threading.enumerate()) - {threading.current_thread()}
    assert left.daemon
    profiled = threading.Thread(target=call_profiled, daemon=True)  # on 3.11 it hung, as did whoever was traced
    profiled.start()
    profiled.join(5)
    hangs = profiled.is_alive()
    os.write(writing, b"x")
    left.join()
    os.close(reading)
    os.close(writing)
    assert not hangs
