"""`lab review` from beginning to end: the engine measures, poses and judges."""

import json
import os
import pty
import re
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.cli import main
from lab.training.history import NAME, History
from lab.training.studies import Studies
from lab.training.subject import Subject

ROOT = Path(__file__).resolve().parent.parent.parent
COUNTER = ROOT / "scenarios" / "atomicity" / "lost_update.py"
TILL = (
    "class Till:\n    def __init__(self):\n        self.cash = 0\n\n\n"
    "def sell(till):\n    cash = till.cash\n    till.cash = cash + 1\n\n\n"
    "def two_sold(till):\n    assert till.cash == 2\n"
)
SALE = ("--setup", "Till", "--actor", "ann=sell", "--actor", "ben=sell", "--check", "two_sold")
EACH = ("Till", ("ann=sell", "ben=sell"), "two_sold")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder of data in which the scenario is measured already, as a first exercise leaves it."""
    folder = tmp_path_factory.mktemp("data")
    assert review("lost_update", "--kind", "spot", data=folder, typed="30 31\nlost update\n")[0] == 0
    return folder


def review(*arguments, data, typed=""):
    options = ["--scenarios", str(ROOT / "scenarios"), "--data", str(data), "--seed", "1"]
    result = CliRunner().invoke(main, ["review", *arguments, *options], input=typed, catch_exceptions=False)
    return result.exit_code, "\n".join(line.rstrip() for line in result.output.splitlines())


def test_what_the_engine_found_is_kept(measured):
    (facts,) = [json.loads(path.read_text()) for path in (measured / "studies").glob("lost_update-*-unsafe.json")]
    assert (facts["pairs"], facts["pattern"], facts["schedule"]) == (
        [[30, 31]],
        "lost update",
        "alice bob*2 alice",
    )
    assert facts["model"] == "threads"


def test_a_schedule_is_run_and_its_trace_shown(measured):
    code, shown = review("lost_update", "--kind", "break", data=measured, typed="alice*2 bob*2\nbob a a\n")
    assert code == 0
    assert "It passes (outcome 2: both increments counted): try another order." in shown
    assert "It fails: you found a schedule." in shown
    assert "   1  " in shown.partition("It fails")[2]
    assert "reads counter.value 0" in shown


def test_steps_that_nobody_could_take_are_told(measured):
    _, shown = review("lost_update", "--kind", "break", data=measured, typed="bob*9 alice\n")
    assert "the program ended before the last 6 of your steps" in shown


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ("        with LOCK:\n            self.value += 1\n", 0, "It holds: no schedule fails any more."),
        ("        self.value += 1\n", 1, "It still fails."),
        ("        LOCK.acquire()\n        self.value += 1\n", 1, "now it stands still: deadlock."),
    ],
)
def test_a_patch_is_graded(measured, tmp_path, body, code, told):
    patch = tmp_path / "mine.py"
    patch.write_text(
        "import threading\n\nLOCK = threading.Lock()\n\n\nclass UnsafeCounter:\n"
        f"    def __init__(self):\n        self.value = 0\n\n    def increment(self):\n{body}"
    )
    found, shown = review("lost_update", "--patch", str(patch), data=measured)
    assert (found, told in " ".join(shown.split())) == (code, True), shown


def test_the_code_to_edit_is_written_and_put_away_once_it_is_right(measured):
    file = measured / "work" / "atomicity-lost_update.py"
    _, shown = review("lost_update", "--kind", "fix", data=measured, typed="\n")
    assert "It still fails." in shown
    with_lock = file.read_text().replace(
        "        current =", "        with LOCK: self.value += 1; return\n        current ="
    )
    file.write_text("import threading\nLOCK = threading.Lock()\n\n" + with_lock)
    _, shown = review("lost_update", "--kind", "fix", data=measured, typed="\n")
    assert "It holds: no schedule fails any more." in shown
    assert [path.name for path in (measured / "work").iterdir()] == ["atomicity-lost_update.solved.py"]


def test_a_module_of_the_learners_own(tmp_path):
    path = tmp_path / "till.py"
    path.write_text(TILL)
    code, shown = review(str(path), "--kind", "spot", *SALE, data=tmp_path / "data", typed="7 8\nlost update\n")
    assert (code, "Right." in shown) == (0, True), shown


def test_modules_of_one_name_in_two_folders_have_each_their_own_progress(tmp_path):
    """The second one is of another kind than the first: what is known, edited and due is kept apart."""
    data, ours, theirs = tmp_path / "data", tmp_path / "ours" / "till.py", tmp_path / "theirs" / "till.py"
    for path in (ours, theirs):
        path.parent.mkdir()
    ours.write_text(TILL)
    theirs.write_text("from prices import PRICE\n\n\n" + TILL.replace("cash + 1", "cash + PRICE"))
    (theirs.parent / "prices.py").write_text("PRICE = 1\n")
    _, shown = review(str(ours), *SALE, "--kind", "spot", data=data, typed="7 8\nlost update\n")
    assert "again in 1 day" in shown
    _, shown = review(str(ours), *SALE, "--kind", "fix", data=data, typed="\n")  # written to be edited, and graded
    _, shown = review(str(theirs), *SALE, "--kind", "fix", data=data, typed="\n")
    mine, other = Subject.of(ours, *EACH), Subject.of(theirs, *EACH)
    edited = {path.name: path.read_text() for path in (data / "work").iterdir()}
    assert edited == {f"{mine.slug}.py": ours.read_text(), f"{other.slug}.py": theirs.read_text()}
    assert {key: card.box for key, card in History(data).cards().items()} == {
        (mine.key, "spot"): 1,
        (mine.key, "fix"): 0,
        (other.key, "fix"): 0,
    }


def test_the_same_code_in_two_folders_is_measured_in_each(tmp_path):
    """What it imports stands beside it, and need not be the same."""
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "till.py").write_text(TILL)
    ours, theirs = (Subject.of(tmp_path / name / "till.py", *EACH) for name in ("ours", "theirs"))
    studies = Studies(tmp_path)
    assert studies.witness(ours, "unsafe") != studies.witness(theirs, "unsafe")


@pytest.mark.parametrize("named", ["lost_update", "scenarios/atomicity/lost_update.py"])
def test_progress_that_was_kept_by_the_name_alone_goes_on(measured, tmp_path, named):
    """As earlier versions kept it; and it is the scenario's, whoever has named a file of theirs like it."""
    data = tmp_path / "data"
    shutil.copytree(measured, data)
    earlier = History(data)
    with sqlite3.connect(data / NAME) as database:
        database.execute("DELETE FROM cards")
    database.close()
    for _ in range(3):
        earlier.answered("lost_update", "spot", 1.0, 10)
    (data / "work").mkdir(exist_ok=True)
    (data / "work" / "lost_update.py").write_text("half mended")
    own = tmp_path / "lost_update.py"
    own.write_text(TILL)
    review(str(own), *SALE, "--kind", "spot", data=data, typed="q\n")
    assert {key: card.box for key, card in History(data).cards().items()} == {("lost_update", "spot"): 3}
    path = str(ROOT / named) if named.endswith(".py") else named
    _, shown = review(path, "--kind", "spot", data=data, typed="30 31\nlost update\n")
    assert "again in 16 days" in shown
    assert {key: card.box for key, card in History(data).cards().items()} == {("atomicity/lost_update", "spot"): 4}
    assert (data / "work" / "atomicity-lost_update.py").read_text() == "half mended"


