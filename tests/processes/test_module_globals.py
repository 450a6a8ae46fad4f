"""What a module has of `multiprocessing` before an exploration begins."""

import multiprocessing
from multiprocessing import sharedctypes

import pytest

import lab

NUMBER, NUMBERS = multiprocessing.Value("i", 0), multiprocessing.Array("d", 3)
PLAIN = multiprocessing.RawValue("i", 0)
LOCK, CHANGED, MET = multiprocessing.Lock(), multiprocessing.Condition(), multiprocessing.Barrier(2)


def reset():
    NUMBER.value, NUMBERS[1], PLAIN.value = 0, 0.0, 0


def values(state):
    return NUMBER.value, NUMBERS[1], PLAIN.value


def explore(actor, setup=reset, **options):
    actors = {"alice": actor, "bob": actor}
    return lab.explore(setup, actors, outcome=values, on="processes", strategy="dpor", seconds=60, **options)


def to_a_value(state):
    NUMBER.value += 1


def to_a_value_under_its_lock(state):
    with NUMBER.get_lock():
        NUMBER.value += 1


def to_an_array(state):
    NUMBERS[1] += 1


def under_a_lock(state):
    with LOCK:
        PLAIN.value += 1


def under_a_condition(state):
    CHANGED.acquire()
    PLAIN.value += 1
    CHANGED.notify()
    CHANGED.release()


def after_a_barrier(state):
    with LOCK:
        PLAIN.value += 1
    MET.wait()
    assert PLAIN.value == 2


@pytest.mark.parametrize(
    ("actor", "outcomes"),
    [
        (to_a_value, {(1, 0, 0), (2, 0, 0)}),
        (to_a_value_under_its_lock, {(2, 0, 0)}),
        (to_an_array, {(0, 1, 0), (0, 2, 0)}),
        (under_a_lock, {(0, 0, 2)}),
        (under_a_condition, {(0, 0, 2)}),
        (after_a_barrier, {(0, 0, 2)}),
    ],
)
def test_what_is_shared_by_a_module_is_under_control(actor, outcomes):
    verdict = explore(actor)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", outcomes), str(verdict)


def test_steps_tell_its_name_and_it_is_as_it_was_afterwards():
    verdict = explore(to_a_value, allowed={(2, 0, 0)})
    assert [step.what for step in verdict.witness.trace.steps][:2] == ["acquires NUMBER", "reads NUMBER 0"]
    again = lab.replay(
        verdict.witness, reset, {"alice": to_a_value, "bob": to_a_value}, outcome=values, allowed={(2, 0, 0)}
    )
    assert again.reason.startswith("fails again")
    plain = sharedctypes.RawValue("i", 0)
    assert (type(PLAIN), type(NUMBER.get_obj())) == (type(plain), type(plain))
    assert NUMBER.acquire.__self__ is NUMBER.get_lock()._semlock


def test_what_setup_does_not_reset_is_no_part_of_a_proof():
    def adds(state):
        PLAIN.value += 2

    reset()
    verdict = lab.explore(lambda: None, [adds], outcome=lambda state: PLAIN.value % 2, on="processes", strategy="dpor")
    assert (verdict.status, verdict.reason) == (
        "unknown",
        "1 class of schedules covered, but setup does not make everything anew: shared memory that it did not make is "
        "not as the execution before found it",
    )
