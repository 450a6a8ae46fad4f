"""What is put aside at the fork of an actor, and what is called as ever."""

import concurrent.futures.thread as pools
import logging
import multiprocessing.managers as managers
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

import lab
from lab import at_fork
from lab.carriers import children

KNOWN = (threading._after_fork, random._inst.seed)


@pytest.fixture
def alone():
    """There is one thread only: tests before this one may have left some."""
    if len(sys._current_frames()) != 1:
        pytest.skip("the test runner has other threads")


def entries():
    return [list(one) for one in at_fork._lists()]


def test_the_lists_of_the_interpreter_are_found():
    before, child, parent = entries()
    assert set(KNOWN) <= set(child)
    assert any(getattr(one, "__module__", "") == "logging" for one in before)
    assert any(getattr(one, "__module__", "") == "logging" for one in parent)


def test_entries_of_the_standard_library_are_put_aside_and_put_back(alone):
    known = entries()
    with at_fork.Needless() as needless:
        assert needless.are_aside
        left = [one for one in entries()[1] if one in KNOWN or getattr(one, "__module__", "") == "logging"]
        assert not left
        lock = pools._global_shutdown_lock
        assert not [one for some in entries() for one in some if getattr(one, "__self__", None) is lock]
        os.register_at_fork(after_in_child=id.__call__)  # which a program may do meanwhile
    assert entries()[0] == known[0]
    assert entries()[1] == [*known[1], id.__call__]
    at_fork._lists()[1].pop()


def test_what_is_of_nobody_is_not_of_the_lock_of_a_library_that_is_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "concurrent.futures.thread")
    assert str.maketrans.__self__ is None
    assert not at_fork._is_needless(str.maketrans)


def test_none_is_put_aside_beside_another_thread():
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with at_fork.Needless() as needless:
            assert not needless.are_aside
            assert set(KNOWN) <= set(entries()[1])
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("which", ["of logging", "of a handler", "of pools"])
def test_none_is_put_aside_while_a_lock_is_held(which):
    handler = logging.StreamHandler()
    lock = {"of logging": logging._lock, "of a handler": handler.lock, "of pools": pools._global_shutdown_lock}[which]
    with lock, at_fork.Needless() as needless:
        assert not needless.are_aside


PROGRAM = textwrap.dedent(
    """
    import os
    import lab

    told = []
    os.register_at_fork(before=lambda: told.append("before"), after_in_parent=lambda: told.append("parent"),
                        after_in_child=lambda: told.append("child"))

    def write(state):
        with open("told", "a") as file:
            file.write(",".join(told[-2:]) + ";")

    def forks(state):
        pid = os.fork()
        if not pid:
            lines = threading._after_fork in at_fork._lists()[1], told[-1]
            with open("forked", "w") as file:
                file.write(str(lines))
            os._exit(0)
        os.waitpid(pid, 0)

    def read(path):
        with open(path) as file:
            return file.read()

    verdict = lab.explore(lambda: None, {"alice": write}, outcome=lambda state: read("told"), on="processes", schedules=3)
    print(sorted(verdict.outcomes), told[-2:])
    import threading
    from lab import at_fork
    verdict = lab.explore(lambda: None, {"bob": forks}, outcome=lambda state: read("forked"), on="processes", schedules=3)
    print(sorted(verdict.outcomes))
    """
)


def test_entries_of_the_program_are_called_and_all_of_them_where_an_actor_forks(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "['before,child;'] ['before', 'parent']",
        "[\"(True, 'child')\"]",
    ]


def draw(state):
    with open("drawn", "a") as file:
        file.write(f"{random.random()} ")


def test_random_numbers_differ_from_actor_to_actor():
    def drawn(state):
        with open("drawn") as file:
            return len(set(file.read().split()))

    verdict = lab.explore(lambda: None, {"alice": draw, "bob": draw}, outcome=drawn, on="processes", schedules=5)
    assert set(verdict.outcomes) == {2}


def test_nothing_is_called_between_the_forks_of_one_execution(alone, monkeypatch):
    fork, between = os.fork, []

    def noting():
        sys.setprofile(None)
        pid = fork()
        if pid:
            between.append([])
            sys.setprofile(note)
        return pid

    def note(frame, event, _):
        if event == "call" and frame.f_code is not noting.__code__:
            between[-1].append(frame.f_code.co_qualname)

    monkeypatch.setattr(children, "_fork_alone", noting)
    three = dict.fromkeys(("alice", "bob", "carol"), lambda state: None)
    lab.explore(lambda: None, three, outcome=id, on="processes", strategy="random", schedules=4)
    sys.setprofile(None)
    assert len(between) >= 12
    assert [one for number, one in enumerate(between) if number % 3 != 2 and one] == []


def test_numbers_of_files_are_those_of_the_actor_whoever_is_forked_first():
    def open_two(name):
        def actor(state):
            numbers = [os.open("here", os.O_RDONLY) for _ in range(3)]
            with open(name, "w") as file:
                file.write(repr(numbers))

        return actor

    def setup():
        with open("here", "w"):
            pass

    def opened(state):
        with open("alice") as one, open("bob") as other:
            return one.read(), other.read()

    actors = {name: open_two(name) for name in ("alice", "bob")}
    verdict = lab.explore(setup, actors, outcome=opened, on="processes", strategy="random", schedules=6)
    assert len(verdict.outcomes) == 1, verdict.outcomes


def test_a_lock_of_the_library_that_the_runner_holds_is_free_in_the_child():
    def take(state):
        free = managers.BaseProxy._mutex.acquire(blocking=False)
        with open("free", "w") as file:
            file.write(str(free))

    def was_free(state):
        managers.BaseProxy._mutex.release()
        with open("free") as file:
            return file.read()

    setup = managers.BaseProxy._mutex.acquire
    verdict = lab.explore(setup, {"alice": take}, outcome=was_free, on="processes", schedules=3)
    assert list(verdict.outcomes) == ["True"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (signal.SIG_IGN, signal.SIG_IGN),
        (signal.default_int_handler, signal.default_int_handler),
        (signal.SIG_DFL, signal.default_int_handler),
        (lambda *_: None, signal.default_int_handler),
    ],
)
def test_what_a_child_does_at_an_interrupt(before, after):
    def look(state):
        with open("same", "w") as file:
            file.write(str(signal.getsignal(signal.SIGINT) is after))

    def was_same(state):
        with open("same") as file:
            return file.read()

    def setup():
        signal.signal(signal.SIGINT, before)

    found = signal.getsignal(signal.SIGINT)
    try:
        verdict = lab.explore(
            setup, {"alice": look, "bob": lambda state: None}, outcome=was_same, on="processes", schedules=4
        )
    finally:
        signal.signal(signal.SIGINT, found)
    assert list(verdict.outcomes) == ["True"]


def test_an_exploration_inside_of_an_actor_is_refused_beside_another_thread():
    def explore(state):
        lab.explore(dict, {"alice": len}, on="processes")

    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with pytest.raises(lab.errors.LabError, match="explore\\(\\) was called inside an exploration"):
            lab.explore(dict, {"alice": explore}, on="processes", schedules=1)
    finally:
        over.set()
        thread.join()
