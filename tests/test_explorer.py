"""`explore` from outside: whatever ends it, it leaves nothing behind; and it is the same in every process."""

import os
import re
import signal
import subprocess
import sys
import threading

import pytest

import lab
from lab.errors import LabError
from lab.exhaustion import about
from lab.hooks import DRIVERS


class Counter:
    def __init__(self):
        self.value = 0


def increment(counter):
    current = counter.value
    counter.value = current + 1


def final(counter):
    return counter.value


def racy(**options):
    return lab.explore(Counter, [increment, increment], outcome=final, allowed={2}, **options)


@pytest.fixture(autouse=True)
def nothing_left():
    code = [increment.__code__, final.__code__, Counter.__init__.__code__, threading.Thread.start.__code__]
    handler, profile = signal.getsignal(signal.SIGINT), sys.getprofile()
    yield
    now = [increment.__code__, final.__code__, Counter.__init__.__code__, threading.Thread.start.__code__]
    assert all(one is before for one, before in zip(now, code, strict=True))
    assert DRIVERS == {}
    assert (signal.getsignal(signal.SIGINT), sys.getprofile()) == (handler, profile)
    assert racy(schedules=50).status == "fails"  # and the next exploration works


# ------------------------------------------------------------------ whatever ends it


def recurse(state):
    recurse(state)


def leave_by(error):
    def actor(state):
        increment(state)
        raise error

    return actor


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (leave_by(SystemExit(3)), "SystemExit: 3"),
        (leave_by(KeyboardInterrupt()), "KeyboardInterrupt"),
        (recurse, "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_what_leaves_an_actor_is_a_finding(actor, told):
    verdict = lab.explore(Counter, {"eve": actor, "bob": increment})
    assert verdict.failure.kind == "exception"
    assert verdict.failure.message.startswith(told)
    assert verdict.failure.message.endswith(" left eve")


def test_what_setup_raises_passes_through_and_what_check_raises_is_a_finding():
    def broken(*_):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        lab.explore(broken, [increment])
    with pytest.raises(ZeroDivisionError, match="mine"):
        lab.explore(Counter, [increment], teardown=broken)
    verdict = lab.explore(Counter, [increment], check=broken)
    assert verdict.failure.kind == "exception"
    assert verdict.failure.message.endswith("broken() raised ZeroDivisionError: mine")


def test_a_failure_is_reported_though_teardown_breaks_after_it():
    def teardown(counter):
        if counter.value == 1:
            raise ZeroDivisionError("mine")

    verdict = racy(teardown=teardown)
    assert str(verdict.failure) == "outcome: outcome 1 (allowed: 2)"
    assert verdict.failure.detail == ("teardown raised ZeroDivisionError: mine after the failure",)


@pytest.mark.parametrize("error", [ValueError("gone"), LabError("gone")])
def test_a_failure_is_reported_though_it_cannot_be_recorded(error):
    failed = []

    def setup():
        if failed:
            raise error
        return Counter()

    def outcome(counter):
        failed.extend([1] * (counter.value == 1))
        return counter.value

    verdict = lab.explore(setup, [increment] * 2, outcome=outcome, allowed={2})
    assert str(verdict.failure) == "outcome: outcome 1 (allowed: 2)"
    told = f"recording: the failed schedule could not be repeated ({type(error).__name__}: gone)"
    assert told in verdict.notes


@pytest.mark.parametrize("where", ["actor", "check", "outcome", "setup", "child"])
def test_an_exploration_inside_another_is_refused_as_it_is(where):
    def nested(*_):
        racy()

    def child(counter):
        thread = threading.Thread(target=nested)
        thread.start()
        thread.join()

    given = {"setup": nested} if where == "setup" else {where: nested} if where in ("check", "outcome") else {}
    actor = {"actor": nested, "child": child}.get(where, increment)
    with pytest.raises(LabError) as caught:
        lab.explore(**{"setup": Counter, "actors": [actor], **given})
    assert type(caught.value) is LabError
    assert str(caught.value) == (
        "explore() was called inside an exploration; call it from outside the actors, setup and check"
    )


def test_two_os_threads_explore_at_the_same_time():
    found, together = [], threading.Barrier(2)

    def run(seed):
        together.wait()
        found.append([racy(seed=seed).failure.message for _ in range(20)])

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["outcome 1 (allowed: 2)"] * 20] * 2