def test_progress_of_a_module_that_was_kept_by_its_name_alone_goes_on(tmp_path):
    data, path = tmp_path / "data", tmp_path / "till.py"
    path.write_text(TILL)
    History(data).answered("till", "spot", 1.0, 10)
    review(str(path), *SALE, "--kind", "spot", data=data, typed="q\n")
    assert list(History(data).cards()) == [(Subject.of(path, *EACH).key, "spot")]
    assert History(data).score() == (1, 1, 10)


def test_a_module_that_defines_nothing(tmp_path):
    (tmp_path / "empty.py").touch()
    assert review(str(tmp_path / "empty.py"), *SALE, data=tmp_path / "data") == (
        2,
        f"Error: --check two_sold: not in {tmp_path / 'empty.py'}; it defines none; give the file that does",
    )


def test_a_module_that_holds_has_nothing_to_train_on(tmp_path):
    path = tmp_path / "calm.py"
    path.write_text("def nothing():\n    return 1\n\n\ndef look(state):\n    return state\n")
    actors = ("--setup", "nothing", "--actor", "one=look", "--actor", "two=look")
    assert review(str(path), *actors, data=tmp_path / "data") == (
        2,
        "Error: calm: the engine found no failure to train on: the only class of schedules",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kind", "spott"], "--kind spott: unknown; choose one of spot, break, review, fix"),
        (["lost_updat"], "scenario 'lost_updat': not in {scenarios}; did you mean lost_update?"),
        (["nosuch.py"], "nosuch.py: no such file; give a Python file or the name of a scenario"),
        (["nosuch/lost.py"], "nosuch/lost.py: no such file; give a Python file or the name of a scenario"),
        ([str(ROOT / "README.md")], f"{ROOT / 'README.md'}: is no Python file; give one, or the name of a scenario"),
        (["nosuch/lost"], "scenario 'nosuch/lost': not in {scenarios}; lab list shows them all"),
        (["--exam", "0"], "--exam 0: nothing would be asked; give a whole number of at least 1"),
        (
            ["--setup", "f"],
            "--setup, --actor, --check and --test name functions of a module; give its file, too",
        ),
        (
            [str(COUNTER), "--setup", "f"],
            f"{COUNTER}: has a scenario, which says what is run; leave --setup and the like out",
        ),
        (
            [__file__, "--setup", "f"],
            f"{__file__}: --actor is missing; give --setup NAME, --actor NAME for each actor, --check NAME",
        ),
        (
            [__file__, "--test", "t", "--setup", "f"],
            "--test t: says what is run, and so do --setup, --actor and --check; give either",
        ),
        (["--patch", "x.py"], "--patch x.py: is graded for one subject; give its name, and --kind fix or none"),
        (["lost_update", "--patch", "x.py", "--web"], "--patch x.py: is graded by itself; leave --web out"),
        (["lost_update", "--patch", "x.py", "--exam", "2"], "--patch x.py: is graded by itself; leave --exam out"),
        (["--exam", "2", "--instructor"], "--exam 2: shows no answers; leave --instructor out, or --exam"),
        (["--exam", "0", "--web"], "--exam 0: nothing would be asked; give a whole number of at least 1"),
        (["lost_update", "--patch", "x.py"], "patch x.py: no such file; give the Python file that you edited"),
    ],
)
def test_options_that_cannot_work(measured, arguments, message):
    code, shown = review(*arguments, data=measured)
    assert (code, shown) == (2, "Error: " + message.format(scenarios=ROOT / "scenarios"))


