"""What is measured of a program: the pairs of lines whose order decides, and how far its actors overlap."""

import threading

import pytest

from lab.passing import Passing
from lab.trace import Place, Step, Trace
from lab.training.cases import Case
from lab.training.measuring import measure, overlap, under_one_lock


class Till:
    def __init__(self):
        self.cash = 0

    def sell(self):
        cash = self.cash  # 18
        self.cash = cash + 1  # 19


class Kitchen:
    def __init__(self):
        self.knife, self.board = threading.Lock(), threading.Lock()

    def soup(self):
        with self.knife:  # 27
            with self.board:  # 28
                pass

    def salad(self):
        with self.board:  # 32
            with self.knife:  # 33
                pass


def sell(till):
    till.sell()


def sold(till):
    return till.cash


@pytest.fixture
def measured(tmp_path):
    return lambda case: measure(case, __file__, tmp_path / "witness.json")


def test_every_pair_that_decides_is_found(measured):
    facts = measured(Case(Till, {"ann": sell, "ben": sell}, {"outcome": sold, "allowed": {2}}))
    assert (facts["pairs"], facts["patterns"]) == ([[18, 19]], ["lost update"])
    assert (facts["schedule"], facts["playable"], facts["strikes"]) == ("ann ben*2 ann", True, False)
    assert 0.0 <= facts["rate_interval"][0] <= facts["rate"] <= facts["rate_interval"][1] <= 1.0


def test_of_a_deadlock_also_where_one_holds_what_another_waits_for(measured):
    facts = measured(Case(Kitchen, {"ann": Kitchen.soup, "ben": Kitchen.salad}))
    assert facts["failure"]["kind"] == "deadlock"
    assert [27, 33] in facts["pairs"]
    assert [28, 32] in facts["pairs"]
    assert [27, 32] in facts["pairs"]
    assert all(set(pair) <= {27, 28, 32, 33} for pair in facts["pairs"])


def test_what_holds_has_no_pairs(measured):
    facts = measured(Case(Till, {"ann": sell}, {"outcome": sold, "allowed": {1}}))
    assert (facts["status"], "pairs" in facts, facts["model"]) == ("holds", False, "threads")


PLACE = Place("f.py", "f", 0, "", 1)


def run(text):
    """ "a+l" acquires the lock l, "a-l" releases it, "a" does anything else."""
    words = {"+": "acquires", "-": "releases", "": "reads"}
    steps = [Step(one[0], PLACE, words[one[1:2]], one[2:] or "x", None) for one in text.split()]
    return Passing(("a", "b"), Trace(tuple(steps)), None)


@pytest.mark.parametrize(
    ("steps", "overlapping", "locked"),
    [
        ("a a b b", 0.0, 0.0),
        ("a b b a", 0.5, 0.0),
        ("a b a b", 0.5, 0.0),
        ("a+l a a-l b+l b b-l", 0.0, 1.0),
        ("a+l a a-l b+m b b-m", 0.0, 0.5),
        ("a a+l a-l b b+l b-l", 0.0, 4 / 6),
        ("a b+l b-l a", 0.5, 0.5),
        ("", 0.0, 0.0),
    ],
)
def test_overlap_and_locks(steps, overlapping, locked):
    assert overlap(run(steps)) == overlapping
    assert under_one_lock(run(steps)) == pytest.approx(locked)
