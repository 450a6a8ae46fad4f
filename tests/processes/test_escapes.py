"""What a process does past the known operations stands in the verdict, which then is not *holds*."""

import ctypes
import fcntl
import importlib
import mmap
import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

import lab
from tests.processes.test_private import processes_of


def explore(setup, actor):
    return lab.explore(setup, {"alice": actor, "bob": actor}, on="processes", strategy="dpor", seconds=60)


def starts_another_program(state):
    subprocess.run([sys.executable, "-S", "-c", ""], check=True)


def maps_a_file_for_itself(state):
    with open("a", "r+b") as file:
        mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_COPY).close()


def asks_a_socket(state):
    socket.socket().close()


def starts_a_thread(state):
    thread = threading.Thread(target=len, args=("",))
    thread.start()
    thread.join()


def uses_an_address(state):
    sqlite3.connect("file:b?nolock=1", uri=True).close()


def calls_c(state):
    ctypes.CDLL(None).getpid()


def forks(state):
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = os.fork()
    if not pid:
        Path("a").write_text("child")
        os._exit(0)
    os.waitpid(pid, 0)


def forks_with_a_lock(state):
    with open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        process = multiprocessing.Process(target=len, args=("",))
        process.start()
        process.join()


def has_a_manager(state):
    with multiprocessing.Manager() as manager:
        manager.dict()


def asks_for_state(state, ways=(os.stat,)):
    ways[0]("a")


def reads_a_pipe(state):
    os.write(state[1], b"x")


def locks_by_number(state):
    with open("a", "r+") as file:
        fcntl.fcntl(file, fcntl.F_SETLK, b"\0" * 32)


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (starts_another_program, "starts another program, which is not under control"),
        (
            maps_a_file_for_itself,
            "maps a file for itself, and sees what others write there as long as it does not, "
            "which is not under control",
        ),
        (asks_a_socket, "uses a socket, which is not under control"),
        (starts_a_thread, "starts a thread of its own, which is not under control"),
        (uses_an_address, "connects to file:b?nolock=1 by an address, which is not under control"),
        (calls_c, "calls C code by ctypes, which is not under control"),
        (forks, "forks a process, which is not under control"),
        (forks_with_a_lock, "forks a process, which is not under control"),
        (has_a_manager, "forks a process, which is not under control"),
        (asks_for_state, "calls os.stat by a way that is not under control"),
        (reads_a_pipe, "writes a pipe or socket, which is not under control"),
        (locks_by_number, "comes to fcntl.fcntl by a way of its own, which is not under control"),
    ],
)
def test_what_escapes_is_named(actor, told):
    def setup():
        Path("a").write_text("x")
        return os.pipe() if actor is reads_a_pipe else None

    verdict = explore(setup, actor)
    assert verdict.status == "unknown"
    lines = {line.split(") ", 1)[1] for line in verdict.uncontrolled if f": {actor.__name__} (" in line}
    assert told in lines


def test_what_computes_is_no_doubt():
    import json
    import re
    import shutil

    def actor(state):
        name = re.sub(r"\d", "", f"x{os.getpid()}")
        os.makedirs(f"{name}/y", exist_ok=True)
        Path(name, "y", "z.json").write_text(json.dumps({"a": [1, 2, 3]}))
        shutil.copy(Path(name, "y", "z.json"), "copy")
        sorted(Path(name).rglob("*"))

    verdict = lab.explore(dict, {"alice": actor}, on="processes", strategy="dpor")
    assert verdict.status == "holds", str(verdict)


def test_what_an_actor_starts_ends_even_if_nothing_is_heard_of_it(monkeypatch):
    def actor(state):
        if not os.fork():
            os.execvp("sleep", ["sleep", "612"])
        while True:
            pass

    monkeypatch.setattr("lab.carriers.children._PATIENCE", 1)
    verdict = lab.explore(dict, {"alice": actor}, on="processes", strategy="random", schedules=1)
    assert verdict.status == "unknown"
    assert not [name for name in processes_of("612") if name[1].startswith(b"sleep")]