def test_an_exam_needs_a_seed(tmp_path):
    arguments = ["review", "--exam", "3", "--data", str(tmp_path), "--scenarios", str(ROOT / "scenarios")]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert (result.exit_code, result.output) == (2, "Error: --exam: needs --seed, so that all get the same questions\n")


def test_on_a_real_terminal(measured):
    """A person types into a pty, at 60 columns, without colours; Ctrl-D ends it."""
    environment = dict(os.environ, NO_COLOR="1", COLUMNS="60", TERM="xterm", LAB_DATA=str(measured))
    command = [str(Path(sys.executable).with_name("lab")), "review", "lost_update", "--seed", "1", "--kind", "spot"]
    driver, terminal = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    try:
        shown = read_until(driver, "lines> ")
        os.write(driver, b"31 30\n")
        shown += read_until(driver, "bug> ")
        os.write(driver, b"lost update\n")
        shown += read_until(driver, "In all: ")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(driver)
    assert "Right." in shown
    assert "\x1b[3" not in shown  # no colour
    assert max(len(line.rstrip("\r")) for line in plain(shown).split("\n")) <= 60


def read_until(fd, word):
    found, until = "", time.monotonic() + 60
    while word not in found:
        assert time.monotonic() < until, found
        if select.select([fd], [], [], 0.5)[0]:
            found += os.read(fd, 4_096).decode()
    return found


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)
