"""Reports as a person reads them, kept in tests/golden/: look at a change there before you accept it."""

import re
from collections import Counter

import pytest
import report_programs as programs

from lab.program import NOTHING, Failure
from lab.report.lines import duration, one_line, percent, shown_value
from lab.report.text import render
from lab.trace import Place, Step, Trace
from lab.verdict import Verdict, wilson
from lab.witness import Witness


def normal(text):
    """Without what differs from run to run."""
    text = re.sub(r"\b\d+ ms\b|\b\d+\.\d s\b", "<time>", text)
    return re.sub(r"[\d,]+ other operations", "<many> other operations", text)


@pytest.fixture
def golden_report(golden):
    """Compare with two golden files, one a wide page and one a narrow page."""

    def compare(name, verdict, widths=(120, 80)):
        for width in widths:
            text = render(verdict, width)
            assert [line for line in text.splitlines() if len(line) > width and "--lab-replay" not in line] == []
            assert [line for line in text.splitlines() if line != line.rstrip()] == []
            golden(f"{name}-{width}", normal(text))

    return compare


def test_lost_update(explored, golden_report):
    verdict = explored(
        "lost_update", programs.Counter, [programs.add_one] * 2, orders=["", "alice bob bob alice"], **programs.TWO
    )
    golden_report("lost_update", verdict)


def test_lost_update_on_one_line(explored, golden_report):
    verdict = explored(
        "one_line", programs.Counter, [programs.add_one_on_one_line] * 2, orders=["alice bob bob alice"], **programs.TWO
    )
    golden_report("one_line", verdict)


def test_deadlock(explored, golden_report):
    actors = {"alice": programs.soup, "bob": programs.salad}
    golden_report("deadlock", explored("deadlock", programs.Kitchen, actors, orders=["alice bob"]))


def test_lost_wakeup(explored, golden_report):
    actors = {"alice": programs.Door.listen, "bob": programs.Door.ring}
    golden_report("lost_wakeup", explored("lost_wakeup", programs.Door, actors, orders=["bob bob bob alice"]))


def test_exception(explored, golden_report):
    verdict = explored("exception", programs.Shelf, [programs.customer] * 2, orders=["alice bob bob alice"])
    golden_report("exception", verdict)


def test_livelock(explored, golden_report):
    actors = {"alice": programs.from_the_left, "bob": programs.from_the_right}
    verdict = explored("livelock", programs.Corridor, actors, orders=["alice bob " + "alice bob bob " * 99], steps=90)
    assert verdict.failure.kind == "livelock"
    golden_report("livelock", verdict)


def test_three_actors(explored, golden_report):
    verdict = explored(
        "three_actors",
        programs.Bank,
        {"alice": programs.transfer, "bob": programs.transfer, "carol": programs.audit},
        orders=["alice bob alice bob carol carol alice alice"],
        outcome=programs.the_books,
        allowed={100: "the sum is the same at any time"},
    )
    golden_report("three_actors", verdict)


def test_six_actors(explored, golden_report):
    verdict = explored(
        "six_actors",
        programs.Counter,
        [programs.add_one] * 6,
        orders=["frank alice bob bob carol dave erin frank"],
        outcome=programs.final_value,
        allowed={6: "all counted"},
    )
    golden_report("six_actors", verdict)


def test_child_threads(explored, golden_report):
    for _ in range(2):  # `threading` goes on counting, the report does not
        orders = ["2 3 3 2"]
        verdict = explored("child_threads", programs.Counter, [programs.two_threads], orders=orders, **programs.TWO)
        golden_report("child_threads", verdict)


def test_a_long_trace(explored, golden_report):
    verdict = explored(
        "long_trace",
        programs.Counter,
        [programs.add_many] * 2,
        orders=["alice " * 40 + "bob alice bob alice " * 10],
        outcome=programs.final_value,
        allowed={60: "all counted"},
    )
    golden_report("long_trace", verdict)


def test_a_passing_verdict(golden_report):
    verdict = Verdict(
        "holds",
        "2 of 2 classes, operation granularity",
        schedules=2,
        outcomes=Counter({2: 2}),
        seconds=0.001,
        title="tests/test_counter.py::test_fixed",
        descriptions={2: "both counted", 1: "one increment lost"},
        allowed=frozenset({2}),
    )
    golden_report("holds", verdict, [120])
    assert one_line(verdict) == "holds: 2 of 2 classes, operation granularity, 1 ms"


def test_a_spent_budget(explored, golden_report):
    verdict = explored("budget", programs.Counter, [programs.add_one] * 2, **programs.TWO)
    golden_report("budget", verdict, [120])
    assert normal(one_line(verdict)) == "unknown: no failure in 2 schedules, <time>"


def test_many_outcomes_and_much_that_escaped(golden_report):
    verdict = Verdict(
        "unknown",
        "no failure in 1,000 schedules when the time was up",
        outcomes=Counter({number: 100 - number for number in range(30)} | {"forbidden one": 1, NOTHING: 7}),
        seconds=12.34,
        title="tests/test_many.py::test_many",
        descriptions={"forbidden one": "what must not be hidden among the others", "never seen": "a pity"},
        forbidden=frozenset({"forbidden one"}),
        uncontrolled=tuple(f"f{number} (/a/rather/long/path/to/module.py:{number}) is C code" for number in range(9)),
        bound="at most 3 preemptions",
    )
    golden_report("many_outcomes", verdict)


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr")


