"""Four actors that do little: where races are reversed, who sleeps and who is let go first matters most."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from lab.strategies.reversals import Reversal

from .brute import Answer, TooMany, every
from .generate import SHAPES, _Actor, _pool
from .language import Program
from .many import check_all

RAW = 700  # of the 2,520 that four actors with two steps each can have
SHAPE = SHAPES | {
    "two places": ("x", "y", "total"),
    "nested": ("lock", "other", "x"),
    "permits": ("permit", "lock", "x"),
}


def crowds(first: int, number: int) -> Iterator[tuple[str, Program, Answer]]:
    """Programs without a failure, each with what it is called."""
    for seed in itertools.count(first):
        shape = list(SHAPE)[seed % len(SHAPE)]
        choose = random.Random(seed).choice
        actors, steps = choose(((4, 2), (4, 2), (4, 3)))
        pool = _pool(choose, SHAPE[shape])
        program = Program(tuple(_Actor(choose, pool, steps).body() for _ in range(actors)))
        try:
            answer = every(program, RAW)
        except TooMany:
            continue
        if answer.fails or answer.classes < 4:
            continue
        yield f"seed {seed}, shape {shape}", program, answer
        number -= 1
        if not number:
            return


def test_crowds_are_covered_each_class_once():
    found = check_all(crowds(400_000, 16))
    assert found.wrong == []
    assert (found.programs, found.unknown) == (16, 0)
    assert found.blocked <= 0.03 * found.executions


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("is_vain", lambda *arguments: True), ("initials", lambda *arguments: [1, 2, 3, 4])],
)
def test_what_leaves_something_out_is_noticed(monkeypatch, name, wrong):
    monkeypatch.setattr(Reversal, name, wrong)
    assert check_all(crowds(400_000, 16)).wrong
