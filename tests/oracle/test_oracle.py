"""The oracle itself: known counts, its own definitions the long way round, and CPython's word on its operations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from .brute import TooMany, chances, every, foata, interleavings
from .families import FAMILIES
from .generate import SHAPES, from_seed
from .language import Program, child_of
from .model import DEADLOCK, Event, Machine
from .running import really
from .source import text_of

SMALL = 400  # raw interleavings: comparing them one with another takes the square of that


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_counts_are_the_known_ones(family):
    answer = every(family.program, limit=40_000)
    assert (answer.classes, answer.raw, len(answer.outcomes), answer.fails) == family[2:]


def small(shape: str, count: int) -> Iterator[Program]:
    """Generated programs, always the same, that are small enough to be looked at in every way."""
    for seed in itertools.count():
        program = from_seed(seed, shape)
        try:
            every(program, SMALL)
        except TooMany:
            continue
        yield program
        count -= 1
        if not count:
            return


def depend(one: Event, other: Event) -> bool:
    """Whether two neighbouring steps may not be swapped, said again and simply."""
    first, second = ({event.actor, event.child or event.actor} for event in (one, other))
    return bool(first & second) or (not set(one.things).isdisjoint(other.things) and (one.write or other.write))


@pytest.mark.parametrize("shape", SHAPES)
def test_classes_are_what_swapping_independent_neighbours_connects(shape):
    for program in small(shape, 20):
        found = {tuple(events): result for events, result in interleavings(program)}
        groups: dict[tuple, set] = {}
        pending = set(found)
        while pending:
            first = pending.pop()
            group, reached = [first], {first}
            for run in group:
                for place in range(len(run) - 1):
                    if not depend(run[place], run[place + 1]):
                        swapped = (*run[:place], run[place + 1], run[place], *run[place + 2 :])
                        if swapped in found and swapped not in reached:
                            reached.add(swapped)
                            group.append(swapped)
                        # what is swapped may not run where an exception comes last: the rest was never taken
                        assert swapped in found or found[run] == "exception", text_of(program)
            pending -= reached
            assert len({found[run] for run in group}) == 1, text_of(program)
            groups[first] = {foata(run) for run in group}
        assert all(len(forms) == 1 for forms in groups.values()), text_of(program)
        assert every(program).classes == len(groups) == len(set().union(*groups.values())), text_of(program)


@pytest.mark.parametrize("shape", SHAPES)
def test_visiting_each_state_once_gives_the_same_outcomes(shape):
    for program in small(shape, 20):
        found = chances(program)
        assert set(found) == every(program).outcomes, text_of(program)
        assert sum(found.values()) == pytest.approx(1)


def one_after_the_other(program: Program) -> object:
    """The model's result when each actor runs to its end before the next begins."""
    machine = Machine.of(program)
    for number in range(len(program.actors)):
        while number in machine.enabled():
            machine, _ = machine.step(number)
        if not machine.failed and not machine.has_ended(number):
            return DEADLOCK
    return machine.result()


@pytest.mark.parametrize("shape", SHAPES)
def test_actors_one_after_the_other_do_what_they_do_in_real_threads(shape):
    compared = 0
    for program in small(shape, 40):
        if any(child_of(body) for body in program.actors):
            continue  # a child runs beside its parent
        result = one_after_the_other(program)
        if result == DEADLOCK:
            continue  # somebody waits for another
        assert result == really(program), text_of(program)
        compared += 1
    assert compared > 5