ENDLESS = """
import subprocess, sys
sys.path.insert(0, {root!r})
import lab
def actor(state):
    subprocess.Popen(["sleep", "613"])
    print("started", flush=True)
    while True:
        pass
lab.explore(dict, {{"alice": actor}}, on="processes")
"""


def test_nor_if_the_runner_is_killed_before_it_is_told(tmp_path):
    runner = subprocess.Popen(
        [sys.executable, "-c", ENDLESS.format(root=str(Path(__file__).parents[2]))],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert runner.stdout.readline() == b"started\n"
    runner.kill()
    runner.wait()
    runner.stdout.close()
    until = time.monotonic() + 20
    while (processes_of(str(tmp_path)) or os.listdir(tmp_path)) and time.monotonic() < until:
        time.sleep(0.05)
    assert (processes_of(str(tmp_path)), os.listdir(tmp_path)) == ([], [])


def test_a_lock_that_a_thread_of_the_runner_held_at_the_fork():
    lock, over = threading.Lock(), threading.Event()

    def hold():
        with lock:
            over.wait()

    def take(state):
        Path("taken").touch()
        with lock:
            pass

    thread = threading.Thread(target=hold, name="holder")
    thread.start()
    try:
        verdict = lab.explore(object, {"alice": take}, on="processes", strategy="dpor", seconds=30)
    finally:
        over.set()
        thread.join()
    line = hold.__code__.co_firstlineno + 2
    assert (verdict.status, verdict.uncontrolled) == (
        "unknown",
        (
            "something escaped control: alice waits for something in its own process that a thread of the runner may "
            f"hold: holder (test_escapes.py:{line})",
        ),
    )


EXISTS = partial(os.access, mode=os.F_OK)
KEPT = {"asks": os.stat, "lists": os.listdir}  # to list a directory announces itself


def makes(state):
    Path("f").touch()


def asks_by_what_is_kept(state):
    EXISTS("f")
    list(map(KEPT["asks"], ["."]))


def test_operations_that_c_code_calls_as_they_were_kept_are_named():
    verdict = lab.explore(object, {"alice": makes, "bob": asks_by_what_is_kept}, on="processes", strategy="dpor")
    assert (verdict.status, verdict.uncontrolled) == (
        "unknown",
        (
            f"{__name__}.EXISTS (partial) keeps access as it was before, which is not under control",
            f"{__name__}.KEPT['asks'] keeps stat as it was before, which is not under control",
        ),
    )


def asks_for_name(state):
    assert socket.gethostname()


def test_the_name_of_the_machine_concerns_nobody():
    verdict = lab.explore(object, [asks_for_name], on="processes", strategy="dpor")
    assert (verdict.status, verdict.uncontrolled, verdict.reason) == ("holds", (), "the only class of schedules")


def is_chosen(state):
    me = f"{os.getpid()}.member"
    Path(me).touch()
    if min(os.listdir()) == me:
        Path(f"{me}.chosen").touch()


def chosen(state):
    return sum(name.endswith("chosen") for name in os.listdir())


def test_whose_process_has_the_lower_number_is_nothing_to_prove_by():
    verdict = lab.explore(object, [is_chosen, is_chosen], outcome=chosen, on="processes", strategy="dpor", schedules=60)
    assert verdict.status == "unknown"
    assert "the program is not the same in every execution" in verdict.reason


def packed_by(module):
    def actor(state):
        with importlib.import_module(module).open("packed", "wb") as file:
            file.write(b"x")
        with importlib.import_module(module).open("packed", "rb") as file:
            file.read()

    return actor


@pytest.mark.parametrize("module", ["gzip", "bz2", "lzma"])
def test_files_that_are_made_of_others_are_no_doubt(module):
    verdict = lab.explore(dict, {"alice": packed_by(module)}, on="processes", strategy="dpor")
    assert verdict.status == "holds", str(verdict)
