"""Shrinking keeps the failure and loses the switches; whatever goes wrong in it, the failure is not lost."""

import queue
import threading
import time
from dataclasses import replace

import pytest
import report_programs as programs

import lab
import lab.deciding
import lab.realizing
import lab.shrink
import lab.stopwatch
from lab.program import Failure
from lab.sameness import identity_of_failure
from lab.shrink import Shrinking
from lab.witness import Witness, build_name
from tests.test_carriers import BOTH

COUNTER = {"outcome": programs.final_value, "allowed": {2: "both counted"}}


def found(setup, actors, **options):
    """The verdict on a program that fails, and the schedule of its witness, with its replay looked at."""
    verdict = lab.explore(setup, actors, **options)
    assert verdict.status == "fails", str(verdict)
    options = {name: value for name, value in options.items() if name in ("outcome", "allowed", "check", "steps")}
    again = lab.replay(verdict.witness, setup, actors, **options)
    assert again.status == "fails", again.reason
    assert again.witness.trace == verdict.witness.trace
    assert identity_of_failure(again.failure) == identity_of_failure(verdict.failure)
    return verdict, str(verdict.witness.trace.schedule)


CARRIERS = pytest.mark.parametrize("carrier", BOTH)


class Log:
    def __init__(self):
        self.value = 0
        self.lines = []
        self.lock = threading.Lock()
        self.bell = threading.Event()
        self.mail = queue.Queue()

    def add(self):
        for _ in range(3):
            with self.lock:
                self.lines.append(1)
        self.value += 1
        for _ in range(3):
            with self.lock:
                self.lines.append(1)


@CARRIERS
def test_the_fewest_switches(carrier):
    verdict, schedule = found(
        Log, [Log.add] * 2, strategy="random", carrier=carrier, outcome=lambda log: log.value, allowed={2}
    )
    assert verdict.witness.trace.switches == 2
    assert verdict.shrunk.switches > 5
    assert schedule == "alice*10 | bob*20 | alice*10"
    line = next(line for line in str(verdict).splitlines() if line.startswith("    found"))
    before, executions = verdict.shrunk.switches, verdict.shrunk.executions
    assert f"; shrunk from {before} switches to 2 in {executions:,} executions; " in line


@CARRIERS
@pytest.mark.parametrize("strategy", ["random", "pct", "surw", "pos", "dpor", "auto"])
def test_whoever_finds_it_the_witness_is_the_same(strategy, carrier):
    verdict, schedule = found(programs.Counter, [programs.add_one] * 2, strategy=strategy, carrier=carrier, **COUNTER)
    assert schedule == "alice*1 | bob*2 | alice*1"
    assert verdict.witness.pattern == "lost update"


def test_the_same_seed_is_shrunk_to_the_same_witness():
    options = {"strategy": "random", "outcome": lambda log: log.value, "allowed": {3}}
    one, other = (lab.explore(Log, [Log.add] * 3, seed=3, **options) for _ in range(2))
    assert one.status == "fails"
    assert one.witness == replace(other.witness, call=one.witness.call)
    assert one.shrunk == other.shrunk


def test_who_has_no_part_in_it_runs_last():
    _, schedule = found(
        programs.Counter,
        [programs.add_one] * 4,
        strategy="random",
        outcome=lambda counter: counter.value < 4,
        allowed={False: ""},
    )
    assert schedule == "alice*1 | bob*2 | alice*1 | carol*2 | dave*2"


def test_who_has_no_part_in_an_exception_never_runs():
    def sell(shelf):
        if shelf.loaves:
            shelf.loaves.pop()

    def look(shelf):
        for _ in range(4):
            len(shelf.loaves)

    verdict, schedule = found(programs.Shelf, [look, sell, sell], strategy="random", seed=1)
    assert verdict.failure.message == "IndexError: pop from empty list left bob"
    assert schedule == "bob*1 | carol*2 | bob*1"


# ------------------------------------------------------------------ the same failure