def test_waiting_for_another_thread_spends_no_budget():
    began = threading.Event()

    def slow():
        lab.explore(lambda: began.set() or Counter(), [increment], seconds=3, strategy="random")

    thread = threading.Thread(target=slow)
    thread.start()
    began.wait(30)
    verdict = lab.explore(Counter, [increment] * 2, seconds=0.5, strategy="random")
    thread.join()
    assert verdict.schedules > 10
    assert verdict.seconds < 2  # where the wait counts it is three, on a slow machine too


# ------------------------------------------------------------------ in other processes


PROGRAM = """\
import lab
class Set:
    def __init__(self): self.names = set(); self.log = []
def add(state):
    for name in ("ann", "ben", "cy"):
        if name not in state.names:
            state.names.add(name); state.log.append(name)
for strategy in ("random", "pct"):
    verdict = lab.explore(Set, [add, add, add], outcome=lambda s: len(s.log), allowed={3}, seed=SEED, strategy=strategy)
    verdict.seconds = 0
    print(verdict.witness.trace.schedule, verdict.schedules, sorted(verdict.outcomes.items()))
    print(verdict)
"""


def printed(seed, hash_seed, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM.replace("SEED", str(seed)))
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, str(file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_same_seed_gives_the_same_report_in_every_process(tmp_path):
    first = printed(5, "0", tmp_path)
    assert first.count("FAILS") == 2
    assert printed(5, "1", tmp_path) == printed(5, "12345", tmp_path) == first
    assert printed(6, "0", tmp_path) != first


INTERRUPTED = """\
import os, signal, threading, time, lab
from lab.hooks import DRIVERS
class Counter:
    def __init__(self): self.value = 0
def increment(counter):
    counter.value += 1
    if WHERE == "actor":
        os.kill(os.getpid(), signal.SIGINT)
code = increment.__code__
lab.explore(Counter, [lambda counter: None], schedules=1)  # on a busy machine the imports alone may take longer
if WHERE == "anywhere":
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    print(lab.explore(Counter, [increment] * 2, seconds=30, strategy="random"))
except KeyboardInterrupt:
    print("interrupted", increment.__code__ is code, DRIVERS, signal.getsignal(signal.SIGINT).__name__)
"""


@pytest.mark.parametrize("where", ["anywhere", "actor"])
def test_ctrl_c_ends_an_exploration_and_leaves_nothing_behind(where, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(f"WHERE = {where!r}\n{INTERRUPTED}")
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=50)
    assert done.stdout == "interrupted True {} default_int_handler\n"
    assert re.fullmatch(r"\nlab: interrupted after \d+\.\d s: no failure in [\d,]+ schedules?\n", done.stderr), (
        done.stderr
    )


def test_ctrl_c_tells_how_much_was_covered(tmp_path):
    file = tmp_path / "program.py"
    large = INTERRUPTED.replace("[increment] * 2", "[lambda counter: [increment(counter) for _ in range(6)]] * 3")
    large = large.replace('strategy="random"', 'strategy="dpor"').replace("Timer(0.5,", "Timer(3.0,")
    file.write_text(f"WHERE = 'anywhere'\n{large}")
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=50)
    assert re.fullmatch(
        r"\nlab: interrupted after \d+\.\d s: no failure in [\d,]+ schedules?"
        r", [\d,]+ of about [\d,]+ classes covered\n",
        done.stderr,
    ), done.stderr


def test_a_long_exploration_tells_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr("lab.progress._PATIENCE", 0.0)
    monkeypatch.setattr("lab.searching._SLICE", 0.01)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    def act(counter):
        for _ in range(5):
            increment(counter)

    verdict = lab.explore(Counter, [act] * 3, strategy="dpor", schedules=500)
    assert verdict.failure is None
    assert verdict.uncontrolled == ()
    told = capsys.readouterr().err
    assert re.search(r"no failure in \d+ schedules, \d+ of about [\d,]+ classes, [\d,]+/s, 0 s", told), told


@pytest.mark.parametrize(
    ("classes", "told"),
    [(0, "0"), (328, "328"), (1_049, "1,000"), (1_148_316, "1,100,000"), (19_542, "20,000"), (95_000, "95,000")],
)
def test_an_estimate_is_told_as_exactly_as_it_is(classes, told):
    assert about(classes) == told
