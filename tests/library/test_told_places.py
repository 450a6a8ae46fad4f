"""What stands against a proof is told with the line of the program and the call: clocks, random numbers, addresses."""

from __future__ import annotations

import datetime
import io
import random
import secrets
import tempfile
import threading
import time
import uuid
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.controlled import State, marked
from tests.library.judging import holds, is_not_reported

CLOCK = r", and the clock showed only times that pass while nothing is slow"
CHANCE = r", and random numbers were the same in every execution"


def setup():
    return State(seen=[], lock=threading.Lock(), out=io.StringIO())


def keeping(make):
    def actor(state):
        made = make(state)
        with state.lock:
            state.seen.append(made)

    return {"alice": actor, "bob": actor}


READINGS = {
    "time.time": (lambda _: time.time(), r"calls time\.time\(\)" + CLOCK),
    "time.monotonic_ns": (lambda _: time.monotonic_ns(), r"calls time\.monotonic_ns\(\)" + CLOCK),
    "datetime": (lambda _: datetime.datetime.now(), r"calls datetime\.datetime\.now\(\)" + CLOCK),
    "random.random": (lambda _: random.random(), r"calls random\.random\(\)" + CHANCE),
    "random.choice": (lambda _: random.choice([1, 2]), r"calls random\.choice\(\)" + CHANCE),
    "Random": (lambda _: random.Random().random(), r"calls random\.Random\(\)" + CHANCE),
    "uuid4": (lambda _: uuid.uuid4(), r"has os\.urandom\(\) called" + CHANCE),
    "secrets": (lambda _: secrets.token_hex(4), r"has os\.urandom\(\) called" + CHANCE),
    "gettempprefix": (lambda _: next(tempfile._RandomNameSequence()), r"has random\.Random\(\) called" + CHANCE),
}


@pytest.mark.parametrize(("make", "told"), READINGS.values(), ids=READINGS)
def test_a_reading_is_told_with_its_line_and_call(carrier, make, told):
    line = make.__code__.co_firstlineno
    where = rf".*but <lambda> \(\S*{Path(__file__).name}:{line}\) {told}"
    is_not_reported(carrier, setup, keeping(make), because=where)


def test_a_reading_in_a_function_of_the_program(carrier):
    def moment(_state):
        return time.perf_counter()  # read

    told = rf".*but test_\S*moment \(\S*{marked(__file__, 'read')}\) calls time\.perf_counter\(\){CLOCK}"
    is_not_reported(carrier, setup, keeping(moment), because=told)


class Plain:
    pass


class Told:
    def __repr__(self):
        return "told"


SHOWING = {
    "repr": (lambda _: repr(Plain()), "Plain"),
    "an f-string": (lambda _: f"{Plain()}", "Plain"),
    "percent": (lambda _: "%s" % Plain(), "Plain"),  # noqa: UP031  # what is tested
    "format": (lambda _: "{}".format(Plain()), "Plain"),  # noqa: UP032  # what is tested
    "in a list": (lambda _: str([(Plain(),)]), "Plain"),
    "in an exception": (lambda _: str(ValueError(Plain())), "Plain"),
    "a bound method": (lambda state: f"{Told().__repr__} {Plain().__init__}", "method-wrapper"),
    "a function": (lambda _: repr(setup), "function"),
    "a lock": (lambda state: repr(state.lock), "lock"),
    "a future": (lambda _: f"{Future()!r}", "Future"),
    "print": (lambda state: print(Plain(), file=state.out), "Plain"),
}


@pytest.mark.parametrize(("make", "kind"), SHOWING.values(), ids=SHOWING)
def test_a_text_with_an_address_is_no_part_of_a_proof(carrier, make, kind):
    told = rf".*has a text made that shows where a {kind} lies, which is another place in every process"
    is_not_reported(carrier, setup, keeping(make), because=told)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: repr(Told()),
        lambda _: f"{Told()} {[Told()]} {1} {Plain}",
        lambda _: str(ValueError(3)),
        lambda _: "%s" % Told(),  # noqa: UP031  # what is tested
        lambda state: print(Told(), file=state.out),
        lambda _: repr(len),
    ],
    ids=["repr", "f-string", "exception", "percent", "print", "builtin"],
)
def test_other_texts_are(carrier, make):
    holds(carrier, setup, keeping(make), lambda state: len(state.seen) == 2)


ORDERING = {
    "min": lambda state: min(state.things, key=repr),
    "sorted": lambda state: sorted(state.things, key=str)[0],
    "sort": lambda state: state.things.sort(key=repr),
    "map": lambda state: list(map(repr, state.things)),
}


@pytest.mark.parametrize("order", ORDERING.values(), ids=ORDERING)
def test_what_c_code_makes_texts_of(carrier, order):
    def make():
        return State(things=[Plain(), Plain()], lock=threading.Lock())

    def actor(state):
        with state.lock:
            order(state)

    is_not_reported(carrier, make, [actor, actor], because=r".* shows where a Plain lies, which is another place .*")
