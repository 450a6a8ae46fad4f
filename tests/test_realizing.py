"""A witness that cannot happen on the running build gives way to one of the same failure that can, if there is one."""

import sys
import threading

import pytest

import lab
import lab.realizing
from lab.detectors.realizable import HERE, Grade
from lab.report.lines import found_line, here_line
from lab.witness import build_name
from tests.test_carriers import BOTH

pytestmark = [
    pytest.mark.skipif(build_name() != "gil", reason="elsewhere every witness can happen"),
    pytest.mark.skipif(sys.version_info >= (3, 14), reason="its switch points are others"),
]


class Shared:
    def __init__(self):
        self.items = {"a": 1, "b": 2, "c": 3}
        self.value = 0
        self.lock = threading.Lock()


def walk(shared):
    for item in shared.items:
        shared.items[item]


def grow(shared):
    shared.items["d"] = 4


def add_with_a_call(shared):
    current = shared.value
    len("")
    shared.value = current + 1


def add(shared):
    current = shared.value
    shared.value = current + 1


def add_with_a_late_lock(shared):
    current = shared.value
    with shared.lock:
        shared.value = current + 1


def counted(shared):
    assert shared.value == 2, shared.value


def again(verdict, actors, **options):
    """The witness of ``verdict`` fails again, alike, and can happen."""
    replayed = lab.replay(verdict.witness, Shared, actors, **options)
    assert (replayed.status, replayed.failure) == ("fails", verdict.failure), replayed.reason
    assert replayed.witness.trace == verdict.witness.trace
    return replayed.realizable[HERE]


@pytest.mark.parametrize("carrier", BOTH)
@pytest.mark.parametrize("seed", range(3))
def test_a_loop_is_interrupted_where_it_jumps_back(carrier, seed):
    """Between the beginning and the first item nobody can come in; after each item somebody can."""
    actors = {"alice": walk, "bob": grow}
    found = lab.explore(Shared, actors, carrier=carrier, strategy="random", seed=seed)
    assert found.failure.message == "RuntimeError: dictionary changed size during iteration left alice"
    assert found.realizable[HERE] == Grade("yes") == again(found, actors, carrier=carrier)
    assert here_line(found) == "can happen on this build"
    assert found.witness.trace.switches == 2
    assert found.witness.critical  # told as any other witness is
    assert found.witness.story
    taken = [step.word for step in found.witness.trace.steps[: found.witness.trace.steps.index(bobs(found))]]
    assert taken.count("takes the next item of") == 1


def bobs(verdict):
    """The first step of bob."""
    return next(step for step in verdict.witness.trace.steps if step.actor == "bob")


def test_that_it_is_another_one_is_told():
    found = lab.explore(Shared, {"alice": walk, "bob": grow}, strategy="random", seed=1)
    assert found.shrunk.instead > 0
    told = f"in {found.shrunk.instead} executions more another one, with 2 switches, that can happen here"
    assert told in found_line(found)


def test_a_call_between_read_and_write():
    found = lab.explore(Shared, [add_with_a_call] * 2, check=counted)
    assert found.realizable[HERE] == Grade("yes")
    assert found.shrunk is None or not found.shrunk.instead  # the first witness can happen already


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("act", [add, add_with_a_late_lock])
def test_where_nobody_can_come_in_no_schedule_fails(act, number):
    found = lab.explore(Shared, [act] * number, outcome=lambda shared: shared.value, allowed={number})
    given = found.realizable[HERE]
    assert (given.status, given.every) == ("no", True)
    assert here_line(found).startswith("no schedule can fail so on this GIL build: no switch point between lines ")


def test_of_several_the_one_that_can_happen_is_taken():
    """A lost update with bob comes first, and cannot happen; one with carol can, as she makes a call in between."""
    actors = {"alice": add, "bob": add, "carol": add_with_a_call}
    found = lab.explore(Shared, actors, outcome=lambda shared: shared.value, allowed={3})
    assert found.failure.message == "outcome 2 (allowed: 3)"
    assert found.realizable[HERE] == Grade("yes")
    torn = [step.actor for step in found.witness.trace.steps if step.word in ("reads", "writes")]
    assert torn.index("carol") + 1 != len(torn) - 1 - torn[::-1].index("carol")


def test_what_was_not_tried_to_the_end_is_not_said_of_every_schedule(monkeypatch):
    monkeypatch.setattr(lab.realizing, "_WALKED", 1)
    given = lab.explore(Shared, [add] * 3, check=lambda shared: shared.value == 3).realizable[HERE]
    assert (given.status, given.every) == ("no", False)


def test_a_switch_that_may_be_possible_is_not_ruled_out():
    """What an import runs is not known."""

    def imports(shared):
        current = shared.value
        import json  # noqa: F401

        shared.value = current + 1

    given = lab.explore(Shared, [imports] * 2, check=counted).realizable[HERE]
    assert (given.status, given.every) == ("unknown", False)


class Odd(Exception):
    """What goes wrong."""


@pytest.mark.parametrize("name", ["_look", "_told", "account_for", "_repeated", "fingerprints", "engine"])
def test_whatever_goes_wrong_the_witness_is_kept(name, monkeypatch):
    def fails(*arguments, **named):
        raise Odd

    monkeypatch.setattr(lab.realizing, name, fails)
    found = lab.explore(Shared, {"alice": walk, "bob": grow}, strategy="random", seed=1)
    assert found.status == "fails"
    assert found.realizable[HERE].status == "no"
    again(found, {"alice": walk, "bob": grow})


def test_a_setup_that_fails_meanwhile_loses_nothing(monkeypatch):
    look = lab.realizing._look
    broken = []

    def breaks(*arguments):
        broken.append(1)
        return look(*arguments)

    def setup():
        if broken:
            raise OSError("out of tables")
        return Shared()

    monkeypatch.setattr(lab.realizing, "_look", breaks)
    found = lab.explore(setup, {"alice": walk, "bob": grow})
    assert (broken, found.status, found.realizable[HERE].status) == ([1], "fails", "no")


def test_free_threaded_builds_need_nothing_of_this(monkeypatch):
    monkeypatch.setattr(lab.realizing, "build_name", lambda: "free-threaded")
    monkeypatch.setattr(lab.realizing, "_look", None)
    found = lab.explore(Shared, {"alice": walk, "bob": grow})
    assert found.shrunk is None or not found.shrunk.instead
