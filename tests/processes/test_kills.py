"""Somebody else kills the processes of actors at any moment: it is told, and nothing is left behind."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

import lab
from tests.processes.programs import both, increment_locked, left_directories, segments, value, zero
from tests.processes.starting import counts_without_a_lock


def children():
    """The processes of the actors that there are now."""
    found = []
    for task in os.listdir("/proc/self/task"):
        try:
            found += map(int, Path(f"/proc/self/task/{task}/children").read_text().split())
        except OSError:  # the thread has ended
            continue
    return [pid for pid in found if is_actor(pid)]


def descendants():
    """Those, and what they have forked."""
    found, pending = [], children()
    while pending:
        pid = pending.pop()
        found.append(pid)
        try:
            pending += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:
            continue
    return found


def is_actor(pid):
    try:
        return os.getpgid(pid) == pid and b"race-lab" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class Killer(threading.Thread):
    """Kills processes of actors at random moments until it is ended."""

    def __init__(self, seed, find=children):
        super().__init__(daemon=True)
        self.find = find
        self.kills = 0
        self.ended = False
        self.random = random.Random(seed)

    def run(self):
        while not self.ended:
            time.sleep(self.random.random() * 0.01)
            for pid in self.random.sample(there := self.find(), min(1, len(there))):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.kills += 1


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
@pytest.mark.parametrize(("method", "kills"), [("explore", 80), ("hammer", 20)])
def test_nothing_is_left_of_actors_that_are_killed(method, kills):
    before = segments()
    killer = Killer(seed=method)
    killer.start()
    until, told = time.monotonic() + 40, set()
    try:
        while (killer.kills < kills or not told) and time.monotonic() < until:  # one in the lab's own part is not told
            if method == "explore":
                verdict = lab.explore(
                    zero,
                    both(increment_locked),
                    outcome=value,
                    allowed={2},
                    on="processes",
                    strategy="random",
                    seconds=0.3,
                )
            else:
                verdict = lab.hammer(
                    zero, both(increment_locked), outcome=value, allowed={2}, on="processes", seconds=0.3, noise=0
                )
            if verdict.status == "fails":
                told.add(verdict.failure.message)
    finally:
        killer.ended = True
        killer.join()
    assert killer.kills >= kills
    assert any("killed by SIGKILL" in message for message in told), told
    assert not [message for message in told if "SIGKILL" not in message], told
    assert children() == []
    assert left_directories() == []
    assert segments() <= before


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_nothing_is_left_of_processes_that_actors_start():
    before = segments()
    killer = Killer("births", descendants)
    killer.start()
    until, told = time.monotonic() + 40, set()
    try:
        while killer.kills < 80 and time.monotonic() < until:
            verdict = lab.explore(
                zero, {"alice": counts_without_a_lock}, on="processes", strategy="random", seconds=0.3
            )
            if verdict.status == "fails":
                told.add(verdict.failure.message)
    finally:
        killer.ended = True
        killer.join()
    assert killer.kills >= 80
    assert not [message for message in told if "SIGKILL" not in message and "without a word" not in message], told
    assert descendants() == []
    assert left_directories() == []
    assert segments() <= before
