"""Virtual time, repeatable random numbers, and that no module is patched for it."""

from __future__ import annotations

import _thread
import concurrent.futures.thread
import datetime
import os
import queue
import random
import secrets
import selectors
import threading
import time
import uuid
import warnings

import pytest
from controlled import State, alike, failure, outcomes, really, under_control, words

from lab import explore
from lab.hooks import uncontrolled

A_YEAR = 365 * 24 * 3600.0

# ------------------------------------------------------------ time: words


def test_sleep_complains_in_cpython_s_words():
    def body():
        told = [words(time.sleep, -1), words(time.sleep, "1"), words(time.sleep, None), words(time.sleep)]
        told += [words(time.sleep, float("nan")), words(time.sleep, float("inf")), words(time.sleep, 1e30)]
        told += [words(time.sleep, -0.5), words(time.sleep, 1, 2), words(time.sleep, seconds=1)]
        return [*told, words(time.sleep, 0), words(time.sleep, 0.0001), words(time.sleep, True * 0)]

    told = alike(body)
    assert told[0] == told[7] == "ValueError: sleep length must be non-negative"
    assert all(isinstance(one, str) for one in told[:-3])
    assert told[-3:] == [None, None, None]


def test_clocks_complain_in_cpython_s_words():
    def body():
        clocks = [time.time, time.monotonic, time.perf_counter, time.time_ns, time.process_time, time.thread_time_ns]
        told = [words(clock, 1) for clock in clocks] + [type(clock()).__name__ for clock in clocks]
        told += [
            words(time.clock_gettime, "x"),
            words(time.localtime, "x"),
            words(time.strftime),
            words(os.urandom, -1),
        ]
        told += [words(os.urandom, "x"), words(datetime.datetime.now, "x"), words(datetime.date.today, 1)]
        return [*told, len(os.urandom(5)), type(time.ctime()).__name__, time.gmtime(0).tm_year]

    told = alike(body)
    assert told[6:12] == ["float", "float", "float", "int", "float", "int"]
    assert told[-3:] == [5, "str", 1970]


# ------------------------------------------------------------ time: what it does


def test_a_sleep_of_a_year_takes_no_time():
    def body():
        before = time.monotonic(), time.time(), time.perf_counter_ns(), datetime.datetime.now()
        time.sleep(A_YEAR)
        passed = datetime.datetime.now() - before[3]
        return (
            A_YEAR <= time.monotonic() - before[0] < A_YEAR + 1,
            A_YEAR <= time.time() - before[1] < A_YEAR + 1,
            A_YEAR * 1e9 <= time.perf_counter_ns() - before[2] < (A_YEAR + 1) * 1e9,
            A_YEAR <= passed.total_seconds() < A_YEAR + 1,
        )

    assert under_control(body) == (True, True, True, True)


def test_every_way_to_ask_for_the_time_gives_the_same_moment():
    def body():
        now = time.time()
        moments = [
            time.mktime(time.localtime()),
            float(time.strftime("%s")),
            time.clock_gettime(time.CLOCK_REALTIME),
            time.clock_gettime_ns(time.CLOCK_REALTIME) / 1e9,
            time.time_ns() / 1e9,
            datetime.datetime.now().timestamp(),
            datetime.datetime.today().timestamp(),
            datetime.datetime.now(datetime.UTC).timestamp(),
        ]
        assert datetime.date.today() == datetime.date.fromtimestamp(now)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            moments.append(datetime.datetime.utcnow().replace(tzinfo=datetime.UTC).timestamp())
        return [abs(moment - now) < 1.1 for moment in moments], now

    same, now = under_control(body)
    assert same == [True] * len(same)
    assert under_control(body)[1] == now
    assert really(time.time) > now


def test_time_goes_on_while_it_is_asked_for():
    """Otherwise a loop that waits for a moment would never end."""

    def body():
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pass
        return time.monotonic() >= end

    assert under_control(body) is True


def test_of_two_sleepers_the_earlier_wakes_first():
    def sleeper(seconds):
        def actor(state):
            state.start.wait()
            time.sleep(seconds)
            state.woken.append(seconds)

        return actor

    def setup():
        return State(start=threading.Barrier(3), woken=[])

    found = outcomes(setup, [sleeper(30), sleeper(20), sleeper(40)], lambda s: tuple(s.woken), 80)
    assert found == {(20, 30, 40)}


def test_a_short_sleep_may_end_while_others_stand_still():
    def work(state):
        state.step = 1
        state.done = True

    def look(state):
        time.sleep(1)
        state.seen = state.done

    assert outcomes(lambda: State(done=False), [work, look], lambda state: state.seen, 100) == {True, False}


def test_a_long_sleep_ends_only_when_no_one_else_can_go_on():
    def work(state):
        state.step = 1
        state.done = True

    def look(state):
        time.sleep(10)
        state.seen = state.done

    assert outcomes(lambda: State(done=False), [work, look], lambda state: state.seen, 100) == {True}


