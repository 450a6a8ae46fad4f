"""Processes that nobody controls: what is found, what must not be found, and that nothing is left of them."""

import fcntl
import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import shared_memory
from pathlib import Path

import pytest

import lab
from lab.errors import InvalidValue
from lab.hammering.serving import _settle
from lab.hammering.staying import _is_program
from lab.stillness import Stillness
from tests.processes.programs import both, increment_by_hand, increment_locked, left_directories, segments, value, zero
from tests.processes.test_private import kill_runners, processes_of

ROOT = Path(__file__).parents[2]


def hammer(setup, actors, **options):
    return lab.hammer(setup, actors, on="processes", **{"rounds": 12, **options})


def notes(verdict, word):
    return [note.removeprefix(f"{word}: ") for note in verdict.notes if note.startswith(f"{word}: ")]


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Modules of other tests are none of the program's: what changes in them is no reason for new processes."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__":  # which new interpreters ask for, and which may be a script that runs the tests
            continue
        if file is not None and _is_program(module) and Path(file).parent != Path(__file__).parent:
            monkeypatch.delitem(sys.modules, name)


# ------------------------------------------------------------------ what is found


def test_a_lost_update_is_found_in_processes_that_are_kept():
    verdict = hammer(zero, both(increment_by_hand), outcome=value, allowed={2}, rounds=200)
    assert (verdict.status, verdict.schedules, verdict.granularity) == ("fails", 200, "real processes")
    assert set(verdict.outcomes) <= {1, 2}
    assert notes(verdict, "processes") == ["started by fork and kept from round to round"]
    assert verdict.overlap > 0.3
    assert "200 rounds" in str(verdict)


def test_what_is_right_does_not_fail():
    verdict = hammer(zero, both(increment_locked), outcome=value, allowed={2}, rounds=100)
    assert (verdict.status, verdict.outcomes) == ("unknown", {2: 100})


def test_what_is_only_inherited_comes_with_new_processes():
    def add(number):
        number.value += 1

    verdict = hammer(lambda: multiprocessing.Value("i", 0), both(add), outcome=lambda number: number.value)
    assert set(verdict.outcomes) <= {1, 2}
    assert notes(verdict, "processes") == [
        "started by fork anew for each round, because the state has what a process can only inherit"
    ]


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
def test_the_other_start_methods(start):
    verdict = hammer(zero, both(increment_by_hand), outcome=value, allowed={2}, rounds=60, start=start)
    assert verdict.status == "fails"
    assert notes(verdict, "processes") == [f"started by {start} and kept from round to round"]


def lock_first(state):
    with state["first"], state["second"]:
        pass


def test_a_process_is_spawned_with_its_locks():
    def make():
        context = multiprocessing.get_context("spawn")
        return {"first": context.Lock(), "second": context.Lock()}

    assert hammer(make, both(lock_first), rounds=1, start="spawn").status == "unknown"


# ------------------------------------------------------------------ ends of processes


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by SIGKILL"),
        (lambda: os._exit(3), "ended its process with status 3"),
    ],
)
def test_how_a_process_ended_is_told(end, told):
    def actor(state):
        end()

    verdict = hammer(dict, {"alice": actor, "bob": len}, rounds=4)
    assert verdict.status == "fails"
    assert (verdict.failure.kind, verdict.failure.message) == ("exception", f"alice {told}")
    assert notes(verdict, "ended") == [f"alice {told} in 4 rounds"]


def test_an_exception_is_told_with_its_line():
    def actor(state):
        raise ValueError("too many")

    verdict = hammer(dict, {"alice": actor}, rounds=2)
    assert verdict.failure.message == "ValueError: too many left alice"
    assert "tests/processes/test_hammer.py" in verdict.failure.detail[0]


def test_locks_in_two_orders_are_a_deadlock():
    def take(first, second):
        def actor(state):
            with open(first, "w") as one, open(second, "w") as other:
                fcntl.flock(one, fcntl.LOCK_EX)
                Path(f"{first} is taken").touch()
                while not os.path.exists(f"{second} is taken"):
                    pass
                fcntl.flock(other, fcntl.LOCK_EX)

        return actor

    verdict = hammer(dict, {"alice": take("a", "b"), "bob": take("b", "a")}, rounds=20)
    assert (verdict.status, verdict.schedules) == ("fails", 1)
    assert str(verdict.failure) == "deadlock: alice and bob wait for ever"


@pytest.mark.skipif(not os.path.exists("/proc/self/syscall"), reason="the system does not tell")
def test_who_sleeps_or_computes_does_not_wait_for_ever(tmp_path):
    programs = {
        "import time; time.sleep(60)": False,
        "while True: pass": False,
        "import threading; threading.Lock().acquire(timeout=60)": False,
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire(timeout=60)": False,
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()": True,
        "import os; os.read(os.pipe()[0], 1)": True,
        "import subprocess; subprocess.run(['sleep', '60'])": False,
    }
    running = [subprocess.Popen([sys.executable, "-S", "-c", program]) for program in programs]
    looks = [Stillness() for _ in running]
    try:
        until, found = time.monotonic() + 20, []
        while found != list(programs.values()) and time.monotonic() < until:
            time.sleep(0.1)
            found = [look.nothing_moves([one.pid]) for look, one in zip(looks, running, strict=True)]
        assert dict(zip(programs, found, strict=True)) == programs
    finally:
        for one in running:
            subprocess.run(["pkill", "-KILL", "-P", str(one.pid)], check=False)  # what it started
            one.kill()
            one.wait()


