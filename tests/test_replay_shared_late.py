"""What turns out to be shared in the very execution that fails belongs to its witness."""

from __future__ import annotations

from types import SimpleNamespace as State

import pytest

from lab import Witness, explore, replay


def finish(state):
    for callback in state.callbacks:
        callback(1)
    state.done = True


def subscribe(state):
    if state.done:
        state.got.append(1)
    else:
        state.callbacks.append(state.got.append)


def setup():
    return State(done=False, callbacks=[], got=[])


@pytest.mark.parametrize("strategy", ["dpor", "random", "pos", "surw", "pct"])
def test_a_witness_fails_again(strategy, tmp_path):
    given = {"outcome": lambda s: tuple(s.got), "allowed": [(1,)]}
    verdict = explore(setup, [finish, subscribe], strategy=strategy, schedules=500, **given)
    assert verdict.status == "fails"
    verdict.witness.save(tmp_path / "lost.json")
    again = replay(Witness.load(tmp_path / "lost.json"), setup, [finish, subscribe], **given)
    assert again.reason == "fails again: outcome () (allowed: (1,))"
    assert "state.callbacks" in str(verdict)