def test_both_orders_after_two_equal_sleeps_are_seen():
    def sleeper(name):
        def actor(state):
            state.start.wait()
            time.sleep(20)
            state.woken.append(name)

        return actor

    def setup():
        return State(start=threading.Barrier(2), woken=[])

    assert outcomes(setup, [sleeper("a"), sleeper("b")], lambda state: "".join(state.woken), 80) == {"ab", "ba"}


def test_a_timed_wait_gives_up_after_its_time():
    def wait(state):
        begun = time.monotonic()
        state.told = state.event.wait(500), words(state.queue.get, timeout=500), state.lock.acquire(timeout=500)
        state.passed = round(time.monotonic() - begun)

    def setup():
        state = State(event=threading.Event(), queue=queue.Queue(), lock=threading.Lock())
        state.lock.acquire()
        return state

    found = outcomes(setup, [wait], lambda state: (*state.told, state.passed), 5)
    assert found == {(False, "Empty: ", False, 1500)}


# ------------------------------------------------------------ random numbers


def draw():
    own = random.Random()
    letters = list("abcdefgh")
    random.shuffle(letters)
    return (
        random.random(),
        random.randint(1, 1000),
        random.choice("abcdefgh"),
        "".join(letters),
        own.random(),
        random.Random(None).random(),
        random.SystemRandom().random(),
        secrets.token_hex(4),
        uuid.uuid4(),
        os.urandom(4),
    )


def test_random_numbers_are_the_same_in_every_execution():
    drawn = []
    verdict = explore(lambda: None, [lambda state: drawn.append(draw())], schedules=10, strategy="random")
    assert verdict.failure is None
    assert len(drawn) >= 10
    assert len(set(drawn)) == 1
    assert len({repr(one) for one in drawn[0]}) == len(drawn[0])
    assert really(draw) != really(draw)


def test_a_seed_of_the_program_s_own_is_heeded():
    def body():
        random.seed(42)
        state = random.getstate()
        first = random.random(), random.Random(7).random()
        random.setstate(state)
        return first, random.random()

    random_state = random.getstate()
    try:
        expected = really(body)
    finally:
        random.setstate(random_state)
    assert under_control(body) == expected


def test_a_seed_from_the_system_is_the_same_in_every_execution():
    def body():
        random.seed()
        return random.random()

    assert under_control(body) == under_control(body)


def test_the_random_state_of_the_process_is_left_alone():
    before = random.getstate()

    def body():
        random.seed(1)
        random.random()
        random.shuffle([1, 2, 3])
        random.seed()
        return random.getrandbits(8) is not None

    assert under_control(body)
    explore(State, [lambda state: setattr(state, "x", random.random())] * 2, schedules=50)
    assert random.getstate() == before


# ------------------------------------------------------------ nothing is patched

MODULES = [_thread, concurrent.futures.thread, datetime, os, queue, random, selectors, threading, time]


def contents():
    """Every name of the modules and of their classes, and what it stands for."""
    found = {}
    for module in MODULES:
        for key, thing in vars(module).items():
            found[module.__name__, key] = thing
            if isinstance(thing, type):
                found.update({(module.__name__, key, member): value for member, value in vars(thing).items()})
    return {key: id(value) for key, value in found.items() if not isinstance(value, int | float)}


def test_no_module_is_patched_before_during_or_after():
    seen = []
    asked, told = threading.Event(), threading.Event()

    def look():
        asked.wait()
        seen.append(contents())
        told.set()

    outside = threading.Thread(target=look)
    before = contents()
    outside.start()

    def setup():
        return State(lock=threading.Lock(), queue=queue.Queue(), value=0)

    def work(state):
        with state.lock:
            state.value += 1
        time.sleep(random.random())
        state.queue.put(1)
        if state.value == 2 and not seen:
            with uncontrolled():
                asked.set()
                told.wait()

    verdict = explore(setup, [work, work], schedules=30)
    outside.join()
    assert verdict.failure is None
    assert seen == [before]
    assert contents() == before


def test_a_real_thread_meets_real_operations_meanwhile():
    """While actors stand in a virtual year, a real thread's clock, lock and queue are real."""
    seen = []

    def look():
        lock = threading.Lock()
        seen.append((lock.acquire(False), lock.acquire(False), time.time() > 1_750_000_000 or time.time()))
        seen.append(threading.current_thread() is outside)

    outside = threading.Thread(target=look)

    def work(state):
        time.sleep(A_YEAR)
        if not seen:
            with uncontrolled():
                outside.start()
                outside.join()

    assert explore(State, [work], schedules=3).failure is None
    assert seen[0][:2] == (True, False)
    assert seen[0][2] is True
    assert seen[1] is True


# ------------------------------------------------------------ waiting for a moment that never comes


def test_waiting_for_ever_is_found_without_waiting():
    kind, message, _ = failure(lambda: threading.Event(), {"alice": lambda event: (time.sleep(A_YEAR), event.wait())})
    assert (kind, message) == ("deadlock", "alice waits for the event event, and no one is left to set it")


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_polling_with_sleeps_ends_when_the_flag_is_set(seconds):
    def poll(state):
        while not state.flag:
            time.sleep(seconds)

    def finish(state):
        state.flag = True

    assert outcomes(lambda: State(flag=False), [poll, finish], lambda state: state.flag, 60) == {True}