# ------------------------------------------------------------------ what must not be found


KEPT = []
SHARED = []
MADE = {}


def only_once(state):
    assert not KEPT
    KEPT.append(1)


def test_what_an_actor_keeps_in_a_module_is_no_failure():
    verdict = hammer(dict, both(only_once))
    assert (verdict.status, KEPT) == ("unknown", [])
    assert notes(verdict, "processes") == [
        "started by fork anew for each round, because an actor leaves something in its process"
    ]


def sometimes(state):
    if os.path.exists("late"):
        only_once(state)


def test_nor_what_it_keeps_only_in_later_rounds():
    rounds = []

    def setup():
        rounds.append(1)
        if len(rounds) > 8:
            Path("late").touch()

    verdict = hammer(setup, both(sometimes), rounds=80)
    assert verdict.status == "unknown", str(verdict)


def test_what_setup_changes_in_a_module_is_seen():
    def setup():
        MADE["path"] = f"{len(MADE)}-{time.perf_counter_ns()}"
        return MADE["path"]

    def actor(path):
        assert MADE["path"] == path

    verdict = hammer(setup, both(actor))
    assert verdict.status == "unknown"
    assert notes(verdict, "processes") == [
        "started by fork anew for each round, because setup changes more than the state"
    ]


def add_shared(state):
    with open("lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        SHARED[0][0] += 1


def test_memory_that_was_shared_before_is_shared_still():
    def setup():
        SHARED[0][0] = 0

    with mmap.mmap(-1, 1) as memory:
        SHARED.append(memory)
        try:
            verdict = hammer(setup, both(add_shared), outcome=lambda state: memory[0], rounds=60)
        finally:
            SHARED.clear()
    assert verdict.outcomes == {2: 60}
    assert notes(verdict, "processes") == ["started by fork and kept from round to round"]


def keep_locked(state, kept=[]):  # noqa: B006 - it is meant to be kept
    kept.append(os.open("lock", os.O_CREAT | os.O_RDWR))
    fcntl.flock(kept[-1], fcntl.LOCK_EX)


def test_a_lock_that_only_the_end_of_the_process_frees_is_no_deadlock():
    verdict = hammer(lambda: Path("lock").touch(), {"alice": keep_locked}, rounds=6)
    assert (verdict.status, verdict.schedules) == ("unknown", 6)


# ------------------------------------------------------------------ nothing is left


def test_nothing_is_left():
    def actor(state):
        subprocess.Popen(["sleep", "600"])
        shared_memory.SharedMemory(create=True, size=8).close()
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()

    before = segments(), os.getcwd(), tempfile.gettempdir(), dict(os.environ)
    verdict = hammer(dict, both(actor), rounds=3)
    assert notes(verdict, "left behind") == ["a segment of shared memory in 6 rounds; removed"]
    assert (segments(), os.getcwd(), tempfile.gettempdir(), dict(os.environ)) == before
    assert left_directories() == []
    assert not multiprocessing.active_children()


PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import subprocess
from multiprocessing import shared_memory
import lab
from tests.processes.programs import *
def actor(state):
    increment(state)
    subprocess.Popen(["sleep", "600"])
    shared_memory.SharedMemory(create=True, size=8).close()
print("ready", flush=True)
lab.hammer(zero, both(actor), on="processes", seconds=600)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_nothing_is_left_when_the_runner_is_killed(tmp_path):
    before = segments()
    kill_runners(PROGRAM, tmp_path, [0.1 + 0.13 * number for number in range(5)])
    assert os.listdir(tmp_path) == []
    assert processes_of(str(tmp_path)) == []
    assert segments() <= before


def test_who_was_forked_by_a_runner_that_is_no_more_ends():
    child = os.fork()
    if not child:
        _settle(os.getppid() + 1)  # which is not who forked it
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 70


# ------------------------------------------------------------------ what cannot work


class Holder:
    def __init__(self):
        self.inner = {"lock": threading.Lock()}


@pytest.mark.parametrize(
    ("setup", "actor", "told"),
    [
        (
            dict,
            lambda state: None,
            "actors['alice'], a function, cannot be pickled, as start='spawn' needs (",
        ),
        (
            Holder,
            only_once,
            "state.inner['lock'], a lock, cannot be pickled, as start='spawn' needs "
            "(TypeError: cannot pickle '_thread.lock' object); leave it out of the state, or use start='fork'",
        ),
    ],
)
def test_what_cannot_be_pickled_is_named(setup, actor, told):
    with pytest.raises(InvalidValue) as caught:
        hammer(setup, {"alice": actor}, start="spawn")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"on": "auto", "start": "fork"}, "start='fork': concerns processes; add on='processes', or leave it out"),
        ({"start": "thread"}, "start='thread': unknown; choose one of auto, fork, forkserver, spawn"),
    ],
)
def test_options_that_cannot_work(options, told):
    with pytest.raises(InvalidValue) as caught:
        lab.hammer(dict, [len], **{"on": "processes", **options})
    assert str(caught.value) == told