class Multiline:
    def __repr__(self):
        return "<Multiline\n  object at 0x7f00beef>"


def hand_made(steps=(), actors=("alice", "bob"), kind="outcome", message="outcome 1", **fields):
    failure = Failure(kind, message, fields.pop("detail", ()))
    witness = Witness(tuple(actors), Trace(tuple(steps)), failure, "", strategy="random", found=12345, seed=-1)
    return Verdict("fails", "failed", failure, witness=witness, seconds=0.5, title="tests/test_a.py::test_a", **fields)


def test_nothing_steers_the_terminal_or_breaks_a_line(golden_report):
    place = Place("/no/such/\x1b[31mfile.py", "f", 0, "attribute x", 7)
    verdict = hand_made(
        [Step("alice", place, "reads", "x", "'\x07'"), Step("bob", place, "writes", "x\u202e", "\n")],
        kind="exception",
        message="ValueError: \x1b[2J\x1b]0;title\x07 " + "very long " * 60 + "left alice",
        detail=("alice: \x1b[31mred.py:1 in f", "bob\twaits"),
        outcomes=Counter({"\x1b[31m": 1, Hostile(): 1, Multiline(): 2, "x" * 100: 3}),
        descriptions={"\x1b[31m": "\x1b[2J"},
    )
    golden_report("hostile", verdict)


def test_a_very_long_message_leaves_what_is_allowed_to_the_table(golden_report):
    allowed = {number: f"number {number}" for number in range(60)}
    message = f"outcome 99: too much (allowed: {', '.join(map(str, allowed))})"
    verdict = hand_made(message=message, outcomes=Counter({99: 1}), descriptions={99: "too much"}, allowed=allowed)
    golden_report("long_message", verdict, [80])


# ------------------------------------------------------------------ one line


def test_one_line_for_each_kind_of_verdict():
    place = Place("a.py", "f", 0, "attribute x", 7)
    two = [Step("alice", place, "reads", "x", "0"), Step("bob", place, "writes", "x", "1")]
    assert one_line(hand_made(two)) == "fails: outcome 1, by schedule 12,345 with 1 switch"
    assert one_line(hand_made(kind="exception", message="IndexError: pop left bob")) == (
        "fails: IndexError: pop left bob, by schedule 12,345 with 0 switches"
    )
    assert one_line(hand_made(kind="deadlock", message="Thread-7 (work) waits for Thread-9 (work)")) == (
        "fails: deadlock: work 1 waits for work 2, by schedule 12,345 with 0 switches"
    )
    assert one_line(hand_made(message="outcome 3: " + "long " * 30 + "(allowed: 2)")) == (
        "fails: outcome 3: long long long long long long long long long long long long lo..., "
        "by schedule 12,345 with 0 switches"
    )
    assert one_line(hand_made(kind="exception", message="E: <C object at 0x7f00> \x1b[2J")) == (
        "fails: E: <C object> \\x1b[2J, by schedule 12,345 with 0 switches"
    )
    assert one_line(Verdict("unknown", "stale: diverged at step 1", method="replay")) == "stale: diverged at step 1"
    assert one_line(Verdict("unknown", "no failure in 3 schedules", seconds=2.04)) == (
        "unknown: no failure in 3 schedules, 2.0 s"
    )


def hammered(failed, rounds, overlap):
    return Verdict(
        "fails" if failed else "unknown",
        f"{failed} of {rounds} rounds failed",
        Failure("outcome", "outcome 1") if failed else None,
        schedules=rounds,
        outcomes=Counter({2: rounds - failed, 1: failed}),
        method="hammer",
        rate=failed / rounds,
        rate_interval=wilson(failed, rounds),
        overlap=overlap,
        notes=("quiet: 0 of 500 rounds", "noisy: the rest"),
    )


def test_a_hammering_tells_rate_interval_and_overlap():
    assert one_line(hammered(25, 1000, 0.314)) == (
        "25 of 1,000 rounds failed: 2.5 % (1.7 % to 3.7 %); actors overlapped in 31 %"
    )
    assert one_line(hammered(0, 1_200_000, 0.00005)) == (
        "0 of 1,200,000 rounds failed (rate below 0.00032 % with 95 % confidence); actors overlapped in 0.005 %"
    )
    assert one_line(hammered(1, 1, 1.0)) == ("1 of 1 round failed: 100 % (21 % to 100 %); actors overlapped in 100 %")
    assert str(hammered(25, 1000, 0.5)) == (
        "FAILS  outcome 1\n"
        "\n"
        "    outcomes   2   975 rounds\n"
        "               1    25 rounds\n"
        "    hammer     25 of 1,000 rounds failed: 2.5 % (1.7 % to 3.7 %); actors overlapped in 50 %\n"
        "    quiet      0 of 500 rounds\n"
        "    noisy      the rest"
    )


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.1049, "10 %"),
        (0.0999, "10 %"),
        (0.05, "5 %"),
        (0.00123, "0.12 %"),
        (1e-9, "0.0000001 %"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 ms"), (0.0004, "1 ms"), (0.0126, "13 ms"), (0.9994, "999 ms"), (1, "1.0 s"), (75, "75.0 s")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_values_are_shown_in_one_line_without_addresses():
    assert shown_value(Hostile()) == "<Hostile>"
    assert shown_value(Multiline()) == "<Multiline object>"
    assert shown_value(object()) == "<object object>"
    assert shown_value("a  b") == "'a  b'"
    assert shown_value("x" * 100) == "'" + "x" * 36 + "..."
