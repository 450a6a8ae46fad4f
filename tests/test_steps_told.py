"""What steps are called in a report: the word says what was done, and the name is the one the program uses."""

import bisect
import collections
import io
import pickle
import struct
import threading
import types

import pytest

from lab import explore


def counting():
    number = 0
    while True:
        yield number
        number += 1


def setup():
    return types.SimpleNamespace(
        text=io.StringIO(),
        data=io.BytesIO(b"abcd"),
        buffer=bytearray(8),
        handlers=collections.defaultdict(list, {"x": [1]}),
        numbers=counting(),
        sorted=[1, 3],
        table={"a": 1},
        lock=threading.Lock(),
    )


def write_text(state):
    state.text.write("x")


def seek(state):
    state.data.seek(2)


def look_up(state):
    return state.handlers["x"]


def fill_in(state):
    return state.handlers["y"]


def advance(state):
    next(state.numbers)


def find(state):
    bisect.bisect(state.sorted, 2)


def unpack(state):
    struct.unpack_from("<i", state.buffer)


def dump(state):
    pickle.dumps(state.table)


def change_all(state):
    state.text.write("y")
    state.data.read(1)
    state.buffer[0] = 1
    state.handlers["x"] = []
    state.handlers["y"] = []
    state.sorted.append(4)
    state.table["b"] = 2


TOLD = {
    write_text: "calls state.text.write('x')",
    seek: "calls state.data.seek(2)",
    look_up: "reads state.handlers['x'] [1]",
    fill_in: "writes state.handlers['y']",
    find: "reads state.sorted [1, 3]",
    unpack: "reads state.buffer <bytearray>",
    dump: "reads state.table {'a': 1}",
}


@pytest.mark.parametrize("act", TOLD, ids=lambda act: act.__name__)
def test_a_step_is_told_as_what_it_is(act):
    def fails(state):
        assert state is None

    verdict = explore(setup, {"alice": act, "bob": change_all}, check=fails, strategy="dpor")
    told = [step.what for step in verdict.witness.trace.steps if step.actor == "alice"]
    assert told == [TOLD[act]]


def test_a_generator_that_two_take_from():
    verdict = explore(setup, {"alice": advance, "bob": advance}, strategy="dpor")
    assert verdict.failure.message.startswith("ValueError: generator already executing")
    assert {step.what for step in verdict.witness.trace.steps} == {"takes from state.numbers"}
