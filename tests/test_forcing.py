"""Witnesses on real OS threads: the program itself fails so, and nothing is left behind."""

import os
import threading
import time

import pytest

import lab
from lab import forcing
from lab.program import Program
from lab.witness import build_name


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()


def add_one(counter):
    current = counter.value
    counter.value = current + 1


def both_count(counter):
    return counter.value == 2


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def forced(setup, actors, trace=(), **options):
    """The verdict of an exploration, and what real threads do."""
    found = lab.explore(setup, actors, trace=trace, schedules=2000, **options)
    assert found.status == "fails"
    return found, forcing.forced(found.witness, Program.of(setup, actors, **options), trace, 20_000)


def test_a_lost_update():
    _, real = forced(Counter, [add_one, add_one], check=both_count)
    assert real == forcing.Forced(True, "fails alike on real threads")


@pytest.mark.skipif(build_name() != "gil", reason="it may fail by itself")
def test_it_is_the_gates_that_make_it_fail(monkeypatch):
    """Without them real threads never take that order here, so a test that forces shows something."""
    monkeypatch.setattr(forcing._Script, "gates", lambda self, keys: [])
    _, real = forced(Counter, [add_one, add_one], check=both_count)
    assert real == forcing.Forced(False, "did not fail on real threads")


def test_a_deadlock_of_real_locks_ends():
    class State:
        def __init__(self):
            self.left, self.right = threading.Lock(), threading.Lock()

    def one(state):
        with state.left, state.right:
            pass

    def other(state):
        with state.right, state.left:
            pass

    began = time.monotonic()
    found, real = forced(State, [one, other])
    assert (found.failure.kind, real) == ("deadlock", forcing.Forced(True, "fails alike on real threads"))
    assert time.monotonic() - began < 30


def test_an_exception_that_leaves_a_thread_that_was_started():
    class State:
        def __init__(self):
            self.items = [1]

        def take(self):
            if self.items:
                self.items.pop()

    def alice(state):
        child = threading.Thread(target=state.take)
        child.start()
        state.take()
        child.join()

    found, real = forced(State, {"alice": alice})
    assert (found.failure.kind, real.failed) == ("exception", found.failure.message.endswith("left alice"))


def test_who_is_woken_up_is_held_up_before_it_takes_the_lock_again():
    class State:
        def __init__(self):
            self.filled = threading.Condition()
            self.items = []

    def take(state):
        with state.filled:
            if not state.items:
                state.filled.wait()
            state.items.pop()

    def put(state):
        with state.filled:
            state.items.append(1)
            state.filled.notify()

    found, real = forced(State, {"alice": take, "bob": take, "carol": put, "dave": put})
    assert (found.failure.kind, real.failed) == ("exception", True)


def test_real_threads_take_their_time_where_the_witness_does_not():
    """Twins end a wait of an hour at once; real threads are given up before."""

    def alice(counter):
        current = counter.value
        counter.lock.acquire(timeout=1)
        counter.value = current + 1

    def bob(counter):
        with counter.lock:
            current = counter.value
            counter.value = current + 1

    _, real = forced(Counter, {"alice": alice, "bob": bob}, check=both_count)
    assert real.failed


def test_what_teardown_is_for_is_torn_down():
    made, torn_down = [], []

    def setup():
        made.append(Counter())
        return made[-1]

    found = lab.explore(setup, [add_one, add_one], check=both_count)
    made.clear()
    program = Program.of(setup, [add_one, add_one], check=both_count, teardown=torn_down.append)
    assert forcing.forced(found.witness, program, (), 20_000).failed
    assert torn_down == made


def test_a_repaired_program_is_not_forced():
    found = lab.explore(Counter, [add_one, add_one], check=both_count)

    def add_two(counter):
        with counter.lock:
            counter.value += 1

    program = Program.of(Counter, [add_two, add_two], check=both_count)
    real = forcing.forced(found.witness, program, (), 20_000)
    assert real == forcing.Forced(False, "not on real threads: the witness could not be repeated")


def test_replay_tells():
    found = lab.explore(Counter, [add_one, add_one], check=both_count)
    again = lab.replay(found.witness, Counter, [add_one, add_one], check=both_count, force=True)
    assert again.notes == ("forced: fails alike on real threads",)
    assert "    forced     fails alike on real threads\n" in f"{again}\n"
    assert lab.replay(found.witness, Counter, [add_one, add_one], check=both_count).notes == ()


def leave_a_trace(folder):
    with open("trace", "a", encoding="utf-8") as file:
        file.write("x")


def nobody(folder):
    with open("trace", encoding="utf-8") as file:
        assert file.read() == "x"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_processes_are_not_run_as_threads_in_the_folder_of_the_caller(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    about = dict, [leave_a_trace, leave_a_trace]
    found = lab.explore(*about, check=nobody, on="processes")
    again = lab.replay(found.witness, *about, check=nobody, force=True)
    assert (again.status, again.notes) == (
        "fails",
        ("forced: not on real threads: the actors are processes, and ran as such",),
    )
    assert list(tmp_path.iterdir()) == []
