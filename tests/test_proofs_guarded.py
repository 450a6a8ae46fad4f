"""What is not one step in truth is part of a proof where everybody who comes there holds one lock, and nowhere else."""

import collections
import copy
import dataclasses
import enum
import functools
import hashlib
import heapq
import json
import pickle
import threading
import types
import weakref

import pytest

from lab import explore


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass(frozen=True)
class Key:
    name: str


@dataclasses.dataclass(order=True)
class Job:
    priority: int
    tags: list = dataclasses.field(default_factory=list, compare=False)


class Plain:
    value = 0


class Upper(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key.upper(), value)


class Either:
    """Is equal to every other one, and runs code of the program to tell."""

    def __init__(self, then=None):
        self.then = then

    def __eq__(self, other):
        if self.then is not None:
            self.then()
        return True

    __hash__ = None


def setup():
    return types.SimpleNamespace(
        lock=threading.RLock(),
        other=threading.RLock(),
        counts={},
        jobs=[Job(1)],
        words=collections.Counter(),
        upper=Upper(),
        nested={"a": [1, {"b": 2}]},
        text='{"a": 1}',
        log=[],
    )


def count_by_enum(state):
    state.counts[Color.RED] = state.counts.get(Color.RED, 0) + 1


def count_by_dataclass(state):
    state.counts[Key("a")] = state.counts.get(Key("a"), 0) + 1


def push(state):
    heapq.heappush(state.jobs, Job(0))
    state.log.append(heapq.heappop(state.jobs).priority)


def sort(state):
    state.jobs.append(Job(0))
    state.jobs.sort(key=lambda job: job.priority)


def count_words(state):
    state.words += collections.Counter("ab")


def put_upper(state):
    state.upper["a"] = state.upper.get("A", 0) + 1


def show_nested(state):
    state.nested["a"].append(3)
    state.log.append(repr(state.nested))


def compare_nested(state):
    state.nested["a"].append(3)
    state.log.append(state.nested == {"a": [1, {"b": 2}, 3]})


def write_json(state):
    state.nested["a"][1]["b"] += 1
    state.text = json.dumps(state.nested)


def read_json(state):
    state.text = json.dumps({"a": json.loads(state.text)["a"] + 1})


def write_pickle(state):
    state.nested["a"].append(3)
    state.log.append(len(pickle.dumps(state.nested)))


def copy_fields(state):
    state.jobs[0].tags.append("x")
    state.log.append(len(dataclasses.asdict(state.jobs[0])["tags"]))


def replace(state):
    state.jobs[0] = dataclasses.replace(state.jobs[0], priority=state.jobs[0].priority + 1)


def copy_nested(state):
    state.nested["a"].append(3)
    state.log.append(len(copy.deepcopy(state.nested)["a"]))


GUARDED = [
    *(count_by_enum, count_by_dataclass, push, sort, count_words, put_upper, show_nested, compare_nested),
    *(write_json, read_json, write_pickle, copy_fields, replace, copy_nested),
]


def under(name, act):
    def actor(state):
        with getattr(state, name):
            act(state)

    return actor


def proved(alice, bob, **options):
    return explore(setup, {"alice": alice, "bob": bob}, strategy="dpor", schedules=500, **options)


@pytest.mark.parametrize("act", GUARDED, ids=lambda act: act.__name__)
def test_under_one_lock_it_is_part_of_a_proof(act):
    verdict = proved(under("lock", act), under("lock", act))
    assert (verdict.status, verdict.reason) == ("holds", "all 2 classes of schedules")


@pytest.mark.parametrize("act", [act for act in GUARDED if act is not read_json], ids=lambda act: act.__name__)
@pytest.mark.parametrize("bob", ["none", "other"])
def test_with_two_locks_or_one_it_is_not(act, bob):
    other = act if bob == "none" else under("other", act)
    verdict = proved(under("lock", act), other)
    assert verdict.status != "holds", verdict.reason


# ------------------------------------------------------------ what looks guarded


def freeing_key(state):
    def key(job):
        state.lock.release()
        state.lock.acquire()
        return job.priority

    state.jobs.append(Job(0))
    state.jobs.sort(key=key)


def waiting_key(state):
    def key(job):
        with state.other:
            return job.priority

    state.jobs.append(Job(0))
    state.jobs.sort(key=key)


def freeing_comparison(state):
    def free():
        state.lock.release()
        state.lock.acquire()

    state.jobs.append(Either(free))
    state.log.append(state.jobs.count(Either()))


@pytest.mark.parametrize("act", [freeing_key, waiting_key, freeing_comparison], ids=lambda act: act.__name__)
def test_a_callback_that_uses_locks(act):
    verdict = proved(under("lock", act), under("lock", act))
    assert verdict.status != "holds", verdict.reason
    if verdict.status == "unknown":
        assert "in the middle of an operation on what others touch" in verdict.reason


