"""Builds side by side: what is said of given figures, and how it is written."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from given_builds import FREE, LOCKED, column, figures, free

from lab import hammer
from lab.builds import Outcome, document, figures_of, read, steady
from lab.errors import InvalidValue
from lab.report.builds import builds_page, comparisons, markdown, render
from lab.verdict import Verdict


def headline(*columns):
    return comparisons(columns)[0].headline


# ------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("locked", "unlocked", "told"),
    [
        ((0, 0), (0, 0), "no round failed on any build"),
        ((0, 9), (0, 9), "fails on every build; with noise only"),
        ((9, 9), (9, 0), "fails on every build"),
        ((0, 9), (9, 9), "fails on every build; without noise on 3.13.5 free-threaded only"),
        ((0, 0), (9, 9), "fails on 3.13.5 free-threaded, was not seen to on 3.13.5 GIL"),
        ((0, 9), (0, 0), "fails on 3.13.5 GIL, was not seen to on 3.13.5 free-threaded; with noise only"),
    ],
)
def test_where_it_fails(locked, unlocked, told):
    assert headline(column(figures(*locked)), free(figures(*unlocked))) == told


def test_one_build_alone():
    assert headline(column(figures(0, 9))) == "fails; with noise only"
    assert headline(column(figures(9, 9))) == "fails"
    assert headline(column(figures())) == "no round failed"


def test_the_kinds_of_build():
    assert column().kind == "GIL"
    assert free().kind == "free-threaded"
    assert column(interpreter=FREE).kind == "free-threaded, GIL on"


def test_a_build_is_never_called_safe():
    """A rate of 0 has a bound, and nothing is said to hold."""
    text = render([column(figures(rounds=20)), free(figures(1, rounds=20))])
    assert "holds" not in text.lower()
    assert "below 16 %" in text


def test_two_interpreters_of_one_build_are_told_apart():
    other = replace(LOCKED, path="/opt/python3.13")
    (one,) = comparisons([column(figures()), column(figures(9), interpreter=other)])
    assert one.heads == (("3.13.5", "GIL", "/usr/bin/python3.13"), ("3.13.5", "GIL", "/opt/python3.13"))
    assert one.headline == (
        "fails on 3.13.5 GIL (/opt/python3.13), was not seen to on 3.13.5 GIL (/usr/bin/python3.13)"
    )


def test_a_note_says_which_builds_it_is_of():
    (one,) = comparisons([column(figures(notes=("singly: x", "put back: y"))), free(figures(notes=("singly: x",)))])
    assert one.notes == (("singly", "x"), ("put back", "y (3.13.5 GIL)"))


def test_outcomes_of_one_build_are_never_seen_on_the_other():
    (one,) = comparisons([column(figures()), free(figures(outcomes=(Outcome("0", 5, True, ""),)))])
    assert [(row.label, row.cells) for row in one.rows if row.outcome] == [
        ("2", ("1,000", "never")),
        ("0", ("never", "5")),
        ("1", ("never", "never")),
    ]


def test_of_many_outcomes_the_forbidden_ones_are_kept():
    outcomes = [Outcome(str(number), 100 - number, number == 30, "") for number in range(40)]
    (one,) = comparisons([column(figures(outcomes=tuple(outcomes)))])
    labels = [row.label for row in one.rows if row.outcome]
    assert labels == [*map(str, range(12)), "30", "... 27 more ..."]


# ------------------------------------------------------------------ how it is written

BOTH = [column(figures(0, 230), figures(variant="fixed")), free(figures(31, 300), figures(variant="fixed"))]


def test_on_a_terminal(golden):
    golden("builds", render(BOTH, 120))


def test_where_the_terminal_has_no_room_the_table_comes_in_parts(golden):
    golden("builds_narrow", render(BOTH, 60))
    assert max(map(len, render(BOTH * 3, 80).splitlines())) <= 80


def test_as_markdown(golden):
    golden("builds_markdown", markdown(BOTH))


def test_hostile_text_stays_in_its_place():
    evil = "a|b`c``<script>alert(1)</script>\n| --- |\x1b[31m"
    columns = [column(figures(title=evil, notes=(f"note: {evil}",), outcomes=(Outcome(evil, 3, True, evil),)))]
    assert "\x1b" not in render(columns)
    table = [line for line in markdown(columns).splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {4}
    assert "\x1b" not in markdown(columns)
    assert "```a\\|b`c``" in markdown(columns)
    assert "<script>" not in builds_page(columns)


# ------------------------------------------------------------------ from one interpreter to another


def test_figures_travel_unchanged():
    told = json.loads(json.dumps(document(BOTH, "")))
    assert read(told) == (BOTH, "")


def test_a_document_of_another_format_is_refused():
    with pytest.raises(InvalidValue, match=r"^gives its results in format 7, and this lab reads 1$"):
        read({**document(BOTH), "format": 7})


@pytest.mark.parametrize("wrong", [{"overlap": None, "extra": 1}, {"interval": [1]}, {"by_noise": {"quiet": 1}}])
def test_a_document_with_wrong_figures_is_refused(wrong):
    told = json.loads(json.dumps(document(BOTH)))
    told["builds"][0]["figures"][0].update(wrong)
    with pytest.raises(InvalidValue, match=r"^gives results that cannot be read$"):
        read(told)


class Box:
    value = 0


def add(box):
    box.value += 1


def test_figures_are_those_of_the_verdict():
    verdict = hammer(Box, [add, add], rounds=80, outcome=lambda box: box.value, allowed={2: "both", 3: "never"})
    one = figures_of("unsafe", verdict)
    assert (one.rounds, one.failed) == (80, round(verdict.rate * 80))
    assert sum(rounds for _, rounds in one.by_noise.values()) == 80
    assert sum(failed for failed, _ in one.by_noise.values()) == one.failed
    assert {int(each.shown): each.count for each in one.outcomes} == {**verdict.outcomes, 3: 0}
    assert [each.description for each in one.outcomes if each.shown == "2"] == ["both"]
    assert one.notes == tuple(note for note in verdict.notes if note.startswith("bound"))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("0 of 8 rounds failed", ()),
        ("0 of 8 rounds failed; the last one hung, which ended the run", True),
        ("nothing overlapped: in none of 8 rounds did two actors run", True),
    ],
)
def test_a_run_that_did_not_end_with_its_budget_says_so(reason, told):
    verdict = Verdict("unknown", reason, by_noise={"quiet": (0, 8)}, method="hammer")
    assert figures_of("unsafe", verdict).notes == ((f"ended: {reason}",) if told else ())


def test_sets_are_shown_alike_by_every_interpreter():
    """Whose hashes of texts differ."""
    words = [f"word {number}" for number in range(50)]
    assert steady(frozenset(words)) == steady(frozenset(reversed(words)))
    assert steady(({"b", "a"}, {"y": 1, "x": 2})) == "({'a', 'b'}, {'x': 2, 'y': 1})"


def test_outcomes_of_the_same_text_are_one():
    class Same:
        def __repr__(self):
            return "same"

    verdict = Verdict("unknown", "", outcomes=Counter({Same(): 2, Same(): 3}), method="hammer")
    assert figures_of("unsafe", verdict).outcomes == (Outcome("same", 5, False, ""),)
