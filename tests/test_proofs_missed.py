"""Programs of which not every schedule was looked at, and which were said to hold."""

from __future__ import annotations

import dataclasses
import operator
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace as State

import pytest
from test_proofs import covered

from lab import explore


def quiet():
    """Touches nothing that others could see, so that nothing but its being told to go on is a step."""
    yield 1
    yield 2


def takes(state):
    try:
        state.seen.append(next(state.numbers, None))
    except ValueError:
        state.seen.append("busy")


def loops(state):
    try:
        for number in state.numbers:
            state.seen.append(number)
    except ValueError:
        state.seen.append("busy")


def lists(state):
    try:
        state.seen += list(state.numbers)
    except ValueError:
        state.seen.append("busy")


def sends(state):
    try:
        state.seen.append(state.numbers.send(None))
    except StopIteration:
        state.seen.append("end")
    except ValueError:
        state.seen.append("busy")


def closes(state):
    try:
        state.numbers.close()
    except ValueError:
        state.seen.append("busy")


@pytest.mark.parametrize("other", [takes, loops, lists, sends, closes])
@pytest.mark.parametrize("one", [takes, loops, lists])
def test_a_generator_is_busy_while_it_goes_on(one, other):
    verdict = covered(lambda: State(numbers=quiet(), seen=[]), [one, other], lambda s: tuple(map(str, s.seen)))
    assert any("busy" in outcome for outcome in verdict.outcomes)
    assert any("busy" not in outcome for outcome in verdict.outcomes)


def test_a_generator_under_a_lock_is_never_busy():
    def take(state):
        with state.lock:
            state.seen.append(next(state.numbers))

    verdict = covered(
        lambda: State(numbers=quiet(), seen=[], lock=threading.Lock()), [take, take], lambda s: tuple(s.seen)
    )
    assert (verdict.status, verdict.schedules, set(verdict.outcomes)) == ("holds", 2, {(1, 2)})


def test_a_busy_generator_is_told_with_who_made_it_go_on():
    def take(state):
        next(state.numbers)

    def close(state):
        state.numbers.close()

    verdict = explore(lambda: State(numbers=quiet()), [take, close], strategy="dpor")
    assert verdict.failure is not None
    assert verdict.failure.message == "ValueError: generator already executing left bob"
    assert [step.what for step in verdict.witness.trace.steps] == [
        "takes from state.numbers",
        "calls state.numbers.close()",
    ]


# ------------------------------------------------------------ containers met under another name


def repeats(items):
    return items * 2


def repeats_from_the_left(items):
    return 2 * items


def extends_by_text(items):
    items += "ab"
    return len(items)


def multiplies_in_place(items):
    items *= 2
    return len(items)


@pytest.mark.parametrize("look", [repeats, repeats_from_the_left, extends_by_text, multiplies_in_place])
def test_arithmetic_of_a_container_with_a_constant_is_no_part_of_a_proof(look):
    def sees(state):
        state.seen = repr(look(state.items))

    verdict = covered(
        lambda: State(items=["a"], seen=None), [lambda s: s.items.append("c"), sees], lambda s: (s.seen, str(s.items))
    )
    assert verdict.status == "unknown"
    assert "runs as one step, but touches what others touch" in verdict.reason


def test_text_is_added_to_a_shared_list():
    def extends(state):
        state.items += "ab"

    verdict = covered(lambda: State(items=[]), [extends, lambda s: s.items.append("c")], lambda s: "".join(s.items))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"abc", "cab"})


NUMBER = 0


def test_the_body_of_a_class_reads_globals():
    def setup():
        global NUMBER
        NUMBER = 0
        return State()

    def define(state):
        class Made:
            seen = NUMBER

        state.seen = Made.seen

    def count(state):
        global NUMBER
        NUMBER = 1
        NUMBER = 2

    verdict = covered(setup, [define, count])
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {0, 1, 2})


def test_c_code_that_reads_attributes_is_no_part_of_a_proof():
    class Item:
        def __init__(self, number):
            self.number = number

    def sees(state):
        state.seen = [one.number for one in sorted(state.items, key=operator.attrgetter("number"))]

    def changes(state):
        state.items[0].number = 5
        state.items[1].number = 0

    verdict = covered(lambda: State(items=[Item(1), Item(2)], seen=None), [changes, sees], lambda s: tuple(s.seen))
    assert verdict.status == "unknown"


# ------------------------------------------------------------ what is no reason to doubt


class Wrong(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


@dataclasses.dataclass(frozen=True)
class Point:
    x: int = 0
    y: int = 0


class Bounded(list):
    def append(self, item):
        if len(self) < 2:
            super().append(item)


class Careful:
    def __init__(self):
        self.number = 0

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)


class Single(type):
    def __call__(cls):
        with cls.lock:
            if cls.made is None:
                cls.made = super().__call__()
        return cls.made


class Only(metaclass=Single):
    lock = threading.Lock()
    made = None


def raises(state):
    try:
        with state.lock:
            state.number += 1
            raise Wrong(state.number)
    except Wrong as error:
        state.seen.append(error.number)


def calls_back(state):
    state.seen.append(lambda: 1)
    state.seen.append(state.seen.append)


def replaces(state):
    with state.lock:
        state.point = Point(state.point.x + 1)


def bounded(state):
    with state.lock:
        state.items.append(1)


def sets(state):
    with state.lock:
        state.careful.number += 1


def one_only(state):
    state.seen.append(Only() is Only())


def submits(state):
    def add():
        with state.lock:
            state.number += 1

    with ThreadPoolExecutor(1) as pool:
        pool.submit(add).result()


ORDINARY = {
    "an exception of one's own": ([raises, raises], lambda s: tuple(sorted(s.seen))),
    "functions in a list": ([calls_back, calls_back], lambda s: len(s.seen)),
    "a frozen dataclass": ([replaces, replaces], lambda s: s.point),
    "a method of a list through super": ([bounded, bounded], lambda s: tuple(s.items)),
    "object.__setattr__": ([sets, sets], lambda s: s.careful.number),
    "a metaclass": ([one_only, one_only], lambda s: tuple(s.seen)),
    "an executor": ([submits], lambda s: s.number),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_code_is_covered(name):
    def setup():
        Only.made = None
        return State(lock=threading.Lock(), seen=[], number=0, point=Point(), items=Bounded(), careful=Careful())

    actors, outcome = ORDINARY[name]
    verdict = covered(setup, actors, outcome)
    assert verdict.status == "holds", verdict.reason
