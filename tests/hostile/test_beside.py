"""No tool beside the lab changes a verdict: each run says, word for word, what a bare run says."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.carriers.watch import _is_debugged

ROOT = Path(__file__).parents[2]

PROGRAM = """\
import functools, sys, threading, lab

class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()
        self.done = 0
    @property
    def doubled(self):
        return self.value * 2

def add(counter):
    counter.value = counter.value + 1

def add_safely(counter):
    with counter.lock:
        add(counter)

def by_child(counter):
    child = threading.Thread(target=add_safely, args=(counter,))
    child.start()
    child.join()

def long(counter):
    for _ in map(add, (counter,) * 4):  # C code calls
        pass
    counter.done = counter.doubled

def final(counter):
    if counter.value < 0:
        return "never"
    return counter.value

def told(**options):
    for carrier in ("greenlet", "thread"):
        for name, actors, more in (
            ("racy", [add, add], {"allowed": {2}}),
            ("safe", [by_child, add_safely], {"allowed": {2}}),
            ("long", [long, long], {"schedules": 60}),
        ):
            verdict = lab.explore(Counter, actors, outcome=final, carrier=carrier, **more)
            steps = verdict.witness and [str(step) for step in verdict.witness.trace.steps]
            yield (name, carrier, verdict.status, verdict.reason, str(verdict.failure), verdict.schedules,
                   sorted(map(str, verdict.outcomes.items())), verdict.uncontrolled, steps)

def main():
    for line in told():
        print(*line)
"""
SCRIPT = "import program\nprogram.main()\n"
TEST = "import program\n\ndef test_it():\n    program.main()\n\ndef test_again():\n    program.main()\n"
DEBUGGED = """\
import bdb, sys, program

class Debugger(bdb.Bdb):
    def user_line(self, frame):
        self.set_continue() if frame.f_code.co_name == "never" else self.set_step()

debugger = Debugger()
debugger.reset()
sys.settrace(debugger.trace_dispatch)
program.main()
sys.settrace(None)
"""
TRACED = "import sys, threading, program\n\ndef watch(*event):\n    return watch\n\nthreading.settrace(watch)\nsys.settrace(watch)\nprogram.main()\nassert sys.gettrace() is watch\n"
PROFILED = (
    "import cProfile, program\nprofile = cProfile.Profile()\nprofile.runcall(program.main)\nassert profile.getstats()\n"
)
MALLOC = "import tracemalloc, program\ntracemalloc.start(5)\nprogram.main()\nassert tracemalloc.is_tracing()\n"


def run(folder, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **environment},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def lines(text):
    return [line for line in text.splitlines() if line.startswith(("racy ", "safe ", "long "))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("beside")
    (made / "program.py").write_text(PROGRAM)
    (made / "script.py").write_text(SCRIPT)
    (made / "test_program.py").write_text(TEST)
    for name, text in (("debugged", DEBUGGED), ("traced", TRACED), ("profiled", PROFILED), ("malloc", MALLOC)):
        (made / f"{name}.py").write_text(text)
    return made


@functools.cache
def bare(folder):
    found = lines(run(folder, "script.py").stdout)
    assert [line.split()[2] for line in found] == ["fails", "holds", "unknown"] * 2, found
    return found


COMMANDS = {
    "development mode": (["-X", "dev", "script.py"], {}),
    "warnings are errors": (["-W", "error", "script.py"], {}),
    "another order of hashes, without assertions": (["-O", "script.py"], {"PYTHONHASHSEED": "random"}),
    "imports are timed": (["-X", "importtime", "script.py"], {}),
    "a debugger's trace function": (["debugged.py"], {}),
    "a trace function of all threads": (["traced.py"], {}),
    "cProfile": (["profiled.py"], {}),
    "tracemalloc and faulthandler": (["malloc.py"], {"PYTHONFAULTHANDLER": "1"}),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_script_beside(folder, name):
    arguments, environment = COMMANDS[name]
    assert lines(run(folder, *arguments, **environment).stdout) == bare(folder)


RUNNERS = {
    "a timeout by signal, the debugger waiting": ["--timeout=90", "--timeout-method=signal", "--pdb", "-s"],
    "a timeout by thread, imports by importlib": ["--timeout=90", "--timeout-method=thread", "--import-mode=importlib"],
    "two workers, warnings are errors": ["-n", "2", "-W", "error"],
}


@pytest.mark.parametrize("name", RUNNERS)
def test_the_test_runner_beside(folder, name):
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-rP", "test_program.py", *RUNNERS[name]]
    assert lines(run(folder, *arguments).stdout.replace(".racy", "racy")) == bare(folder) * 2


CORES = ["ctrace", "pytrace", *(["sysmon"] if hasattr(sys, "monitoring") else [])]


@pytest.mark.parametrize("core", CORES)
def test_coverage_beside(folder, core, tmp_path):
    pytest.importorskip("coverage", reason="coverage.py is not installed")
    data = f"--data-file={tmp_path / 'data'}"
    done = run(folder, "-m", "coverage", "run", data, "script.py", COVERAGE_CORE=core)
    assert lines(done.stdout) == bare(folder)
    told = run(folder, "-m", "coverage", "report", data, "--show-missing", f"--include={folder}/program.py").stdout
    (row,) = [line.split() for line in told.splitlines() if line.startswith("program.py")]
    never = PROGRAM.splitlines().index('        return "never"') + 1
    assert (row[2], row[-1]) == ("1", str(never)), told


def _called(name, inner, file="<string>"):
    """A function of a module of that name, which calls ``inner``."""
    names = {"__name__": name, "inner": inner}
    exec(compile("def outer():\n    return inner()\n", file, "exec"), names)
    return names["outer"]


@pytest.mark.parametrize("module", ["pdb", "bdb", "debugpy.server", "pydevd", "_pydev_bundle.pydev_monkey"])
def test_a_debugger_that_has_stopped_the_program_is_told_from_one_that_started_it(module):
    """It has wrapped the thread's function, say; then the watch has to go on, or nobody ever ends an endless loop."""

    def program(inner=sys._getframe):
        return inner()

    prompt = _called(module, _called("cmd", sys._getframe, json.__file__))
    assert not _is_debugged(program())
    assert not _is_debugged(_called(module, program)())
    assert _is_debugged(program(prompt))
    assert _is_debugged(_called("json", prompt, json.__file__)())


ATTACHED = """\
import lab, lab.carriers.watch, sys
lab.carriers.watch.BLOCKED = 0.5

class S:
    value = 0

def spins(state):
    state.value = 1
    while True:
        pass

for carrier in ("greenlet", "thread"):
    print("spins", lab.explore(S, [spins, spins], carrier=carrier, schedules=2).reason[:49])
"""


def test_debugpy_beside(folder, tmp_path):
    pytest.importorskip("debugpy", reason="debugpy is not installed")
    (tmp_path / "spins.py").write_text(ATTACHED)
    arguments = ["-Xfrozen_modules=off", "-m", "debugpy", "--listen", "127.0.0.1:0"]
    told = [line[:44] for line in run(tmp_path, *arguments, "spins.py").stdout.splitlines()]
    assert told == ["spins something escaped control: spins (spin"] * 2
    assert lines(run(folder, *arguments, "script.py").stdout) == bare(folder)