def test_another_failure_is_no_shorter_form_of_this_one():
    """When Alice has ended, Bob raises another exception without any further switch."""

    class Box:
        first = second = 0

    def alice(box):
        box.first = 1
        box.second = 1

    def bob(box):
        first = box.first
        if box.second > first:
            raise ValueError("torn")
        if not first and not box.second and not box.first:
            return
        if first and box.second:
            raise KeyError("late")

    verdicts = [lab.explore(Box, {"bob": bob, "alice": alice}, strategy="random", seed=seed) for seed in range(20)]
    failed = [one for one in verdicts if one.status == "fails"]
    found = {(one.failure.message, str(one.witness.trace.schedule).rpartition("*")[0]) for one in failed}
    assert found == {
        ("ValueError: torn left bob", "bob*1 | alice*2 | bob"),
        ("KeyError: 'late' left bob", "alice*2 | bob"),
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("outcome", "outcome 1"), ("outcome", "outcome 1"), True),
        (("outcome", "outcome 1"), ("outcome", "outcome 2"), False),
        (("outcome", "outcome 1"), ("check", "outcome 1"), False),
        (("check", "sum is 3"), ("check", "sum is 4"), False),
        (
            ("exception", "KeyError: 'a' left bob", ("bob: a.py:1 in f", "bob: a.py:9 in g")),
            ("exception", "KeyError: 'b' left alice", ("alice: a.py:2 in h", "alice: a.py:9 in g")),
            True,  # the same line, whoever came there by whatever way
        ),
        (
            ("exception", "KeyError: 'a' left bob", ("bob: a.py:9 in g",)),
            ("exception", "KeyError: 'a' left bob", ("bob: a.py:8 in g",)),
            False,
        ),
        (
            ("exception", "KeyError left bob", ("bob: a.py:9 in g",)),
            ("exception", "ValueError left bob", ("bob: a.py:9 in g",)),
            False,
        ),
        (
            (
                "deadlock",
                "a waits for x of b, b waits for y of a",
                (
                    "a waits for x at f.py:1; b holds it since f.py:2",
                    "b waits for y at f.py:1; a holds it since f.py:2",
                    "c waits for y at f.py:7; a holds it since f.py:2",
                ),
            ),
            (
                "deadlock",
                "b waits for x of a, a waits for y of b",
                (
                    "b waits for x at f.py:1; a holds it since f.py:2",
                    "a waits for y at f.py:1; b holds it since f.py:2",
                ),
            ),
            True,  # the same circle; who else waits does not matter
        ),
        (
            (
                "deadlock",
                "a waits for x of b, b waits for y of a",
                ("a waits for x at f.py:1", "b waits for y at f.py:1"),
            ),
            (
                "deadlock",
                "a waits for x of b, b waits for z of a",
                ("a waits for x at f.py:1", "b waits for z at f.py:1"),
            ),
            False,
        ),
        (
            ("deadlock", "a waits for x, which it holds itself", ("a waits for x at f.py:1; a holds it since f.py:1",)),
            ("deadlock", "a waits for x, which it holds itself", ("a waits for x at f.py:3; a holds it since f.py:1",)),
            False,
        ),
        (("livelock", "no end after 9 steps"), ("livelock", "no end after 8 steps"), True),
    ],
)
def test_what_is_the_same_failure(one, other, same):
    assert (identity_of_failure(Failure(*one)) == identity_of_failure(Failure(*other))) == same


# ------------------------------------------------------------------ nothing is lost


@pytest.mark.parametrize("error", [RuntimeError("no"), MemoryError(), RecursionError()])
def test_an_error_in_the_shrinking_does_not_lose_the_failure(monkeypatch, error):
    def fail(self, *arguments, **keywords):
        raise error

    monkeypatch.setattr(Shrinking, "_try", fail)
    verdict = lab.explore(programs.Counter, [programs.add_one] * 2, strategy="random", **COUNTER)
    assert verdict.failure.message == "outcome 1 (allowed: 2)"
    assert verdict.witness.trace.steps
    assert verdict.shrunk is None


def test_a_program_that_breaks_the_lab_later_does_not_lose_the_failure(monkeypatch):
    shrinking = []
    run = Shrinking.run
    monkeypatch.setattr(Shrinking, "run", lambda self: shrinking.append(self) or run(self))

    def outcome(log):
        return [log] if shrinking else log.value  # which cannot be tallied: an error in an exploration

    verdict = lab.explore(Log, [Log.add] * 2, strategy="random", outcome=outcome, allowed={2})
    assert verdict.failure.message == "outcome 1 (allowed: 2)"
    assert shrinking
    assert verdict.witness.trace.switches > 5
    assert verdict.shrunk is None


