"""Whether a witness can happen on a build with the lock: whole programs."""

import collections
import ctypes
import io
import os
import re
import sqlite3
import sys
import threading
from dataclasses import replace

import pytest

import lab
import lab.realizing
from lab.carriers.pointing import keeps_lock
from lab.detectors.realizable import FREE, HERE, WITH_LOCK, Grade, Moment, grade
from lab.report.lines import here_line
from lab.verdict import Verdict
from lab.witness import build_name
from tests.test_carriers import BOTH


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("a.py:3", "a.py:4", "between lines 3 and 4"),
        ("a.py:3", "a.py:3", "within line 3"),
        ("a.py:3", "b.py:3", "between a.py:3 and b.py:3"),
    ],
)
def test_where_there_is_none(first, second, told):
    moments = [
        Moment("alice", first, (("x", False),), True),
        Moment("bob", "c.py:1", (("x", True),), True),
        Moment("alice", second, (("x", True),), False),
    ]
    assert grade(moments) == Grade("no", f"no switch point {told}")


# ------------------------------------------------------------------ whole programs


class Locks:
    def __init__(self):
        self.left, self.right = threading.Lock(), threading.Lock()


def left_then_right(state):
    with state.left:
        with state.right:
            pass


def right_then_left(state):
    with state.right:
        with state.left:
            pass


def calls_between(state):
    with state.left:
        len("")
        with state.right:
            pass


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="there a with statement calls, and so polls")
def test_a_free_lock_is_taken_without_a_switch():
    """Nobody can come between two ``with`` statements whose locks are free: this deadlock is for other builds."""
    found = lab.explore(Locks, {"alice": left_then_right, "bob": right_then_left})
    assert (found.failure.kind, found.realizable[WITH_LOCK].status) == ("deadlock", "no")
    assert re.fullmatch(r"no switch point between lines \d+ and \d+", found.realizable[WITH_LOCK].reason)


def test_one_call_makes_the_deadlock_possible():
    found = lab.explore(Locks, {"alice": calls_between, "bob": right_then_left})
    assert (found.failure.kind, found.realizable[WITH_LOCK]) == ("deadlock", Grade("yes"))


@pytest.mark.parametrize(("within", "status"), [(lambda: len(""), "yes"), (None, "no")], ids=["calls", "quick"])
def test_who_has_waited_for_a_lock_may_be_switched_from_with_it(within, status):
    """A lock is given to who waits for it, who then waits for its turn to run: but can anybody come to wait?

    Nobody can if nobody is ever interrupted with the lock.
    """

    class State:
        def __init__(self):
            self.lock = threading.Lock()
            self.value, self.given_back, self.seen = 0, False, False

    def alice(state):
        with state.lock:
            state.value = 1

    def bob(state):
        if state.given_back and state.lock.locked() and not state.value:
            state.seen = True  # alice has the lock, and has not written yet

    def carol(state):
        with state.lock:
            if within is not None:
                within()
        state.given_back = True

    actors = {"alice": alice, "bob": bob, "carol": carol}
    found = lab.explore(State, actors, check=lambda state: not state.seen, schedules=2000)
    assert (found.status, found.realizable[WITH_LOCK].status) == ("fails", status)


def test_steps_that_have_nothing_to_do_with_it_do_not_count():
    """A switch between read and write that another order does without is no switch that is needed."""

    class State:
        def __init__(self):
            self.one, self.other = 0, 0

    def alice(state):
        state.one = state.one + 1

    def bob(state):
        state.other = state.other + 1
        raise ValueError("always")

    found = lab.explore(State, {"alice": alice, "bob": bob}, strategy="random", seed=1)
    assert (found.failure.kind, found.realizable[WITH_LOCK]) == ("exception", Grade("yes"))


def test_a_thread_is_started_and_joined():
    class State:
        def __init__(self):
            self.value = 0

        def add(self):
            current = self.value
            self.value = current + 1

    def alice(state):
        child = threading.Thread(target=state.add)
        child.start()
        state.add()
        child.join()

    found = lab.explore(State, {"alice": alice}, check=lambda state: state.value == 2)
    assert found.realizable[WITH_LOCK].status == "no"


class Counter:
    def __init__(self):
        self.value = 0


def add_one(counter):
    current = counter.value
    counter.value = current + 1


