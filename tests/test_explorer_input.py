"""What `explore`, `hammer` and `replay` refuse, and in which words; outcomes that cannot be counted."""

import functools
import re

import pytest

import lab
from lab.errors import InvalidType, InvalidValue
from lab.hooks import DRIVERS
from lab.program import NOTHING
from tests.test_carriers import BOTH


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
    code = [increment.__code__, final.__code__]
    yield
    assert increment.__code__ is code[0]
    assert final.__code__ is code[1]
    assert DRIVERS == {}


# ------------------------------------------------------------------ bad input


def two(counter, other):
    pass


async def later(counter):
    pass


async def slowly():
    yield


def lazy(counter):
    yield


UNDONE = "that nobody runs, so nothing of it was done; give a plain function"
GIVE = "give a dict of name -> function, or a list of functions"


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        ({"setup": 3}, InvalidType, "setup=3 cannot be called; give a function that takes no arguments"),
        (
            {"setup": increment},
            InvalidType,
            "setup: increment() is called with no arguments, but: missing a required argument: 'counter'; "
            "give a function that needs none, such as a lambda that fills them in",
        ),
        (
            {"outcome": final, "allowed": {1, 2}, "forbidden": [2]},
            InvalidValue,
            "forbidden: outcome 2 is also in allowed; keep one",
        ),
        ({"actors": []}, InvalidValue, "actors is empty: give at least one function of the state"),
        ({"actors": {}}, InvalidValue, "actors is empty: give at least one function of the state"),
        ({"actors": 7}, InvalidType, f"actors=7: {GIVE}"),
        ({"actors": "ab"}, InvalidType, f"actors='ab': {GIVE}"),
        ({"actors": None}, InvalidType, f"actors=None: {GIVE}"),
        ({"actors": [3]}, InvalidType, "actors[0]=3 cannot be called; give a function that takes the state"),
        (
            {"actors": {"eve": two}},
            InvalidType,
            "actors['eve']: two() is called with the state, but: missing a required argument: 'other'; "
            "give a function of the state alone, such as a lambda that fills in the rest",
        ),
        ({"actors": {"a\nb": len}}, InvalidValue, "actors: the name 'a\\nb' cannot be shown; use a short word"),
        ({"check": lazy}, InvalidType, f"check: lazy() returned a generator {UNDONE}"),
        ({"check": lambda _: slowly()}, InvalidType, f"check: <lambda>() returned an async generator {UNDONE}"),
        ({"outcome": lazy}, InvalidType, f"outcome: lazy() returned a generator {UNDONE}"),
        ({"check": 3}, InvalidType, "check=3 cannot be called; give a function that takes the state"),
        ({"outcome": 3}, InvalidType, "outcome=3 cannot be called; give a function that takes the state"),
        ({"teardown": 3}, InvalidType, "teardown=3 cannot be called; give a function that takes the state"),
        ({"allowed": {1}}, InvalidValue, "allowed= is given without outcome=; add outcome=, a function of the state"),
        (
            {"outcome": final, "allowed": 2},
            InvalidType,
            "allowed=2: give a set of outcomes, or a dict of outcome -> description",
        ),
        (
            {"outcome": final, "forbidden": [[1]]},
            InvalidType,
            "forbidden: [1], a list, cannot be an outcome (TypeError: unhashable type: 'list'); "
            "give hashable values, such as tuples",
        ),
    ],
)
@pytest.mark.parametrize("door", [lab.explore, lab.hammer, lab.replay], ids=["explore", "hammer", "replay"])
def test_a_program_that_cannot_be_run_is_refused_in_one_line(door, arguments, kind, told):
    given = {"setup": Counter, "actors": [increment], **arguments}
    if door is lab.replay:
        given["witness"] = racy().witness
    with pytest.raises(kind) as caught:
        door(**given)
    assert str(caught.value) == told


@pytest.mark.parametrize("carrier", BOTH)
def test_what_an_actor_returns_may_be_a_generator_that_it_has_begun(carrier):
    def take_one(numbers):
        next(numbers)
        return numbers

    verdict = lab.explore(lambda: (x for x in range(9)), [take_one], carrier=carrier)
    assert verdict.status != "fails"


