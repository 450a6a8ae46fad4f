"""The two steps that decided, and the pattern that they make."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import report_programs as programs

import lab
from lab.catalogue import entries
from lab.detectors.account import Account, did
from lab.detectors.pattern import find
from lab.program import Failure
from lab.trace import Place, Step
from lab.witness import Witness

CATALOGUE = Path(lab.__file__).parents[1] / "scenarios"

# ------------------------------------------------------------------ every scenario

PATTERNS = {
    "bank_transfer": {"unsafe": "torn pair", "still_unsafe": "torn pair"},
    "check_then_act": {"unsafe": "check-then-act", "still_unsafe": "check-then-act"},
    "compound_action": {"unsafe": "torn pair", "still_unsafe": "torn pair"},
    "dict_increment": {"unsafe": "lost update", "still_unsafe": "lost update"},
    "double_release": {"unsafe": "double release", "still_unsafe": "double release"},
    "iterate_while_mutating": {"unsafe": "iteration disturbed", "still_unsafe": "iteration disturbed"},
    "lost_update": {"unsafe": "lost update", "still_unsafe": "lost update"},
    "callback_under_lock": {"unsafe": "self-deadlock", "still_unsafe": "iteration disturbed"},
    "lock_order": {"unsafe": "lock-order inversion", "still_unsafe": "lock-order inversion"},
    "nested_submit": {"unsafe": "starved pool", "still_unsafe": "starved pool"},
    "philosophers": {
        "unsafe": "lock-order inversion",
        "still_unsafe": "failed try",
        "still_unsafe_waiter": "lock-order inversion",
    },
    "put_under_lock": {"unsafe": "wait under lock", "still_unsafe": "wait under lock"},
    "barrier_reuse": {"unsafe": "missed signal", "still_unsafe": "stolen permit"},
    "if_instead_of_while": {"unsafe": "check-then-act", "still_unsafe": "check-then-act"},
    "lazy_singleton": {"unsafe": "use before publish", "still_unsafe": "use before publish"},
    "lost_wakeup": {"unsafe": "missed signal", "still_unsafe": "missed signal"},
    # what is left behind is in no step; who came first is
    "thread_local_leak": {"unsafe": "order violation", "still_unsafe": "order violation"},
    "use_after_close": {"unsafe": "use after close", "still_unsafe": "use after close"},
    "await_between": {"unsafe": "lost update", "still_unsafe": "check-then-act"},
    "blocking_call": {"unsafe": "", "still_unsafe": ""},
    "cache_stampede": {"unsafe": "check-then-act", "still_unsafe": "check-then-act"},
    "cancelled_half_way": {"unsafe": "cancelled half-way", "still_unsafe": "cancelled half-way"},
    "fire_and_forget": {"unsafe": None, "still_unsafe": None},  # no order of two steps would have helped
    "leaked_slot": {"unsafe": "cancelled half-way", "still_unsafe": "cancelled half-way"},
    "no_await_no_race": {"unsafe": "lost update", "still_unsafe": "lost update"},
    "notified_and_cancelled": {"unsafe": "cancelled half-way", "still_unsafe": "cancelled half-way"},
    "racing_threads": {"unsafe": "lost update", "still_unsafe": "lost update"},
    "two_loops": {"unsafe": None, "still_unsafe": "lost update"},
    "vanished_task": {"unsafe": None, "still_unsafe": None},
    "check_then_create": {"unsafe": "check-then-act", "still_unsafe": "check-then-act"},
    "file_counter": {"unsafe": "lost update", "still_unsafe": "lost update"},
    "isolation_level": {"unsafe": "", "still_unsafe": ""},
    "managed_seats": {"unsafe": "check-then-act", "still_unsafe": "check-then-act"},
    "mode_mask": {"unsafe": "", "still_unsafe": ""},
    "half_written": {"unsafe": "torn write", "still_unsafe": "torn write"},
    "removed_lock_file": {"unsafe": "check-then-act", "still_unsafe": "lost update"},
    "seat_map": {"unsafe": "lost update", "still_unsafe": "lost update"},
    "shared_value": {"unsafe": "lost update", "still_unsafe": "lost update"},
    "stale_row": {"unsafe": "stale read", "still_unsafe": "stale read"},
    "two_appenders": {"unsafe": "lost update", "still_unsafe": "torn write"},
    "joined_queue": {"unsafe": None, "still_unsafe": None},
    "killed_while_saving": {"unsafe": "killed half-way", "still_unsafe": "killed half-way"},
    "lock_across_fork": {"unsafe": None, "still_unsafe": None},
    "pid_file": {"unsafe": "killed half-way", "still_unsafe": "killed half-way"},
    "temporary_name": {"unsafe": "check-then-act", "still_unsafe": "check-then-act"},
    "write_skew": {"unsafe": "stale read", "still_unsafe": "stale read"},
    "shifted_replies": {"unsafe": "cancelled half-way", "still_unsafe": "cancelled half-way"},
}
"""What the stories of the catalogue tell."""


def unsafe_variants():
    for entry in entries(CATALOGUE):
        for variant in entry.scenario.every_variant():
            if variant.must_fail and not entry.scenario.missing():
                yield pytest.param(entry, variant, id=f"{entry.name}-{variant.name}")


@pytest.mark.parametrize(("entry", "variant"), list(unsafe_variants()))
def test_the_pattern_of_a_scenario_is_named(entry, variant, tmp_path):
    scenario = entry.scenario
    verdict = lab.explore(
        variant.make,
        scenario.actors,
        **{**scenario.exploring(), "seconds": 90},
    )
    witness = verdict.witness
    if PATTERNS[entry.name][variant.name] is None:
        assert (witness.critical, witness.pattern, witness.story) == ((), "", "")
        return
    assert witness.pattern == PATTERNS[entry.name][variant.name], witness.story
    assert 1 <= len(witness.critical) <= 2
    assert all(str(number) in witness.story for number in witness.critical) or witness.pattern
    assert witness.story in " ".join(str(verdict).split())
    loaded = Witness.load(witness.save(tmp_path / "w.json"))
    assert (loaded.critical, loaded.pattern, loaded.story) == (witness.critical, witness.pattern, witness.story)


# ------------------------------------------------------------------ by hand

WORDS = {
    "is cancelled": False,
    "wakes up": False,
    "writes": True,
    "calls": True,
    "deletes": True,
    "acquires": True,
    "releases": True,
    "tries to acquire": True,
    "takes the next item of": True,
}


def account(*told, kind="outcome", message="outcome 1", detail=()):
    """Each step as "actor word name [value]"; words of several words stand in WORDS."""
    steps, touches = [], []
    for line in told:
        actor, rest = line.split(" ", 1)
        word = next((word for word in WORDS if rest.startswith(word)), rest.split(" ", 1)[0])
        name, *value = rest.removeprefix(word).split()
        steps.append(Step(actor, Place("/w/a.py", "f", 0, "x", 1), word, name, value[0] if value else None))
        touches.append((((name.partition(".")[0], "x"), WORDS.get(word, False)),))
    return Account(steps, touches, [None] * len(steps), Failure(kind, message, tuple(detail)))


def finding(*told, decides=lambda pair: True, **failure):
    return find(account(*told, **failure), decides)


def test_a_lost_update():
    found = finding("a reads x 0", "b reads x 0", "b writes x 1", "a writes x 1")
    assert (found.critical, found.pattern) == ((0, 2), "lost update")
    assert (
        found.story
        == "a read x 0 (step 1) before b wrote 1 (step 3), and then wrote 1 over it (step 4): a lost update."
    )


def test_a_check_before_a_wait():
    found = finding("a asks x", "a wakes up on", "b writes x 1", "a writes x 2")
    assert found.story == (
        "a asked x (step 1) and waited, b wrote x 1 (step 3), and a, who woke up (step 2), did not look again and "
        "wrote x 2 (step 4): check-then-act."
    )


def test_a_cancellation():
    told = "a writes x 1", "a awaits sleep", "b reads y", "a is cancelled there"
    found = finding(*told)
    assert (found.critical, found.pattern) == ((3,), "cancelled half-way")
    assert found.story == (
        "a wrote x 1 (step 1), awaited sleep (step 2) and was cancelled there (step 4); when it was run without that, "
        "it passed: a cancellation half way."
    )
    assert finding(*told, decides=lambda pair: False) is None


def test_a_lost_update_without_values():
    found = finding("a reads x", "b writes x", "a writes x")
    assert (
        found.story
        == "a read x (step 1) before b wrote to it (step 2), and then wrote over it (step 3): a lost update."
    )


@pytest.mark.parametrize(
    "told",
    [
        ["a reads x 0", "a writes x 1", "b reads x 1", "b writes x 2"],
        ["a reads x 0", "b writes y 1", "a writes x 1"],
        ["a reads x 0", "b writes x 1", "a reads x 1", "a writes x 2"],  # it looked again
        ["b writes x 1", "a writes x 1"],
    ],
)
def test_no_lost_update_where_there_is_none(told):
    found = finding(*told)
    assert found is None or found.pattern != "lost update"


def test_a_pattern_that_did_not_decide_is_not_named():
    """Another order of those steps fails as well: then something else is to blame."""
    told = ["a reads x 0", "b writes x 1", "a writes x 1", "b reads y 0", "a writes y 1"]
    found = finding(*told, decides=lambda pair: pair == (3, 4))
    assert (found.critical, found.pattern) == ((3, 4), "")
    assert found.story == (
        "b read y 0 (step 4) before a wrote y 1 (step 5); when it was run with these two in the other order, it passed."
    )


def test_nothing_is_said_where_nothing_decides():
    assert finding("a reads x 0", "b writes x 1", "a writes x 1", decides=lambda pair: False) is None


def test_check_then_act():
    found = finding("a tests x []", "b writes x 1", "a writes x 2")
    assert found.pattern == "check-then-act"
    assert found.story == (
        "a tested x [] (step 1), then b wrote x 1 (step 2), and then a wrote x 2 (step 3): check-then-act."
    )


def test_a_torn_pair():
    found = finding("a writes x 1", "b reads y 0", "b reads x 1", "a writes y 1")
    assert (found.critical, found.pattern) == ((1, 3), "torn pair")
    assert found.story == (
        "b read y 0 (step 2) and read x 1 (step 3) after a wrote x 1 (step 1) and before a wrote y 1 (step 4): a torn pair."
    )


@pytest.mark.parametrize(
    "told",
    [
        ["a writes x 1", "b reads x 1", "b writes y 1", "a writes y 2"],  # b saw one part, and gave the other a value
        ["a writes x 1", "b writes x 2", "b calls y", "a calls y"],  # what is called adds to what is there
        ["a reads x 0", "b writes x 1", "b reads y 0", "a reads y 0"],
    ],
)
def test_no_torn_pair_where_only_one_part_was_looked_at(told):
    found = finding(*told)
    assert found is None or found.pattern != "torn pair"


def test_a_pair_of_which_each_wrote_one_part_last():
    found = finding("a writes x 1", "b writes x 2", "b writes y 2", "a writes y 1")
    assert found.pattern == "torn pair"


def test_a_lock_that_was_no_decision_touches_nothing_but_itself():
    """The attribute of a class that was touched before it is no part of the step."""

    class Registry:
        one = None

    def state():
        Registry.one = None
        return SimpleNamespace(lock=threading.Lock(), got=[])

    def get(state):
        if Registry.one is None:
            with state.lock:
                Registry.one = object()
        state.got.append(Registry.one)

    verdict = lab.explore(state, {"a": get, "b": get}, outcome=lambda state: len(set(map(id, state.got))), allowed={1})
    assert "Registry.one None (step" in str(verdict)
    assert "released state.lock" not in str(verdict).partition("check-then-act")[0].splitlines()[-1]
    assert "wrote Registry.one <object>" in str(verdict)


def test_a_stale_read():
    found = finding("a reads x 0", "b writes x 1", "a writes y 0", decides=lambda pair: pair == (0, 1))
    assert found.story == (
        "a read x 0 (step 1) before b wrote x 1 (step 2), did not look again and wrote y 0 (step 3): a stale read."
    )


def test_a_look_before_the_last_one():
    told = "a reads x 1", "b writes x 0", "a reads x 0", "a writes x -1"
    found = finding(*told, decides=lambda pair: pair == (0, 1))
    assert (found.critical, found.pattern) == ((0, 1), "check-then-act")
    assert found.story == (
        "a read x 1 (step 1), then b wrote x 0 (step 2), and then a wrote x -1 (step 4): check-then-act."
    )


def test_a_disturbed_iteration():
    told = ["a takes the next item of x", "b writes x 1", "a takes the next item of x"]
    assert finding(*told) is None or finding(*told).pattern != "iteration disturbed"  # nobody saw it begin


def test_a_deadlock_of_two_locks():
    found = finding(
        "a acquires x",
        "b acquires y",
        kind="deadlock",
        message="a waits for y of b, b waits for x of a",
        detail=("a waits for y at a.py:2; b holds it since a.py:1", "b waits for x at a.py:2; a holds it since a.py:1"),
    )
    assert (found.critical, found.pattern) == ((0, 1), "lock-order inversion")
    assert found.story == (
        "a acquired x (step 1) and waits for y, b acquired y (step 2) and waits for x: a lock-order inversion."
    )


def test_a_lock_taken_twice():
    found = finding(
        "a acquires x",
        kind="deadlock",
        message="a waits for x, which it holds itself",
        detail=("a waits for x at a.py:2; a holds it since a.py:1",),
    )
    assert (found.critical, found.pattern) == ((0,), "self-deadlock")
    assert found.story == "a acquired x (step 1) and waits for it again: a self-deadlock."


def test_a_missed_signal_is_none_if_there_was_no_signal():
    detail = ("a waits for a notification on x at a.py:2",)
    failure = {"kind": "lost wakeup", "message": "a waits on x, and no one is left to notify it", "detail": detail}
    assert finding("a waits x", decides=lambda pair: False, **failure) is None
    found = finding("b notifies x", "a waits x", **failure)
    assert found.story == (
        "b notified x (step 1) before a began to wait (step 2), and nobody does so after that: a missed signal."
    )


@pytest.mark.parametrize(
    ("word", "name", "value", "told"),
    [
        ("reads", "c.value", "0", "read c.value 0"),
        ("asks", "'k' in c.d", "True", "asked 'k' in c.d: True"),
        ("asks whether it is set", "c.event", None, "asked whether c.event is set"),
        ("acquires (timed out)", "c.lock", None, "did not acquire c.lock in time"),
        ("wakes up (timed out)", "c.bell", None, "did not wake up c.bell in time"),
        ("puts", "c.queue", None, "put into c.queue"),
        ("gets", "c.queue", None, "got from c.queue"),
        ("wakes up", "c.bell", None, "woke up on c.bell"),
        ("takes the next item of", "c.items", None, "took the next item of c.items"),
        ("tries to acquire", "c.lock", None, "tried to acquire c.lock"),
        ("notifies all", "c.bell", None, "notified all on c.bell"),
        ("sleeps", "", None, "slept"),
        ("starts to iterate over", "c.items", None, "started to iterate over c.items"),
        ("joins", "worker", None, "joined worker"),
        ("releases", "c.lock", None, "released c.lock"),
        ("changes", "c.items", None, "changed c.items"),
    ],
)
def test_steps_in_the_past_tense(word, name, value, told):
    assert did(Step("a", Place("/w/a.py", "f", 0, "x", 1), word, name, value)) == told


# ------------------------------------------------------------------ what the pair is found by


def test_the_other_order_is_tried_by_holding_back_who_holds_a_lock():
    """The write in the critical section cannot be overtaken inside of it."""

    class Box(programs.Counter):
        ready = 0

    def alice(box):
        with box.lock:
            box.value = 1

    def bob(box):
        with box.lock:
            box.ready = box.value

    verdict = lab.explore(Box, {"alice": alice, "bob": bob}, outcome=lambda box: box.ready, allowed={0})
    one, other = (verdict.witness.trace.steps[number - 1] for number in verdict.witness.critical)
    assert (one.actor, one.word, other.actor, other.word) == ("alice", "writes", "bob", "reads")
