"""Code under training runs in a process of its own, of which nothing is left."""

import os
import time
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.training.confined import Reply, ask, required
from lab.training.subject import Subject

START = "class UnsafeCounter:\n    def __init__(self):\n        self.value = 0\n"
RIGHT = """
import threading

class UnsafeCounter:
    def __init__(self):
        self.value = 0
        self._lock = threading.Lock()

    def increment(self):
        with self._lock:
            self.value += 1
"""


def alive(mark):
    """Processes whose environment holds the mark."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes() and b" Z " not in (entry / "stat").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


@pytest.fixture
def grade(subject, tmp_path, monkeypatch):
    """Grade a patch; afterwards nothing may be left of it."""
    monkeypatch.setenv("OF_THIS_TEST", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)

    def grade(patch, seconds=40.0, model="threads", **options):
        options = {"variant": "unsafe", "model": model, "budget": 2.0, "width": 80, **options}
        reply = ask("grade", subject, seconds=seconds, patch=patch, **options)
        left = [pid for pid in alive(f"OF_THIS_TEST={tmp_path}".encode()) if pid != os.getpid()]
        assert (left, list((tmp_path / "temporary").iterdir())) == ([], [])
        return reply

    yield grade
    monkeypatch.setattr("tempfile.tempdir", None)


def test_a_right_patch_holds_and_it_is_told_how_far_it_is(grade):
    heard = []
    reply = grade(RIGHT, progress=heard.append)
    answer = reply.answer
    assert (answer["status"], answer["reason"]) == ("holds", "all 2 classes of schedules")
    assert (answer["overlap"], answer["under_one_lock"]) == (0.0, 1.0)
    assert all(line.startswith("explore: no failure in ") for line in heard)


def test_a_wrong_patch_fails_with_a_witness_of_its_own(grade):
    answer = grade(START + "    def increment(self):\n        self.value += 1\n").answer
    assert answer["status"] == "fails"
    assert "self.value += 1" in answer["report"]
    assert "replay" not in answer["report"]


@pytest.mark.parametrize(
    ("body", "trouble", "reason"),
    [
        ("import os\nos._exit(3)\n", "ended", "its process ended before it had answered (exit code 3)"),
        (
            "x = bytearray(64 << 30)\n",
            "error",
            "it ran out of memory, of which it may have 2,048 MiB",
        ),
        ("import os\nos.remove('/etc/hostname')\n", "refused", "it was stopped before os.remove('/etc/hostname')"),
        ("open('/etc/lab', 'w')\n", "refused", "it was stopped before open('/etc/lab')"),
        (
            "import subprocess\nsubprocess.run(['sleep', '9'])\n",
            "refused",
            "it was stopped before subprocess.Popen('sleep', ['sleep', '9'])",
        ),
    ],
)
def test_what_a_patch_may_not_do_ends_it(grade, body, trouble, reason):
    reply = grade(body + START)
    assert (reply.answer, reply.trouble, reply.reason) == (None, trouble, reason)


def test_what_an_actor_may_not_do_ends_it(grade, tmp_path):
    (tmp_path / "kept").mkdir()
    remove = f"import shutil\n{START}    def increment(self):\n        shutil.rmtree({str(tmp_path / 'kept')!r})\n"
    reply = grade(remove)
    assert (reply.trouble, (tmp_path / "kept").is_dir()) == ("refused", True)


def test_a_loop_without_end_and_a_flood_are_cut_short(grade):
    began = time.monotonic()
    reply = grade("import os\nwhile True: os.write(1, b'flood ' * 1_000)\n", seconds=3.0)
    assert (reply.trouble, reply.reason) == ("too long", "it was stopped, as it did not come to an end in 3 s")
    assert time.monotonic() - began < 60  # what it takes to start included
    assert reply.output.startswith("flood flood")
    assert reply.output.endswith("\n... cut off: it printed more ...")
    assert len(reply.output) < 10_000


@pytest.mark.parametrize(
    ("trouble", "told"), [("error", "mend it"), ("ended", "{path}: mend it"), ("too long", "{path}: mend it")]
)
def test_what_gave_no_answer_is_named_once(subject, trouble, told):
    """An error says itself where it is."""
    with pytest.raises(LabError) as raised:
        required(Reply(None, trouble, "mend it"), subject)
    assert str(raised.value) == told.format(path=subject.path)


def test_children_that_leave_its_session_are_ended_as_well(grade):
    """Those of a program of processes, which may fork."""
    grade(
        "import os, time\n"
        "if not os.fork():\n"
        "    os.setsid()\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
        "    time.sleep(600)\n"
        "os._exit(0)\n",
        model="processes",
    )


def test_forks_without_end_are_stopped(grade):
    reply = grade("import os\nwhile True: os.fork()\n", model="processes")
    assert reply.trouble == "refused"
    assert reply.reason == "it was stopped before os.fork(), more than 4 times"


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ("class\n", "patch.py:1: SyntaxError: invalid syntax; mend it and try again"),
        ("del UnsafeCounter\n", "--setup UnsafeCounter: not in {path}; did you mean FixedCounter?"),
    ],
)
def test_a_patch_that_is_none(grade, subject, patch, reason):
    answer = grade(patch).answer
    assert answer["status"] == "broken"
    assert answer["reason"] == reason.format(path=subject.path)


def test_a_module_that_cannot_be_imported(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_there\n")
    reply = ask("describe", Subject.of(path, "f", ("g",)))
    assert reply.trouble == "error"
    assert reply.reason == f"{path}:1: cannot be imported: ModuleNotFoundError: No module named 'nothing_there'"


def test_actors_that_are_processes_may_be_killed_by_the_lab_and_by_nobody_else(tmp_path):
    path = tmp_path / "note.py"
    path.write_text(PROCESSES)
    subject = Subject.of(path)
    given = {"seconds": 60.0, "variant": "unsafe", "model": "processes", "budget": 5.0, "width": 80}
    good = "class UnsafeNote:\n    def write(self):\n        open('note', 'a').close()\n"
    assert ask("grade", subject, patch=good, **given).answer["status"] == "holds"
    bad = good.replace("open('note', 'a').close()", "__import__('os').kill(1, 15)")
    assert ask("grade", subject, patch=bad, **given).reason == "it was stopped before os.kill(1, 15)"


PROCESSES = """
from pathlib import Path
from lab import Scenario

class UnsafeNote:
    def write(self):
        Path("note").write_text("two words")

def actor(note):
    note.write()

SCENARIO = Scenario(
    bug_class="a", unsafe=UnsafeNote, fixed=UnsafeNote, actors={"alice": actor}, on="processes", crash=True,
    outcome=lambda note: Path("note").exists() and Path("note").read_text(),
    allowed={"": "empty", False: "none"}, forbidden={"two words": "all"},
)
"""
