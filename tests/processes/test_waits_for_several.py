"""Who waits for several things goes on with whichever comes first, also with the one that another order lets come."""

import itertools
import multiprocessing as mp
import multiprocessing.connection
import os
from pathlib import Path

import pytest

import lab


def note(what):
    Path("seen").write_text(str(what))


def explore(actors, setup=lambda: None):
    return lab.explore(
        setup, actors, outcome=lambda _: Path("seen").read_text(), on="processes", strategy="dpor", seconds=60
    )


@pytest.mark.parametrize("number", [2, 3])
def test_the_ends_of_processes_in_every_order(number):
    def waits(_):
        started = []
        for _ in range(number):
            pid = os.fork()
            if not pid:
                os._exit(0)
            started.append(pid)
        note([started.index(os.wait()[0]) for _ in started])

    verdict = explore({"alice": waits})
    orders = {str([*order]) for order in itertools.permutations(range(number))}
    assert (verdict.status, set(verdict.outcomes)) == ("holds", orders), str(verdict)


def test_which_of_two_processes_have_ended():
    def waits(_):
        started = [mp.get_context("fork").Process(target=len, args=("",)) for _ in range(2)]
        for process in started:
            process.start()
        ended = multiprocessing.connection.wait([process.sentinel for process in started])
        note([process.sentinel in ended for process in started])
        for process in started:
            process.join()

    verdict = explore({"alice": waits})
    found = {"[True, False]", "[False, True]", "[True, True]"}
    assert (verdict.status, set(verdict.outcomes)) == ("holds", found), str(verdict)


def sends(number, word):
    return lambda pipes: pipes[number][1].send(word)


def test_what_comes_by_two_pipes():
    def takes_what_is_there(pipes):
        note("".join(end.recv() for end in multiprocessing.connection.wait([pipes[0][0], pipes[1][0]])))

    actors = {"alice": takes_what_is_there, "bob": sends(0, "b"), "carol": sends(1, "c")}
    verdict = explore(actors, lambda: (mp.Pipe(), mp.Pipe()))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"b", "c", "bc"}), str(verdict)


@pytest.mark.parametrize("whom", ["one", "any"])
def test_the_end_of_a_process_by_its_state(whom):
    def waits(_):
        pid = os.fork()
        if not pid:
            os._exit(3)
        kind, number = (os.P_PID, pid) if whom == "one" else (os.P_ALL, 0)
        found = os.waitid(kind, number, os.WEXITED | os.WNOHANG)
        note(found is None)
        if found is None:
            found = os.waitid(kind, number, os.WEXITED)
        assert (found.si_pid, found.si_status) == (pid, 3)

    verdict = explore({"alice": waits})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"True", "False"}), str(verdict)
