"""Pools of `multiprocessing`, `sched`, `logging`, and what draws names and numbers."""

from __future__ import annotations

import io
import logging
import logging.handlers
import queue
import random
import sched
import secrets
import tempfile
import threading
import time
import uuid
from multiprocessing.pool import ThreadPool

import pytest

from tests.controlled import marked
from tests.library.judging import (
    BUDGET,
    State,
    both_counted,
    finds,
    guarded_increment,
    increment,
    is_not_reported,
)


def setup():
    return State(value=0, lock=threading.Lock(), seen=[])


def pool_map(pool, act, state):
    pool.map(act, [state, state])


def pool_apply(pool, act, state):
    for result in [pool.apply_async(act, (state,)) for _ in range(2)]:
        result.get()


def pool_imap(pool, act, state):
    for _ in pool.imap_unordered(act, [state, state]):
        pass


def pool_close(pool, act, state):
    pool.apply_async(act, (state,))
    pool.apply_async(act, (state,))
    pool.close()
    pool.join()


def pool_callback(pool, act, state):
    pool.apply_async(len, ("",), callback=lambda _: act(state))
    act(state)
    pool.close()
    pool.join()


POOLS = {
    "map": pool_map,
    "apply_async": pool_apply,
    "imap_unordered": pool_imap,
    "close and join": pool_close,
    "callback": pool_callback,
}


def in_pool(use, act):
    def alice(state):
        with ThreadPool(2) as pool:
            use(pool, act, state)

    return {"alice": alice}


@pytest.mark.parametrize("use", POOLS.values(), ids=POOLS)
def test_a_pool_of_threads(use):
    """It has three threads of its own beside those that work, so one carrier has to do for most uses."""
    finds("greenlet", setup, in_pool(use, increment), both_counted, replays=False)
    is_not_reported("greenlet", setup, in_pool(use, guarded_increment), both_counted, because=BUDGET, schedules=8)


def test_a_pool_of_threads_on_threads():
    finds("thread", setup, in_pool(pool_close, increment), both_counted)
    is_not_reported("thread", setup, in_pool(pool_close, guarded_increment), both_counted, because=BUDGET, schedules=8)


def scheduling(act):
    def actor(state):
        state.scheduler.run()

    def make():
        state = setup()
        state.scheduler = sched.scheduler(time.monotonic, time.sleep)
        for _ in range(2):
            state.scheduler.enter(1, 1, act, (state,))
        return state

    return make, {"alice": actor, "bob": actor}


def test_a_scheduler_that_two_run(carrier):
    finds(carrier, *scheduling(increment), both_counted)
    is_not_reported(carrier, *scheduling(guarded_increment), both_counted, because=r"no failure in .*", schedules=20)


class NoLock:
    """Keeps nobody out."""

    def acquire(self):
        pass

    def release(self):
        pass

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


class Racy(logging.Handler):
    """Keeps no lock."""

    def createLock(self):
        self.lock = NoLock()

    def __init__(self, state):
        super().__init__()
        self.state = state

    def emit(self, record):
        current = self.state.value
        self.state.value = current + 1  # emitted


class Guarded(Racy):
    """Keeps the lock that every handler has."""

    def createLock(self):
        logging.Handler.createLock(self)


class Rotating(logging.StreamHandler):
    """Begins anew after each record, as a file that has grown too large does."""

    def __init__(self, state):
        super().__init__(io.StringIO())
        self.full = []

    def emit(self, record):
        super().emit(record)
        self.full.append(self.stream.getvalue())
        self.stream = io.StringIO()


def logging_to(kind):
    def make():
        state = setup()
        state.logger = logging.Logger("shop")
        state.handler = kind(state)
        state.logger.addHandler(state.handler)
        return state

    return make


def log(state):
    state.logger.warning("sold %s", 1)


CLOCK = r".* (time\.time|time\.time_ns)\(\) called, and the clock showed only times that pass while nothing is slow"


def test_handlers(carrier):
    finds(carrier, logging_to(Racy), [log, log], both_counted, at=marked(__file__, "emitted"))
    is_not_reported(carrier, logging_to(Guarded), [log, log], both_counted, because=r".*")
    is_not_reported(
        carrier,
        logging_to(Rotating),
        [log, log],
        lambda state: state.handler.full == ["sold 1\n"] * 2,
        because=r".*",
    )


def test_a_level_that_another_changes(carrier):
    def silence(state):
        state.logger.setLevel(logging.ERROR)

    for value in (0, 1):
        check = [lambda state: state.value == 0, lambda state: state.value == 1][value]
        finds(carrier, logging_to(Guarded), [log, silence], check, trace=("logging",))


def test_a_handler_that_puts_into_a_queue(carrier):
    def make():
        state = setup()
        state.queue = queue.SimpleQueue()
        state.logger = logging.Logger("shop")
        state.logger.addHandler(logging.handlers.QueueHandler(state.queue))
        return state

    def listen(handler):
        def alice(state):
            listener = logging.handlers.QueueListener(state.queue, handler(state))
            listener.start()
            log(state)
            log(state)
            if handler is Guarded:
                listener.stop()

        return {"alice": alice}

    finds(carrier, make, listen(Racy), both_counted)
    is_not_reported(carrier, make, listen(Guarded), both_counted, because=r".*", schedules=20)


DRAWN = {
    "random": lambda: random.random(),
    "uuid": lambda: uuid.uuid4().hex,
    "secrets": lambda: secrets.token_hex(8),
    "tempfile": lambda: next(tempfile._RandomNameSequence()),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_what_is_drawn_is_the_same_in_every_execution(carrier, draw):
    def act(state):
        state.seen.append(draw())
        increment(state)

    def guarded(state):
        with state.lock:
            act(state)

    finds(carrier, setup, [act, act], both_counted)
    told = r".*, and random numbers were the same in every execution"
    is_not_reported(carrier, setup, [guarded] * 2, lambda state: len({*state.seen}) == 2, because=told)
