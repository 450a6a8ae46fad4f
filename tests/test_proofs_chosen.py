"""What stands against a proof is asked when an operation has been chosen: what it finds may have changed while it waited.

In each program alice comes to her operation while there is nothing yet that would speak against it, and waits
there while bob goes on.
"""

import itertools
import types

import pytest

from lab import explore


class Plain:
    """Has no text of its own."""


def setup():
    return types.SimpleNamespace(items=[], names=set(), seen=None)


def bob(state):
    inner = []
    state.items.append(inner)
    inner.append(1)  # no step, as nobody is known to come here
    inner.append(2)


def naming_bob(state):
    state.names.add("x")
    state.names.add("y")


def showing_bob(state):
    state.items.append(Plain())


def look_for_a_list(state):
    state.seen = [1] in state.items


def compare(state):
    state.seen = state.items == [[1]]


def format_list(state):
    state.seen = f"{state.items}"


def join_names(state):
    state.seen = ",".join(state.names)


def list_names(state):
    state.seen = list(state.names)[:1]


def spread_names(state):
    state.seen = [*state.names][:1]


def length_of_text(state):
    state.seen = len(str(state.items)) > 2


def length_of_format(state):
    state.seen = len(f"{state.items}") > 2


INSIDE = "reads what is inside of a container's items in one step"
BY_HASH = "goes through a set of str in the order of their hashes, which is another one in every process"
SHOWN = "has a text made that shows where a Plain lies, which is another place in every process"


@pytest.mark.parametrize(
    ("alice", "other", "why"),
    [
        (look_for_a_list, bob, INSIDE),
        (compare, bob, INSIDE),
        (format_list, bob, INSIDE),
        (join_names, naming_bob, BY_HASH),
        (list_names, naming_bob, BY_HASH),
        (spread_names, naming_bob, BY_HASH),
        (length_of_text, showing_bob, SHOWN),
        (length_of_format, showing_bob, SHOWN),
    ],
)
def test_what_an_operation_finds_when_it_goes_on(alice, other, why):
    verdict = explore(
        setup, {"alice": alice, "bob": other}, outcome=lambda state: str(state.seen), strategy="dpor", schedules=50
    )
    assert verdict.status == "unknown", f"{verdict.reason}: {dict(verdict.outcomes)}"
    assert verdict.reason.endswith(why)


def chained(make):
    def setup():
        state = types.SimpleNamespace(first=[1], second=[5], seen=[])
        state.numbers = make(state.first, state.second)
        return state

    return setup


def take(state):
    state.seen.append(next(state.numbers))


def change_second(state):
    state.second[0] = 9
    state.second[0] = 10


@pytest.mark.parametrize("actors", [[take, take, change_second], [change_second, take, take]])
def test_a_chain_that_another_actor_brings_to_its_next_part(actors):
    setup = chained(itertools.chain)
    verdict = explore(setup, actors, outcome=lambda state: str(max(state.seen)), strategy="dpor", schedules=200)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"5", "9", "10"})


def test_a_chain_whose_parts_may_be_others():
    setup = chained(lambda *parts: itertools.chain.from_iterable(list(parts)))
    actors = [take, take, change_second]
    verdict = explore(setup, actors, outcome=lambda state: str(max(state.seen)), strategy="dpor", schedules=200)
    assert verdict.status == "unknown"
    assert verdict.reason.endswith(INSIDE)


MADE_BEFORE = {
    "map": lambda *rows: map(sum, rows),
    "starmap": lambda *rows: itertools.starmap(repr, rows),
    "filter": lambda *rows: enumerate(filter(any, rows)),
    "takewhile": lambda *rows: itertools.takewhile(all, rows),
}


def take_in_a_loop(state):
    for one in state.numbers:
        state.seen.append(one)


def change_first(state):
    state.first[0] = 9


@pytest.mark.parametrize("name", MADE_BEFORE)
@pytest.mark.parametrize("alice", [take, take_in_a_loop])
def test_an_iterator_of_setup_that_has_c_code_work_on_containers(name, alice):
    verdict = explore(chained(MADE_BEFORE[name]), [alice, change_first], strategy="dpor", schedules=200)
    assert verdict.status == "unknown", verdict.reason
    assert verdict.reason.endswith(INSIDE)


def test_the_same_of_rows_that_nobody_changes():
    verdict = explore(chained(MADE_BEFORE["map"]), [take, take], strategy="dpor", schedules=200)
    assert verdict.status == "holds", verdict.reason