@pytest.mark.parametrize(("begin", "made"), [(lazy, "a generator"), (later, "a coroutine")])
@pytest.mark.parametrize("carrier", [*BOTH, "hammer"])
def test_an_actor_of_which_nothing_has_run_is_refused(carrier, begin, made):
    door = lab.hammer if carrier == "hammer" else functools.partial(lab.explore, carrier=carrier)
    with pytest.raises(InvalidType) as caught:
        door(Counter, [increment, lambda counter: begin(counter)])
    assert str(caught.value) == f"actors['bob']: <lambda>() returned {made} {UNDONE}"


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        ({"schedules": 0}, InvalidValue, "schedules=0: nothing would be run; give a whole number of at least 1"),
        ({"schedules": 2.0}, InvalidType, "schedules=2.0: give a whole number of at least 1"),
        ({"schedules": True}, InvalidType, "schedules=True: give a whole number of at least 1"),
        ({"seconds": 0}, InvalidValue, "seconds=0: nothing would be run; give a number of seconds above 0"),
        (
            {"seconds": float("nan")},
            InvalidValue,
            "seconds=nan: nothing would be run; give a number of seconds above 0",
        ),
        ({"seconds": "1"}, InvalidType, "seconds='1': give a number of seconds above 0"),
        ({"steps": 0}, InvalidValue, "steps=0: nothing would be run; give a whole number of at least 1"),
        ({"steps": None}, InvalidType, "steps=None: give a whole number of at least 1"),
        ({"seed": "x"}, InvalidType, "seed='x': give a whole number"),
        ({"on": "mars"}, InvalidValue, "on='mars': unknown; choose one of auto, threads, processes"),
        ({"carrier": "pigeon"}, InvalidValue, "carrier='pigeon': unknown; choose one of auto, greenlet, thread"),
        ({"trace": "re"}, InvalidType, "trace='re': give a tuple of module names, such as ('collections',)"),
        ({"trace": 3}, InvalidType, "trace=3: give a tuple of module names, such as ('collections',)"),
        ({"trace": (re,)}, InvalidType, f"trace=({re!r},): give a tuple of module names, such as ('collections',)"),
        (
            {"trace": ("collectionz",)},
            InvalidValue,
            "trace: there is no module 'collectionz'; give the names by which modules are imported",
        ),
        (
            {"trace": ("",)},
            InvalidValue,
            "trace: there is no module ''; give the names by which modules are imported",
        ),
        ({"preemptions": -1}, InvalidValue, "preemptions=-1: must be 0 or more"),
        ({"preemptions": 1.5}, InvalidType, "preemptions=1.5: give a whole number, or leave it out for any number"),
        ({"order": "lifo"}, InvalidValue, "order='lifo': unknown; choose one of fifo, any"),
        (
            {"order": "any"},
            InvalidValue,
            "order='any': concerns tasks, and no actor is an async function; leave it out",
        ),
        (
            {"cancel": True},
            InvalidValue,
            "cancel=True: only tasks can be cancelled, and no actor is an async function; leave it out",
        ),
        ({"crash": True}, InvalidValue, "crash=True: only processes can be killed; add on='processes' or leave it out"),
    ],
)
def test_an_option_that_cannot_work_is_refused_in_one_line(options, kind, told):
    with pytest.raises(kind) as caught:
        racy(**options)
    assert str(caught.value) == told


def test_an_unknown_strategy_is_told_with_the_known_ones():
    with pytest.raises(InvalidValue, match=r"^strategy='best': unknown; choose one of auto, .*$"):
        racy(strategy="best")
    with pytest.raises(TypeError, match="unexpected keyword argument 'schedule'"):
        racy(schedule=3)
    with pytest.raises(InvalidType) as caught:
        lab.replay("w.json", Counter, [increment])
    assert str(caught.value) == "witness='w.json': give a Witness, such as Witness.load('.lab/NAME.json')"


def test_a_state_that_is_not_fresh_is_told():
    kept = []
    with pytest.raises(InvalidValue) as caught:
        lab.explore(lambda: kept, [lambda state: state.append(1)])
    assert str(caught.value) == (
        "setup: state (list) is the same object as in the execution before and still holds its changes ([1]); "
        "make a new one in setup, or put it back in teardown"
    )


# ------------------------------------------------------------------ outcomes


class Odd:
    def __repr__(self):
        raise ValueError("no text")

    def __hash__(self):
        return 1

    def __eq__(self, other):
        raise AttributeError("not comparable")


class Unhashable(Odd):
    def __hash__(self):
        raise KeyError("no hash")


RETURN = "return a plain value, such as a tuple"


@pytest.mark.parametrize("door", [lab.explore, lab.hammer], ids=["explore", "hammer"])
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (list, "returned [], a list, which cannot be tallied; return a hashable value, such as a tuple"),
        (
            Odd,
            f"returned a Odd, which cannot be compared with other outcomes (AttributeError: not comparable); {RETURN}",
        ),
        (
            Unhashable,
            f"returned a Unhashable, which cannot be compared with other outcomes (KeyError: 'no hash'); {RETURN}",
        ),
    ],
)
def test_an_outcome_that_cannot_be_tallied_is_told(door, make, told):
    def outcome(counter):
        return make()

    with pytest.raises(InvalidType) as caught:
        door(Counter, [increment, increment], outcome=outcome)
    assert str(caught.value) == f"outcome: outcome() {told}"


def test_an_outcome_without_a_text_is_shown_by_its_type():
    odd = Odd()
    verdict = lab.explore(Counter, [increment], outcome=lambda counter: odd, allowed={2})
    assert str(verdict.failure) == "outcome: outcome <Odd> (allowed: 2)"
    assert "outcome <Odd>" in str(verdict).splitlines()[0] + str(verdict).splitlines()[1]


def test_nothing_is_an_outcome_like_any_other():
    verdict = lab.explore(Counter, [increment], outcome=lambda counter: "nothing", schedules=3, strategy="random")
    assert verdict.outcomes == {"nothing": 3}
    assert "outcomes   'nothing'   3 schedules" in str(verdict)
    verdict = lab.explore(Counter, [increment], schedules=3, strategy="random")
    assert verdict.outcomes == {NOTHING: 3}
    assert repr(NOTHING) == "nothing"
    assert "outcomes" not in str(verdict)
