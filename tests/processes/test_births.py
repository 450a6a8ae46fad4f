"""Processes that an actor starts are under control as the actor is: programs of which the answer is known."""

import os
from collections import Counter
from contextlib import suppress
from multiprocessing import Manager, Process
from pathlib import Path

import pytest

import lab
from tests.processes import starting
from tests.processes.programs import left_directories, zero
from tests.processes.test_kills import children


def count(state):
    return Path("counter").read_text()


def code(state):
    return Path("code").read_text(), count(state)


def explore(actor, outcome=count, **options):
    return lab.explore(
        zero, {"alice": actor}, outcome=outcome, on="processes", **{"strategy": "dpor", "seconds": 100, **options}
    )


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert children() == []
    assert left_directories() == []
    with suppress(ChildProcessError):
        assert os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


HOLD = [
    (starting.counts_with_a_lock, {"2": 2}),
    (starting.counts_one_after_the_other, {"2": 1}),
    (starting.counts_in_turn_with_a_fork, {"2": 1}),
    (starting.keeps_locks_in_order, {"0": 2}),
    (starting.adds_with_a_lock, {"2": 2}),
    (starting.asks_for_codes, {"0": 1}),
    (starting.leaves_a_daemon, {"0": 2}),
    (starting.leaves_a_process, None),
    (starting.reads_to_the_end, None),
    (starting.asks_a_worker, None),
    (starting.starts_who_starts, {"1": 1}),
    (starting.is_refused, {"0": 1}),
    (starting.asks_again_and_again, {"1": 1}),
    (starting.waits_again_and_again, None),
]


def check_that_it_holds(actor, outcomes):
    verdict = explore(actor)
    assert verdict.status == "holds", str(verdict)
    assert verdict.uncontrolled == ()
    assert outcomes is None or verdict.outcomes == Counter(outcomes)


@pytest.mark.parametrize(("actor", "outcomes"), HOLD)
def test_what_holds(actor, outcomes):
    check_that_it_holds(actor, outcomes)


LOSE = [
    (starting.counts_without_a_lock, {"1", "2"}),
    (starting.counts_in_forks, {"1", "2"}),
    (starting.adds, {"1", "2"}),
]


def check_that_updates_are_lost(actor, outcomes):
    verdict = explore(actor)
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", outcomes), str(verdict)
    failed = explore(actor, allowed={"2"})
    assert (failed.status, failed.failure.message) == ("fails", "outcome '1' (allowed: '2')")
    again = lab.replay(failed.witness, zero, {"alice": actor}, outcome=count, allowed={"2"})
    assert (again.status, again.failure.message) == ("fails", failed.failure.message)


@pytest.mark.parametrize(("actor", "outcomes"), LOSE)
def test_lost_updates_among_them(actor, outcomes):
    check_that_updates_are_lost(actor, outcomes)


FAIL = [
    (
        starting.joins_before_it_takes,
        "deadlock",
        "Process-1:1 waits for room in queue, and no one is left to take anything from there",
    ),
    (
        starting.crosses_locks,
        "deadlock",
        "Process-1:1 waits for other of Process-1:2, Process-1:2 waits for one of Process-1:1",
    ),
    (
        starting.kills_who_may_have_a_lock,
        "deadlock",
        "alice waits for lock, which Process-1:1 ended without releasing",
    ),
    (
        starting.forgets_to_tell_a_worker,
        "deadlock",
        "Process-1:1 waits for an item in questions, and no one is left to put one there",
    ),
    (
        starting.asks_for_nothing,
        "exception",
        "ValueError: invalid literal for int() with base 10: 'x' left Process-1:1",
    ),
]


def check_that_it_fails(actor, kind, message):
    verdict = explore(actor)
    assert verdict.status == "fails", str(verdict)
    assert (verdict.failure.kind, verdict.failure.message) == (kind, message)
    again = lab.replay(verdict.witness, zero, {"alice": actor}, outcome=count)
    assert (again.status, again.failure.message) == ("fails", message)


@pytest.mark.parametrize(("actor", "kind", "message"), FAIL)
def test_what_fails(actor, kind, message):
    check_that_it_fails(actor, kind, message)


def test_a_queue_that_is_emptied_first_does_not_fail():
    assert explore(starting.takes_before_it_joins).failure is None


