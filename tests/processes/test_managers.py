"""Objects of a manager of `multiprocessing`, whose process is asked by one actor at a time."""

import atexit
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import time
from multiprocessing.managers import BaseManager
from pathlib import Path

import pytest

import lab
from tests.processes.programs import both
from tests.processes.test_private import processes_of


class State:
    def __init__(self, kind, *arguments):
        self.manager = multiprocessing.Manager()
        self.thing = getattr(self.manager, kind)(*arguments)
        self.lock = self.manager.Lock()


def with_(kind, *arguments):
    return lambda: State(kind, *arguments)


def explore(setup, actors, **named):
    options = {"strategy": "dpor", "seconds": 60, "teardown": lambda state: state.manager.shutdown(), **named}
    return lab.explore(setup, actors, on="processes", **options)


def add_to_dict(state):
    state.thing["n"] += 1


def add_under_lock(state):
    with state.lock:
        state.thing["n"] += 1


def add_to_list(state):
    state.thing[0] += 1


def append(state):
    state.thing.append(1)


def add_to_value(state):
    state.thing.value += 1


def add_to_namespace(state):
    state.thing.n += 1


@pytest.mark.parametrize(
    ("setup", "actor", "outcome", "outcomes"),
    [
        (with_("dict", {"n": 0}), add_to_dict, lambda state: state.thing["n"], {1, 2}),
        (with_("dict", {"n": 0}), add_under_lock, lambda state: state.thing["n"], {2}),
        (with_("list", [0]), add_to_list, lambda state: state.thing[0], {1, 2}),
        (with_("list"), append, lambda state: len(state.thing), {2}),
        (with_("Value", "i", 0), add_to_value, lambda state: state.thing.value, {1, 2}),
        (lambda: _namespace(), add_to_namespace, lambda state: state.thing.n, {1, 2}),
    ],
    ids=["dict", "dict with a lock", "list", "append", "value", "namespace"],
)
def test_each_request_is_a_step(setup, actor, outcome, outcomes):
    verdict = explore(setup, both(actor), outcome=outcome)
    assert (verdict.status, set(verdict.outcomes), verdict.uncontrolled) == ("holds", outcomes, ())


def _namespace():
    state = State("Namespace")
    state.thing.n = 0
    return state


def test_a_lost_update_is_told_in_the_words_of_the_program():
    verdict = explore(with_("dict", {"n": 0}), both(add_to_dict), check=lambda state: state.thing["n"] == 2)
    told = " ".join(str(verdict).split())
    assert (
        "alice read state.thing['n'] 0 (step 1) before bob wrote 1 (step 3), and then wrote 1 over it (step 4): "
        "a lost update." in told
    )


def put(state):
    state.thing.put(1)


def get(state):
    state.thing.get()


def get_or_not(state):
    try:
        state.thing.get(timeout=1)
    except queue.Empty:
        pass


def get_at_once(state):
    try:
        state.thing.get_nowait()
    except queue.Empty:
        pass


def size(state):
    return state.thing.qsize()


@pytest.mark.parametrize(
    ("taker", "outcomes"), [(get, {0}), (get_or_not, {0, 1}), (get_at_once, {0, 1})], ids=lambda one: str(one)[:20]
)
def test_who_takes_from_an_empty_queue_waits(taker, outcomes):
    verdict = explore(with_("Queue"), {"alice": put, "bob": taker}, outcome=size)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", outcomes)


def test_who_waits_for_a_full_queue_and_an_event():
    def put_two(state):
        state.thing.put(1)
        state.thing.put(2)

    assert explore(with_("Queue", 1), {"alice": put_two, "bob": get}, outcome=size).status == "holds"

    def set_it(state):
        state.thing.set()

    def wait(state):
        state.thing.wait()

    assert explore(with_("Event"), {"alice": set_it, "bob": wait}).status == "holds"


def take(state):
    state.lock.acquire()


@pytest.mark.parametrize(
    ("setup", "actor", "message"),
    [
        (with_("Queue"), get, "deadlock: alice waits for state.thing, and no one is left to end that"),
        (with_("Queue"), take, "deadlock: bob waits for state.lock, and no one is left to end that"),
    ],
)
def test_who_is_waited_for_in_vain(setup, actor, message):
    assert str(explore(setup, both(actor)).failure) == message


class Counter:
    def add(self):
        return 1


class Own(BaseManager):
    pass


Own.register("Counter", Counter)


def test_the_program_s_own_kinds_are_named():
    def setup():
        manager = Own()
        manager.start()
        return manager, manager.Counter()

    def add(state):
        state[1].add()

    verdict = explore(setup, {"alice": add}, teardown=lambda state: state[0].shutdown())
    assert verdict.status == "unknown"
    line = add.__code__.co_firstlineno + 1
    assert verdict.uncontrolled == (
        f"alice: test_the_program_s_own_kinds_are_named.<locals>.add (test_managers.py:{line}) calls add of Counter in a "
        "manager, which is not under control",
    )


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_manager_that_nobody_ends_ends_with_its_execution():
    before = children_of(os.getpid())
    verdict = explore(with_("dict", {"n": 0}), both(add_to_dict), teardown=None, schedules=20, strategy="random")
    assert verdict.failure is None
    assert children_of(os.getpid()) == before


PROGRAM = """
import lab
from tests.processes.test_managers import *

print("begins", flush=True)
explore(with_("dict", {"n": 0}), both(add_to_dict), schedules=10_000, strategy="random")
"""


def test_a_manager_ends_with_the_runner():
    word = f"manager-{os.getpid()}"
    environment = {**os.environ, "PYTHONPATH": str(Path(lab.__file__).parents[1]), "WORD": word}
    runner = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=environment)
    assert runner.stdout.readline() == "begins\n"
    until = time.monotonic() + 30
    while len(processes_of(word)) < 4 and time.monotonic() < until:  # itself, a manager, and two actors
        time.sleep(0.001)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    runner.stdout.close()
    until = time.monotonic() + 10
    while processes_of(word) and time.monotonic() < until:
        time.sleep(0.02)
    assert processes_of(word) == []


def test_what_setup_wants_done_at_the_end_is_the_runner_s():
    def setup():
        atexit.register(str)
        atexit.unregister(str)

    assert explore(setup, {"alice": lambda state: None}, teardown=None).status == "holds"