def test_a_lock_that_another_actor_lets_go_of():
    def setup():
        return types.SimpleNamespace(lock=threading.Lock(), nested=[[1]], seen=None)

    def alice(state):
        with state.lock:
            state.seen = repr(state.nested)

    def bob(state):
        with state.lock:
            state.nested[0].append(2)

    def thief(state):
        if state.lock.locked():
            state.lock.release()
        bob(state)

    verdict = explore(setup, [alice, bob], strategy="dpor", schedules=100)
    assert verdict.status == "holds", verdict.reason
    verdict = explore(setup, {"alice": alice, "thief": thief}, strategy="dpor", schedules=100)
    assert verdict.status != "holds", verdict.reason


def test_an_access_that_goes_without_the_lock_in_one_class_only():
    def alice(state):
        with state.lock:
            state.log.append(repr(state.nested))
            state.counts["done"] = True

    def bob(state):
        if state.counts.get("done"):
            state.nested["a"].append(3)
        else:
            with state.lock:
                state.nested["a"].append(3)

    def late(state):
        if state.counts.get("done"):
            with state.lock:
                state.nested["a"].append(3)
        else:
            state.nested["a"].append(3)

    assert proved(alice, bob).status == "unknown"
    assert proved(alice, late).status == "unknown"


def test_what_was_inside_before_an_operation_waited():
    """Alice holds the lock when she comes to look inside, and bob puts there what he changes without it."""

    def alice(state):
        with state.lock:
            state.log.append(repr(state.jobs))

    def bob(state):
        inner = [1]
        with state.lock:
            state.jobs[:] = [inner]
        inner.append(2)

    assert proved(alice, bob).status == "unknown"


def test_a_weak_reference():
    """Whoever looks through one may be why there is still something to see."""

    def setup():
        thing = Plain()
        return types.SimpleNamespace(thing=thing, reference=weakref.ref(thing), seen=[])

    def look(state):
        state.seen.append(state.reference())

    def drop(state):
        state.thing = None

    verdict = explore(setup, {"look": look, "drop": drop}, strategy="dpor", schedules=100)
    assert verdict.status == "unknown"
    assert verdict.reason.endswith("looks through a weak reference, and when garbage is collected is not under control")


class Members(frozenset):
    """Equal to others, so that an item may be asked for whose own key is no more."""


@pytest.mark.parametrize(("key", "status"), [(Plain, "holds"), (Plain(), "holds"), (Members("a"), "unknown")])
def test_an_item_that_is_kept_as_long_as_its_key(key, status):
    def setup():
        return types.SimpleNamespace(known=weakref.WeakKeyDictionary({key: 1}), lock=threading.Lock(), seen=[])

    def look(state):
        with state.lock:
            state.seen.append(state.known[key])

    assert explore(setup, [look, look], strategy="dpor", schedules=100).status == status


def test_hashes_of_ones_own_and_of_others():
    def alone(state):
        state.log.append(hashlib.sha256(b"a").hexdigest())

    def setup():
        return types.SimpleNamespace(log=[], digest=hashlib.sha256())

    def common(state):
        state.digest.update(b"a")
        state.log.append(state.digest.hexdigest())

    assert explore(setup, [alone, alone], strategy="dpor", schedules=100).status == "holds"
    assert explore(setup, [common, common], strategy="dpor", schedules=100).status == "unknown"


def test_json_that_calls_the_program():
    def alice(state):
        state.log.append(json.loads(state.text, object_hook=functools.partial(dict)))

    assert proved(alice, alice).status == "unknown"


def test_the_remedy_for_library_code_without_a_lock_is_told_and_helps():
    def setup():
        return types.SimpleNamespace(shelf=weakref.WeakValueDictionary(), got=[])

    def get(state):
        found = state.shelf.get("k")
        if found is None:
            found = state.shelf["k"] = Plain()
        state.got.append(found)

    judged = {"outcome": lambda state: len(set(map(id, state.got))), "allowed": {1}, "strategy": "dpor"}
    verdict = explore(setup, [get, get], schedules=100, **judged)
    assert verdict.reason.endswith('runs as one step, but touches what others touch; trace=("weakref",) steps inside')
    assert (
        explore(setup, [get, get], schedules=100, trace=("weakref",), **judged).failure.message
        == "outcome 2 (allowed: 1)"
    )


def test_a_pickle_of_more_than_plain_values():
    def alice(state):
        with state.lock:
            state.log.append(len(pickle.dumps(state.jobs)))

    assert proved(alice, alice).status == "unknown"