MOMENTS = [
    (starting.counts_how_often_it_waits, {("0", "1"), ("1", "1"), ("2", "1"), ("3", "1")}),
    (starting.terminates, {("-15", "0"), ("-15", ""), ("-15", "1"), ("0", "1")}),
    (starting.waits_a_while, {("None", "1"), ("0", "1")}),
    (starting.looks_for_ends, {("one", "1"), ("other", "1"), ("one other", "1")}),
]


def check_moments(actor, outcomes):
    verdict = explore(actor, outcome=code)
    assert verdict.status == "holds", str(verdict)
    assert verdict.outcomes.keys() == outcomes


@pytest.mark.parametrize(("actor", "outcomes"), MOMENTS)
def test_every_moment_of_an_end_is_tried(actor, outcomes):
    check_moments(actor, outcomes)


def test_who_forks_goes_on_twice():
    verdict = explore(starting.goes_on_twice, outcome=lambda state: Path("log").read_text())
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", {"xx"}), str(verdict)


def test_a_signal_that_is_handled_is_named():
    verdict = explore(starting.handles_signals)
    assert verdict.status == "unknown"
    assert any(
        line.endswith("sends SIGTERM to Process-1:1, which handles it by itself") for line in verdict.uncontrolled
    )


def put_one(made):
    made["one"] = 1


def hands_on_what_a_manager_made(state):
    with Manager() as manager:
        made = manager.dict()
        starting.run(Process(target=put_one, args=(made,)))
        Path("counter").write_text(str(made["one"]))


def test_a_process_beside_one_that_is_out_of_control_is_still_under_control():
    verdict = explore(hands_on_what_a_manager_made, strategy="random", schedules=3)
    assert (verdict.status, verdict.failure) == ("unknown", None)
    assert verdict.outcomes.keys() == {"1"}


def test_actors_have_processes_of_their_own():
    actors = {"alice": starting.counts_one_after_the_other, "bob": starting.counts_one_after_the_other}
    verdict = lab.explore(zero, actors, outcome=count, allowed={"4"}, on="processes", seconds=100)
    assert verdict.status == "fails"
    assert {"Process-1:1", "Process-2:1"} <= {step.actor for step in verdict.witness.trace.steps}


def set_up_by_a_process():
    zero()
    starting.run(starting.Process(target=starting.write))


def test_processes_are_numbered_anew_in_each_actor():
    actor = starting.counts_without_a_lock
    verdict = lab.explore(
        set_up_by_a_process,
        {"alice": actor},
        outcome=count,
        allowed={"3"},
        on="processes",
        strategy="dpor",
        seconds=100,
    )
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome '2' (allowed: '3')")
    assert {step.actor for step in verdict.witness.trace.steps} == {"alice", "Process-1:1", "Process-1:2"}


def test_a_process_that_setup_started_stays_out_of_control():
    verdict = lab.explore(
        set_up_by_a_process,
        {"alice": lambda state: starting.increment()},
        outcome=count,
        on="processes",
        strategy="dpor",
        seconds=100,
    )
    assert (verdict.status, verdict.outcomes) == ("holds", Counter({"2": 1}))


def fails_and_says_bye(state):
    def fail():
        print("so far", flush=True)
        raise ValueError("no")

    process = Process(target=fail)
    process.start()
    process.join()


def test_who_fails_is_announced_by_the_verdict_alone(capfd):
    verdict = explore(fails_and_says_bye)
    assert verdict.failure is not None
    assert str(verdict.failure) == "exception: ValueError: no left Process-1:1"
    printed = capfd.readouterr()
    assert (set(printed.out.splitlines()), printed.err) == ({"so far"}, "")


def writes_twice():
    fd = os.open("counter", os.O_RDWR)
    os.pwrite(fd, b"1", 0)
    os.pwrite(fd, b"2", 0)


def leaves_who_writes(state):
    Process(target=writes_twice, daemon=True).start()


def ends_who_writes(state):
    process = Process(target=writes_twice)
    process.start()
    process.terminate()
    process.join()


@pytest.mark.parametrize("actor", [leaves_who_writes, ends_who_writes])
def test_a_signal_comes_before_and_after_each_operation(actor):
    verdict = explore(actor)
    assert verdict.status == "holds", str(verdict)
    assert set(verdict.outcomes) == {"0", "1", "2"}