def test_ctrl_c_while_shrinking_tells_what_was_found(monkeypatch, capsys):
    def interrupt(self, *arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(Shrinking, "_try", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lab.explore(programs.Counter, [programs.add_one] * 2, strategy="random", **COUNTER)
    told = capsys.readouterr().err
    assert told.startswith("\nlab: interrupted after ")
    assert ": failed in schedule " in told
    assert "outcome: outcome 1 (allowed: 2)" in told


# ------------------------------------------------------------------ bounds


class Long:
    def __init__(self):
        self.value = 0
        self.noise = [0] * 4

    def add(self):
        for number in range(24):
            self.noise[number % 4] += 1
        self.value += 1
        for number in range(24):
            self.noise[number % 4] += 1


def test_a_witness_of_two_hundred_steps_takes_a_few_seconds_at_most_and_is_the_same_on_a_busy_machine(monkeypatch):
    """On which real time goes by a thousand times as fast: what is counted comes first."""
    options = {"strategy": "random", "outcome": lambda long: long.value, "allowed": {2}}
    began = time.process_time()
    verdict, _ = found(Long, [Long.add] * 2, **options)
    assert len(verdict.witness.trace.steps) > 190
    assert verdict.shrunk.switches > 50
    assert verdict.witness.trace.switches == 2
    assert verdict.shrunk.executions <= lab.shrink.EXECUTIONS + 20
    assert time.process_time() - began < 15
    assert verdict.notes == ()
    monkeypatch.setattr(lab.stopwatch, "now", lambda: 1_000 * time.perf_counter())
    monkeypatch.setattr(lab.stopwatch.Limit, "_TIMES_AS_LONG", 4_000)
    again, _ = found(Long, [Long.add] * 2, **options)
    assert (again.shrunk, again.notes) == (verdict.shrunk, ())
    assert again.witness == replace(verdict.witness, call=again.witness.call, called=again.witness.called)


def test_the_bound_in_executions(monkeypatch):
    monkeypatch.setattr(lab.shrink, "EXECUTIONS", 3)
    verdict, _ = found(Log, [Log.add] * 2, strategy="random", outcome=lambda log: log.value, allowed={2})
    assert verdict.shrunk is None or verdict.shrunk.executions <= 3 + 2


@pytest.mark.parametrize("bound", ["STEPS", "OPERATIONS"])
def test_the_bounds_in_steps_and_operations(monkeypatch, bound):
    monkeypatch.setattr(lab.shrink, bound, 200)
    verdict, _ = found(Log, [Log.add] * 2, strategy="random", outcome=lambda log: log.value, allowed={2})
    assert 1 < verdict.shrunk.executions < 20
    assert not [note for note in verdict.notes if "shrinking" in note]


@pytest.mark.parametrize(
    ("module", "what"),
    [
        (lab.shrink, "shrinking"),
        (lab.deciding, "the search for the two critical steps"),
        (lab.realizing, "the search for a witness that can happen here"),
    ],
)
def test_the_bound_in_seconds_is_told(monkeypatch, module, what):
    if module is lab.realizing and build_name() != "gil":
        pytest.skip("any witness can happen here")
    monkeypatch.setattr(module, "SECONDS", 0.0)
    verdict, _ = found(Log, [Log.add] * 2, strategy="random", outcome=lambda log: log.value, allowed={2})
    told = f"    cut short  {what} took longer than 0 s, and may come further in another run"
    assert told in str(verdict).splitlines()
    assert (verdict.shrunk is None) is (module is lab.shrink)
    assert (verdict.witness.critical == ()) is (module is lab.deciding)


# ------------------------------------------------------------------ livelocks


@CARRIERS
def test_a_livelock_is_cut_to_its_first_round(carrier, tmp_path):
    actors = {"alice": programs.from_the_left, "bob": programs.from_the_right}
    verdict, _ = found(programs.Corridor, actors, strategy="pct", steps=2_000, carrier=carrier)
    witness = verdict.witness
    assert verdict.failure.kind == "livelock"
    assert len(witness.trace.steps) < 20
    assert witness.repeats == 2
    assert {step.actor for step in witness.trace.steps[-2:]} == {"alice", "bob"}
    count = len(witness.trace.steps)
    assert f"    Steps {count - 1} and {count} are taken again and again." in str(verdict).splitlines()
    assert verdict.shrunk.steps >= 2_000
    assert Witness.load(witness.save(tmp_path / "w.json")).repeats == 2


def test_a_livelock_that_was_mended_no_longer_fails():
    actors = {"alice": programs.from_the_left, "bob": programs.from_the_right}
    witness = lab.explore(programs.Corridor, actors, strategy="pct", steps=2_000).witness

    class Mended(programs.Corridor):
        def walk(self, me, other):
            pass

    verdict = lab.replay(witness, Mended, actors, steps=2_000)
    assert verdict.stale, verdict.reason


# ------------------------------------------------------------------ threads, timeouts, daemons


@CARRIERS
def test_child_threads_are_shrunk_too(carrier):
    verdict, schedule = found(
        programs.Counter, [programs.two_threads], strategy="random", seed=2, carrier=carrier, **COUNTER
    )
    assert verdict.witness.trace.switches <= 4, schedule
    assert verdict.witness.pattern == "lost update"


@CARRIERS
def test_timeouts_and_daemons_are_shrunk_too(carrier):
    def alice(log):
        if not log.bell.wait(1.0):
            raise TimeoutError("nobody rang")

    def bob(log):
        helper = threading.Thread(target=log.add, daemon=True)
        helper.start()
        log.add()
        log.bell.set()

    verdict, schedule = found(Log, {"alice": alice, "bob": bob}, strategy="random", carrier=carrier)
    assert verdict.failure.message == "TimeoutError: nobody rang left alice"
    assert schedule == "alice*2"
