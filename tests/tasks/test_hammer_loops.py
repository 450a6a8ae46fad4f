"""The loops that tasks are hammered on: noise on the stock one, uvloop where it is installed, and who may still go on."""

import asyncio
import random
import socket
import threading
import time
from importlib.util import find_spec

import pytest

from lab import hammer
from lab.hammering.loops import loops, may_go_on
from tests.tasks.programs import Counter, add, value

UVLOOP = find_spec("uvloop") is not None
NEEDS_UVLOOP = pytest.mark.skipif(not UVLOOP, reason="uvloop is not installed")
EACH = pytest.mark.parametrize("where", ["asyncio", pytest.param("uvloop", marks=NEEDS_UVLOOP)])


def made(where, noise=0.0):
    return loops()[where](random.Random(1), noise)


def test_there_are_as_many_as_are_installed():
    assert list(loops()) == ["asyncio", "uvloop"] if UVLOOP else ["asyncio"]


@NEEDS_UVLOOP
def test_rounds_are_run_on_each_loop_in_turn_and_told_apart():
    met = []

    def setup():
        kinds = type(asyncio.get_running_loop()).__mro__
        met.append("uvloop" if any(kind.__module__.startswith("uvloop") for kind in kinds) else "asyncio")
        return Counter()

    found = hammer(setup, [add, add], outcome=value, allowed={2}, rounds=8, noise=0)
    assert met == ["asyncio", "uvloop"] * 4
    assert found.notes[1:] == ("asyncio: 4 of 4 rounds (100 %)", "uvloop: 4 of 4 rounds (100 %)")
    assert str(found.failure) == "outcome: outcome 1 (allowed: 2)"


def orders(noise):
    """In which orders two readers are told of what has arrived for both."""
    found = set()

    async def reads():
        loop, pairs = asyncio.get_running_loop(), [socket.socketpair() for _ in range(2)]
        told = []
        for number, (reading, writing) in enumerate(pairs):
            loop.add_reader(reading, lambda number=number, reading=reading: told.append(number) or reading.recv(1))
            writing.send(b"x")
        while len(told) < 2:
            await asyncio.sleep(0)
        for reading, writing in pairs:
            loop.remove_reader(reading)
            reading.close()
            writing.close()
        found.add(tuple(told))

    with asyncio.Runner(loop_factory=lambda: made("asyncio", noise)) as runner:
        for _ in range(20):
            runner.run(reads())
    return found


def test_noise_varies_in_which_order_arrivals_are_noticed():
    assert len(orders(0.0)) == 1
    assert orders(0.5) == {(0, 1), (1, 0)}


def eventually(asked):
    """What is said once a thread that has just begun has come to where it waits."""
    until = time.monotonic() + 5
    while asked() and time.monotonic() < until:
        time.sleep(0.01)
    return asked()


@EACH
def test_who_may_still_go_on(where):
    threads = frozenset(thread.ident for thread in threading.enumerate())
    loop = made(where)
    answers = []

    def asks(until):
        answers.append(may_go_on(loop, threads))
        until.set_result(None)

    async def main():
        until = loop.create_future()
        loop.call_soon(asks, until)
        await until
        timer = loop.call_later(60, print)
        until = loop.create_future()
        loop.call_soon(asks, until)
        await until
        timer.cancel()
        assert not may_go_on(loop, threads)
        gate = threading.Event()
        helper = threading.Thread(target=gate.wait)
        helper.start()
        assert not eventually(lambda: may_go_on(loop, threads))  # who waits for the others helps nobody
        gate.set()
        helper.join()
        helper = threading.Thread(target=time.sleep, args=(0.5,))
        helper.start()
        answers.append(may_go_on(loop, threads))
        helper.join()
        assert not may_go_on(loop, threads)
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        waits = loop.create_task(loop.sock_recv(reading, 1))
        await asyncio.sleep(0)
        answers.append(may_go_on(loop, threads))
        writing.send(b"x")
        assert await waits == b"x"
        reading.close()
        writing.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    assert answers == [False, True, True, True]