def lost_update(**options):
    return lab.explore(Counter, [add_one, add_one], check=lambda counter: counter.value == 2, **options)


def test_on_which_builds():
    found = lost_update().realizable
    assert list(found) == [HERE, FREE, WITH_LOCK]
    assert found[FREE] == Grade("yes")
    assert found[WITH_LOCK].status == "no"
    assert found[HERE] == found[WITH_LOCK if build_name() == "gil" else FREE]


@pytest.mark.parametrize("carrier", BOTH)
def test_on_either_carrier(carrier):
    assert lost_update(carrier=carrier).realizable[WITH_LOCK].status == "no"


def test_what_does_not_fail_has_no_grade():
    found = lab.explore(Counter, [add_one], check=lambda counter: counter.value == 1)
    assert (found.status, found.realizable) == ("holds", {})


def test_a_replay_is_graded_too():
    found = lost_update()
    again = lab.replay(found.witness, Counter, [add_one, add_one], check=lambda counter: counter.value == 2)
    assert list(again.realizable) == list(found.realizable)
    for build, given in again.realizable.items():  # a replay is about its witness, and tries no others
        assert given == replace(found.realizable[build], every=False)


def test_a_witness_that_cannot_be_repeated_is_not_graded(monkeypatch):
    made, before = [], []
    realizable = lab.realizing.realizable

    def noted(*arguments):
        before.append(len(made))
        return realizable(*arguments)

    monkeypatch.setattr("lab.realizing.realizable", noted)

    def setup():
        made.append(1)
        if len(made) > limit:
            raise OSError("out of counters")
        return Counter()

    limit = 1_000_000
    lab.explore(setup, [add_one, add_one], check=lambda counter: counter.value == 2)
    limit, made = before[0], []
    found = lab.explore(setup, [add_one, add_one], check=lambda counter: counter.value == 2)
    assert found.realizable[WITH_LOCK] == Grade(
        "unknown", "the witness could not be repeated (OSError: out of counters)"
    )
    assert found.status == "fails"


def test_an_interpreter_of_another_make_is_not_graded(monkeypatch):
    monkeypatch.setattr(sys.implementation, "name", "otherpython")
    assert lost_update().realizable[WITH_LOCK] == Grade(
        "unknown", "nothing is known of where otherpython switches threads"
    )


class Bare(Counter):
    pass


@pytest.mark.parametrize(
    ("value", "keeps"),
    [
        *((one, True) for one in (1, "a", [], {}, io.StringIO(), Counter(), threading.Lock(), collections.deque())),
        *((one, True) for one in (Bare(), collections.UserDict(), collections.namedtuple("Pair", "a b")(1, 2))),
        *((one, False) for one in (sys.__stdin__, os.environ, ctypes.c_int(1), sqlite3.connect(":memory:").cursor())),
    ],
    ids=lambda value: type(value).__name__,
)
def test_types_that_may_give_the_lock_away(value, keeps):
    assert keeps_lock(type(value)) is keeps


# ------------------------------------------------------------------ what is told


@pytest.mark.parametrize(
    ("build", "locked", "line"),
    [
        ("gil", Grade("yes"), "can happen on this build"),
        (
            "gil",
            Grade("no", "no switch point within line 3"),
            "cannot happen on this GIL build: no switch point within line 3; can on free-threaded builds",
        ),
        (
            "gil",
            Grade("no", "no switch point within line 3", every=True),
            "no schedule can fail so on this GIL build: no switch point within line 3; free-threaded: yes",
        ),
        (
            "gil",
            Grade("unknown", "within line 3 Blob is a type whose code may give the lock away"),
            "not known for this GIL build: within line 3 Blob is a type whose code may give the lock away; "
            "can on free-threaded builds",
        ),
        ("free-threaded", Grade("yes"), "can happen on this build"),
        (
            "free-threaded",
            Grade("no", "no switch point within line 3"),
            "can happen on this free-threaded build; on a GIL build of this version: no: no switch point within line 3",
        ),
    ],
)
def test_the_line_of_the_report(build, locked, line, monkeypatch):
    monkeypatch.setattr("lab.report.lines.build_name", lambda: build)
    here = locked if build == "gil" else Grade("yes")
    found = Verdict("fails", "", realizable={HERE: here, FREE: Grade("yes"), WITH_LOCK: locked})
    assert here_line(found) == line
