"""Each execution has a directory of its own, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import lab
from tests.processes.programs import SEGMENTS, both, increment, left_directories, value, zero

ROOT = Path(__file__).parents[2]


def explore(setup, actors, **options):
    return lab.explore(setup, actors, on="processes", **{"strategy": "dpor", "seconds": 60, **options})


def test_everybody_is_in_the_same_fresh_directory(tmp_path):
    seen = []

    def setup():
        seen.append((os.listdir("."), os.getcwd(), tempfile.gettempdir()))
        Path("setup").touch()

    def check(state):
        with tempfile.NamedTemporaryFile("w") as file:
            seen.append((sorted(os.listdir(".")), os.getcwd(), os.path.dirname(file.name)))

    before = os.getcwd(), tempfile.gettempdir(), dict(os.environ), os.listdir(tempfile.gettempdir())
    explore(setup, {"alice": lambda state: Path("alice").touch()}, check=check)
    assert {tuple(names) for names, _, _ in seen} == {(), ("alice", "setup")}
    assert len({directory for _, directory, _ in seen}) == 1
    (temporary,) = {directory for _, _, directory in seen}
    assert os.path.dirname(temporary) == os.path.dirname(seen[0][1])
    assert not os.path.exists(os.path.dirname(temporary))
    assert before[:3] == (os.getcwd(), tempfile.gettempdir(), dict(os.environ))


def test_temporary_files_have_the_same_names_each_time():
    def actor(state):
        for _ in range(2):
            handle, name = tempfile.mkstemp(dir=".")
            os.write(handle, os.path.basename(name).encode())
            os.close(handle)

    def outcome(state):
        return tuple(sorted(os.listdir(".")))

    verdict = explore(dict, both(actor), outcome=outcome)
    assert (verdict.status, len(verdict.outcomes)) == ("holds", 1)


def above():
    """Where the private directory of an execution is."""
    seen = []
    explore(lambda: seen.append(Path.cwd()), {"alice": len})
    return str(seen[0].parents[1])


@pytest.fixture
def nowhere_chosen(monkeypatch):
    """As where nobody chose a directory for temporary files."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")


def has_room(blocks):
    return lambda path: os.statvfs_result((4096, 4096, blocks, blocks, blocks, 0, 0, 0, 0, 255))


@pytest.mark.parametrize(("free", "chosen"), [(1 << 30, SEGMENTS), ((1 << 30) - 4096, "/tmp")])
def test_it_is_in_memory_where_there_is_room(monkeypatch, nowhere_chosen, free, chosen):
    monkeypatch.setattr(os, "statvfs", has_room(free // 4096))
    assert above() == chosen
    assert left_directories() == []


def test_it_is_with_all_temporary_files_where_there_is_no_memory_for_files(monkeypatch, nowhere_chosen):
    def no_such(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "statvfs", no_such)
    assert above() == "/tmp"


def test_it_is_where_somebody_chose(monkeypatch, nowhere_chosen, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert above() == str(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    monkeypatch.setenv("TMPDIR", "/tmp")
    assert above() == "/tmp"


def test_directories_that_nobody_may_write_to_go_as_well():
    def actor(state):
        os.makedirs("a/b")
        Path("a/b/c").touch()
        os.chmod("a/b", 0o500)
        os.chmod("a", 0)

    explore(dict, {"alice": actor})
    assert left_directories() == []


def test_no_directory_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    with pytest.raises(lab.errors.LabError) as caught:
        explore(dict, {"alice": len})
    assert str(caught.value) == (
        "on='processes': no private directory can be made in /proc/nowhere (No such file or directory); "
        "set TMPDIR to a directory that can be written to"
    )


def test_a_file_outside_that_setup_makes_anew_is_no_doubt(tmp_path):
    path = tmp_path / "counter"

    def add(state):
        with open(path, "a") as file:
            file.write("x")

    verdict = explore(lambda: path.write_text(""), both(add), outcome=lambda state: path.read_text())
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", {"xx"})


def test_a_file_outside_that_is_left_as_it_was_is_one(tmp_path):
    path = tmp_path / "counter"

    def add(state):
        with open(path, "a") as file:
            file.write("x")

    verdict = explore(dict, both(add))
    assert verdict.status == "unknown"
    assert f"setup does not make everything anew: {path} is not as the execution before found it" in verdict.reason


PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import lab
from tests.processes.programs import *
print("ready", flush=True)
while True:
    lab.explore(zero, both(increment), outcome=value, on="processes", strategy="random", seconds=0.5)
"""


BIRTHS = """
import sys
sys.path.insert(0, {root!r})
import lab
from tests.processes import pooling, starting
from tests.processes.programs import zero

def alice(state):
    for program in (
        starting.counts_with_a_lock, starting.leaves_a_daemon, pooling.does_not_wait, starting.goes_on_twice
    ):
        program(state)

print("ready", flush=True)
while True:
    lab.explore(zero, {{"alice": alice}}, on="processes", strategy="random", seconds=0.5)
"""


def processes_of(word):
    """What runs and has ``word`` among its arguments, environment or working directory."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            told = Path(f"/proc/{name}/cmdline").read_bytes() + Path(f"/proc/{name}/environ").read_bytes()
            state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if word.encode() in told and state != "Z":
            found.append((name, told[:100]))
    return found


def kill_runners(program, directory, moments):
    """Kill a runner of ``program`` after each of so many seconds, and wait for ``directory`` to be left."""
    environment = {**os.environ, "TMPDIR": str(directory)}
    for moment in moments:
        runner = subprocess.Popen(
            [sys.executable, "-c", program.format(root=str(ROOT))],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        assert runner.stdout.readline() == b"ready\n"
        time.sleep(moment)
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        runner.stdout.close()
    until = time.monotonic() + 20
    while (os.listdir(directory) or processes_of(str(directory))) and time.monotonic() < until:
        time.sleep(0.05)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
@pytest.mark.parametrize("program", [PROGRAM, BIRTHS], ids=["actors", "births"])
def test_nothing_is_left_when_the_runner_is_killed(tmp_path, program):
    kill_runners(program, tmp_path, [0.05 + 0.07 * number for number in range(8)])
    assert os.listdir(tmp_path) == []
    assert processes_of(str(tmp_path)) == []


def test_who_kills_an_actor_is_told_so():
    def kill(state):
        os.kill(int(Path("pid").read_text()), signal.SIGKILL)

    def killed(state):
        Path("pid").write_text(str(os.getpid()))
        while True:
            os.path.exists("nothing")

    verdict = explore(lambda: Path("pid").write_text("0"), {"alice": killed, "bob": kill}, steps=100)
    assert verdict.status == "fails"


_ = increment, value, zero
