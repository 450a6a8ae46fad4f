"""Numbers in a witness file that no exploration can have written."""

from __future__ import annotations

import json

import pytest
from controlled import State

import lab
from lab.errors import WitnessError


def add(state):
    state.value = state.value + 1


@pytest.mark.parametrize("field", ["copies", "call", "found", "repeats"])
@pytest.mark.parametrize("number", [10**18, -1])
def test_an_absurd_number_is_refused_in_one_line(tmp_path, field, number):
    verdict = lab.explore(lambda: State(value=0), [add, add], outcome=lambda state: state.value, allowed={2})
    file = verdict.witness.save(tmp_path / "witness.json")
    data = json.loads(file.read_text())
    data[field] = number
    file.write_text(json.dumps(data))
    with pytest.raises(WitnessError) as caught:
        lab.Witness.load(file)
    told = f"witness {file}: field {field!r} holds {number}, which no witness has; record a new one"
    assert str(caught.value) == told
