"""Both carriers run the same schedule in the same steps, and actors see the same of themselves."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import lab
from lab.carriers.choice import why_no_greenlets
from lab.catalogue import load
from lab.engine import engine
from lab.errors import InvalidValue
from lab.recorder import Recording
from lab.strategies import STRATEGIES
from tests.controlled import State

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted(path for path in (ROOT / "scenarios").glob("*/*.py") if path.parent.name != "processes")
BOTH = ["thread"] if why_no_greenlets() else ["greenlet", "thread"]
needs_both = pytest.mark.skipif(len(BOTH) < 2, reason=f"only one carrier here: {why_no_greenlets()}")
SCHEDULES = 60


def told(scenario, variant, carrier):
    """Each execution's choices, steps, outcome and failure, and what the whole exploration comes to."""
    executions = []
    with engine(scenario.program(variant), 20_000, scenario.trace, carrier) as exploration:
        executions.append(exploration.profile())
        for seed, strategy in enumerate(("random", "pct", "pos", "surw")):
            chooser = STRATEGIES[strategy](seed, exploration.counts)
            for _ in range(4):
                chooser.begin(exploration.control)
                recording = Recording()
                outcome, failure = exploration.execute(chooser.choose, recording=recording)
                chooser.end(exploration.control)
                steps = [(step.actor, step.place, step.word, step.name, step.value) for step in recording.steps]
                executions.append(
                    (list(exploration.control.choices), steps, outcome, failure, exploration.control.last)
                )
        assert exploration.carrier == carrier
    verdict = explored(scenario, variant, carrier)
    trace = verdict.witness.trace if verdict.witness else None
    told = (verdict.status, verdict.reason, verdict.failure, verdict.schedules, verdict.outcomes, verdict.uncontrolled)
    return [*executions, told, trace]


def explored(scenario, variant, carrier):
    return lab.explore(
        variant.make, scenario.actors, trace=scenario.trace, schedules=SCHEDULES, carrier=carrier, **scenario.options()
    )


@needs_both
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_catalogue_goes_the_same_way_on_both(path):
    scenario = load(path).scenario
    for variant in scenario.every_variant():
        one, other = (told(scenario, variant, carrier) for carrier in BOTH)
        for left, right in zip(one, other, strict=True):
            assert left == right, variant.name


@needs_both
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_witness_of_one_fails_again_on_the_other(path):
    scenario = load(path).scenario
    options = {**scenario.options(), "trace": scenario.trace}
    for variant in scenario.every_variant():
        if not variant.must_fail:
            continue
        for carrier, other in (BOTH, BOTH[::-1]):
            witness = lab.explore(variant.make, scenario.actors, carrier=carrier, schedules=1500, **options).witness
            assert witness.carrier == carrier
            again = lab.replay(witness, variant.make, scenario.actors, carrier=other, **options)
            assert again.status == "fails", again.reason
            assert again.witness.trace == witness.trace


def test_a_saved_witness_knows_its_carrier(tmp_path):
    def racy(state):
        state.value = state.value + 1

    program = (lambda: State(value=0), [racy, racy])
    judged = {"outcome": lambda state: state.value, "allowed": {2}}
    witness = lab.explore(*program, carrier="thread", **judged).witness
    loaded = lab.Witness.load(witness.save(tmp_path / "witness.json"))
    assert loaded.carrier == "thread"
    assert lab.replay(loaded, *program, **judged).witness.carrier == "thread"


def test_an_unknown_carrier():
    told = "carrier='fiber': unknown; choose one of auto, greenlet, thread"
    with pytest.raises(InvalidValue) as caught:
        lab.explore(lambda: None, [print], carrier="fiber")
    assert str(caught.value) == told


def test_without_greenlet_the_lab_explores_on_threads(tmp_path):
    """As on a build that the package does not support."""
    (tmp_path / "greenlet.py").write_text("raise ImportError('not for this build')\n")
    program = (
        "import lab, sys\n"
        "class S: v = 0\n"
        "def add(s): s.v = s.v + 1\n"
        "v = lab.explore(S, [add, add], outcome=lambda s: s.v, allowed={2})\n"
        "print(v.status, v.witness.carrier)\n"
        "try: lab.explore(S, [add], carrier='greenlet')\n"
        "except ValueError as error: print(error)\n"
    )
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )
    first, second = done.stdout.splitlines()
    assert first == "fails thread", done.stderr
    assert second.startswith("carrier='greenlet': ")
    assert second.endswith("; use carrier='thread' or 'auto'")


# ------------------------------------------------------------------ what actors see of themselves

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")
LOCAL = threading.local()


class Named(threading.local):
    def __init__(self, name):
        self.name = name


def identities(state):
    state.seen.append((threading.current_thread().name, threading.get_ident() - state.main, threading.active_count()))
    before = VARIABLE.get()
    VARIABLE.set(threading.current_thread().name)
    state.seen.append((before, VARIABLE.get()))


def locals_of_all_kinds(state):
    before = hasattr(LOCAL, "value"), hasattr(state.made, "value"), state.named.name
    LOCAL.value = state.made.value = state.named.name = threading.current_thread().name
    state.turns += 1
    state.turns += 1
    state.seen.append((before, LOCAL.value, state.made.value, state.named.name))


def children(state):
    def child():
        identities(state)
        state.seen.append(sys.gettrace() is None)

    thread = threading.Thread(target=child, name="child")
    thread.start()
    identities(state)
    thread.join()
    state.seen.append((thread.is_alive(), thread.name, thread.ident - state.main))


def make():
    return State(seen=[], main=threading.get_ident(), made=threading.local(), named=Named("new"), turns=0)


@needs_both
@pytest.mark.parametrize("body", [identities, locals_of_all_kinds, children], ids=lambda body: body.__name__)
def test_actors_see_the_same_of_themselves(body):
    seen = []
    for carrier in BOTH:
        verdict = lab.explore(
            make, {"alice": body, "bob": body}, outcome=lambda state: tuple(state.seen), schedules=200, carrier=carrier
        )
        assert verdict.failure is None, str(verdict)
        assert verdict.uncontrolled == ()
        seen.append(verdict.outcomes)
    assert seen[0] == seen[1]
    assert len(seen[0]) > 1


@pytest.mark.parametrize("carrier", BOTH)
def test_every_actor_starts_with_nothing_of_its_own(carrier):
    verdict = lab.explore(
        make,
        [locals_of_all_kinds] * 3,
        outcome=lambda state: (
            {before for before, *_ in state.seen} == {(False, False, "new")}
            and all(len(set(rest)) == 1 for _, *rest in state.seen)
        ),
        schedules=300,
        carrier=carrier,
    )
    assert set(verdict.outcomes) == {True}
    assert not hasattr(LOCAL, "value")
