"""The one-line text form of a schedule: it comes back as it went, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import InvalidValue
from lab.schedule import Schedule
from lab.trace import Place, Step, Trace

_NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name.strip() and name.isprintable())


def test_steps_of_one_actor_in_a_row_are_one_run():
    schedule = Schedule.of(["alice", "bob", "bob", "alice"])
    assert schedule.runs == (("alice", 1), ("bob", 2), ("alice", 1))
    assert str(schedule) == "alice*1 | bob*2 | alice*1"
    assert list(schedule) == ["alice", "bob", "bob", "alice"]


def test_the_empty_schedule_has_an_empty_text():
    assert str(Schedule.of([])) == ""
    assert Schedule.parse("") == Schedule.parse("  ") == Schedule(())


@given(st.lists(_NAMES, max_size=6))
def test_the_text_comes_back_whatever_the_actors_are_called(actors):
    schedule = Schedule.of(actors)
    assert Schedule.parse(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Thread-1 (increment)", "Thread-1 (increment)*1"),
        ("a | b", '"a | b"*1'),
        ("a*2", '"a*2"*1'),
        (" alice ", '" alice "*1'),
        ('"', '"\\""*1'),
    ],
)
def test_names_that_would_be_misread_are_quoted(name, text):
    schedule = Schedule.of([name])
    assert str(schedule) == text
    assert Schedule.parse(text) == schedule


def test_blanks_do_not_matter():
    assert Schedule.parse(" alice*1|bob*2 |  alice*10 ") == Schedule((("alice", 1), ("bob", 2), ("alice", 10)))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("alice", "'alice'"),
        ("alice*", "'alice*'"),
        ("alice*0", "'alice*0'"),
        ("alice*-1", "'alice*-1'"),
        ("alice*1.5", "'alice*1.5'"),
        ("alice*1 bob*2", "'alice*1 bob*2'"),
        ("alice*1 | bob", "'bob'"),
        ("alice*1 |", "''"),
        ("| alice*1", "'| alice*1'"),
        ("*3", "'*3'"),
        ('"alice*1', "'\"alice*1'"),
        ('"\\x"*1', "'\"\\\\x\"*1'"),
        ("alice*٣", "'alice*٣'"),
        ("alice*1000000000", "'alice*1000000000'"),
        ("a" * 80, "'" + "a" * 57 + "...'"),
    ],
)
def test_anything_else_is_refused_in_one_line(text, part):
    with pytest.raises(InvalidValue) as caught:
        Schedule.parse(text)
    assert str(caught.value) == f"schedule: {part} does not begin with ACTOR*STEPS, as in 'alice*1 | bob*2'"


@given(st.text(alphabet='alice*|" 019\\', max_size=30))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    try:
        schedule = Schedule.parse(text)
    except InvalidValue:
        return
    assert Schedule.parse(str(schedule)) == schedule


def step(actor, word="reads", name="counter.value", value="0"):
    return Step(actor, Place("counter.py", "increment", 0, "attribute value", 3), word, name, value)


def test_a_trace_tells_its_schedule_its_switches_and_its_actors():
    trace = Trace((step("alice"), step("helper"), step("helper"), step("alice")))
    assert str(trace.schedule) == "alice*1 | helper*2 | alice*1"
    assert trace.switches == 2
    assert trace.actors(["bob", "alice"]) == ["bob", "alice", "helper"]
    assert Trace(()).switches == 0


@pytest.mark.parametrize(
    ("word", "name", "value", "what"),
    [
        ("reads", "counter.value", "0", "reads counter.value 0"),
        ("writes", "counter.value", None, "writes counter.value"),
        ("asks", "'rye' in shelf.loaves", "False", "asks 'rye' in shelf.loaves: False"),
        ("asks", "'rye' in shelf.loaves", None, "asks 'rye' in shelf.loaves"),
        ("asks whether it is set", "bell", None, "asks whether bell is set"),
        ("waits for (timed out)", "bell", None, "waits for bell (timed out)"),
        ("acquires (timed out)", "lock", None, "acquires lock (timed out)"),
        ("waits", "bell", None, "waits on bell"),
        ("wakes up", "bell", None, "wakes up on bell"),
        ("waits for events", "EpollSelector", None, "waits for events on EpollSelector"),
        ("notifies all", "bell", None, "notifies all on bell"),
        ("puts", "orders", None, "puts into orders"),
        ("gets", "orders", None, "gets from orders"),
        ("tries whether it gets", "orders", None, "tries to get from orders"),
        ("asks for the size", "orders", None, "asks for the size of orders"),
        ("marks a task done", "orders", None, "marks a task done in orders"),
        ("sleeps", "", None, "sleeps"),
        ("sleeps (timed out)", "", None, "sleeps (timed out)"),
    ],
)
def test_a_step_is_told_as_a_sentence(word, name, value, what):
    assert step("alice", word, name, value).what == what


def test_a_place_is_the_same_place_when_lines_move_or_the_checkout_does():
    here = Place("/home/me/counter.py", "increment", 0, "attribute value", 3)
    there = Place("C:\\work\\counter.py", "increment", 0, "attribute value", 30)
    assert here.identity == there.identity == ("counter.py", "increment", 0, "attribute value")
