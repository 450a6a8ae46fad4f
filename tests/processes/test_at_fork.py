"""What is put aside at the fork of an actor, and what is called as ever."""

import logging
import os
import random
import subprocess
import sys
import textwrap
import threading

import pytest

import lab
from lab import at_fork

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
        os.register_at_fork(after_in_child=id.__call__)  # which a program may do meanwhile
    assert entries()[0] == known[0]
    assert entries()[1] == [*known[1], id.__call__]
    at_fork._lists()[1].pop()


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


@pytest.mark.parametrize("which", ["of the module", "of a handler"])
def test_none_is_put_aside_while_a_lock_of_logging_is_held(which):
    handler = logging.StreamHandler()
    lock = logging._lock if which == "of the module" else handler.lock
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
