"""Schedules as they are typed."""

import pytest

from lab.errors import InvalidValue
from lab.training.schedules import parse, written

ACTORS = ["alice", "bob"]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("a a b b a", "alice alice bob bob alice"),
        ("alice*2 bob*2", "alice alice bob bob"),
        ("alice*1 | bob*2 | alice*1", "alice bob bob alice"),
        ("A,b;".rstrip(";"), "alice bob"),
        ("  bob  ", "bob"),
    ],
)
def test_orders(text, order):
    assert parse(text, ACTORS) == order.split()


def test_names_with_gaps_and_names_that_begin_alike():
    assert parse("copy 1*2 copy 2", ["copy 1", "copy 2"]) == ["copy 1", "copy 1", "copy 2"]
    assert parse("al alex", ["al", "alex"]) == ["al", "alex"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "schedule: is empty; name who takes each step, as in alice bob alice"),
        ("carol", "schedule: 'carol' is no actor; choose from alice, bob"),
        ("alice*0", "schedule: 'alice*0': give ACTOR*STEPS with a number of steps, as in alice*2"),
        ("alice*", "schedule: 'alice*': give ACTOR*STEPS with a number of steps, as in alice*2"),
        ("alice*9999", "schedule: more than 2,000 steps; a shorter one is enough"),
        ("\x1b[2J", "schedule: '\\x1b[2J' is no actor; choose from alice, bob"),
    ],
)
def test_what_cannot_be_read_is_named(text, message):
    with pytest.raises(InvalidValue) as caught:
        parse(text, ACTORS)
    assert str(caught.value) == message


def test_a_beginning_that_fits_two_names():
    with pytest.raises(InvalidValue) as caught:
        parse("p", ["peter", "paul"])
    assert str(caught.value) == "schedule: 'p' may be peter or paul; write more of the name"


def test_who_is_struck_is_no_step():
    order = parse("alice*2 a! bob", ACTORS)
    assert order == ["alice", "alice", "alice!", "bob"]
    assert parse(written(order), ACTORS) == order
    assert written(order) == "alice*2 alice! bob"
