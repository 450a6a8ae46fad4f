"""Processes that an actor starts with an interpreter of their own: the same programs, with the same answers."""

import multiprocessing
from collections import Counter
from random import Random

import pytest

import lab
from tests.processes import families, starting
from tests.processes.programs import zero
from tests.processes.test_births import FAIL, HOLD, LOSE, MOMENTS, code, count, explore, nothing_is_left

__all__ = ["nothing_is_left"]
_OF_LIBRARY = ("Lock", "Pipe", "Process", "Queue", "SimpleQueue", "Value")


@pytest.fixture(params=["spawn", "forkserver"])
def method(request, monkeypatch):
    """The start method by which the programs start processes."""
    context = multiprocessing.get_context(request.param)
    for name in _OF_LIBRARY:
        monkeypatch.setattr(starting, name, getattr(context, name))
    monkeypatch.setattr(families, "Process", context.Process)
    return {"spawn": "SpawnProcess", "forkserver": "ForkServerProcess"}[request.param]


@pytest.mark.parametrize(("actor", "outcomes"), HOLD)
def test_what_holds(method, actor, outcomes):
    verdict = explore(actor)
    assert verdict.status == "holds", str(verdict)
    assert verdict.uncontrolled == ()
    assert outcomes is None or verdict.outcomes == Counter(outcomes)


@pytest.mark.parametrize(("actor", "outcomes"), LOSE)
def test_lost_updates_among_them(method, actor, outcomes):
    verdict = explore(actor)
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", outcomes), str(verdict)
    failed = explore(actor, allowed={"2"})
    assert (failed.status, failed.failure.message) == ("fails", "outcome '1' (allowed: '2')")
    again = lab.replay(failed.witness, zero, {"alice": actor}, outcome=count, allowed={"2"})
    assert (again.status, again.failure.message) == ("fails", failed.failure.message)


@pytest.mark.parametrize(("actor", "kind", "message"), FAIL)
def test_what_fails(method, actor, kind, message):
    message = message.replace("Process", method)
    verdict = explore(actor)
    assert verdict.status == "fails", str(verdict)
    assert (verdict.failure.kind, verdict.failure.message) == (kind, message)
    again = lab.replay(verdict.witness, zero, {"alice": actor}, outcome=count)
    assert (again.status, again.failure.message) == ("fails", message)


@pytest.mark.parametrize(("actor", "outcomes"), MOMENTS)
def test_every_moment_of_an_end_is_tried(method, actor, outcomes):
    verdict = explore(actor, outcome=code)
    assert verdict.status == "holds", str(verdict)
    assert verdict.outcomes.keys() == outcomes


@pytest.mark.parametrize("seed", range(6))
def test_every_outcome_of_a_model_and_no_other(method, seed):
    parent, children = families.draw(Random(seed))
    verdict = lab.explore(
        dict,
        {"alice": families.actor(parent, children)},
        outcome=families.outcome,
        on="processes",
        strategy="dpor",
        seconds=100,
    )
    assert verdict.status == "holds", f"{parent} {children}\n{verdict}"
    assert set(verdict.outcomes) == families.outcomes(parent, children), (parent, children)
