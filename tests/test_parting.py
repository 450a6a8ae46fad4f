"""Operations on containers that are several steps without the global interpreter lock: no proof, unless under a lock."""

import sys
import threading
import time
from collections import defaultdict, deque
from itertools import chain

import pytest

import lab
from lab.carriers import parting
from lab.carriers.parting import SEVERAL
from lab.interpreters import lock_is_on


class Shared:
    """Three containers that two actors have, and a lock that they may take."""

    def __init__(self):
        self.list = [5, 1, 3]
        self.dict = {"a": 1, "b": 1}
        self.set = {1, 2}
        self.deque = deque([1, 2])
        self.made = defaultdict(list)
        self.numbers = iter([1, 2, 3])
        self.lock = threading.Lock()


def change(shared):
    shared.list[0] = 5
    shared.dict["a"] = 1
    shared.set.add(1)
    shared.deque.append(1)
    shared.made["x"] = []


def loop(things):
    for _ in things:
        pass


def has_a(keys):
    return "a" in keys


def explore(operation, other=change, **options):
    return lab.explore(Shared, [operation, other], schedules=120, seconds=10, **options)


SEVERAL_STEPS = {
    "sort": lambda s: s.list.sort(),
    "insert": lambda s: s.list.insert(0, 1),
    "last item": lambda s: s.list[-1],
    "last item by its method": lambda s: s.list.__getitem__(-1),
    "write the last": lambda s: s.list.__setitem__(-1, 3),
    "dicts put together": lambda s: s.dict | {"c": 1},
    "pop first": lambda s: s.list.pop(0),
    "remove": lambda s: s.list.remove(1),
    "reverse": lambda s: s.list.reverse(),
    "del": lambda s: s.list.__delitem__(0),
    "in list": lambda s: 3 in s.list,
    "index": lambda s: s.list.index(3),
    "count": lambda s: s.list.count(3),
    "compare lists": lambda s: s.list == [1],
    "extend with a generator's like": lambda s: s.list.extend(range(3)),
    "sum": lambda s: sum(s.list),
    "max of values": lambda s: max(s.dict.values()),
    "set of list": lambda s: set(s.list),
    "tuple of dict": lambda s: tuple(s.dict),
    "update": lambda s: s.dict.update(a=2, b=2),
    "in values": lambda s: 1 in s.dict.values(),
    "set update": lambda s: s.set.update({7, 8}),
    "deque copied": lambda s: s.deque.copy(),
    "list of deque": lambda s: list(s.deque),
    "extend deque": lambda s: s.deque.extend([1, 2]),
    "missing item": lambda s: s.made["x"],
    "next of two": lambda s: loop(zip(s.list, s.dict, strict=False)),
    "list of a map": lambda s: list(map(s.list.append, (1, 2))),
    "handed to map": lambda s: loop(map(s.list.count, (1, 2))),
    "by its class": lambda s: list.sort(s.list),
    "one of several": lambda s: print(s.list, s.dict, file=None),
}
ONE_STEP = {
    "item": lambda s: s.list[0],
    "write": lambda s: s.list.__setitem__(0, 5),
    "append": lambda s: s.list.append(1),
    "pop last": lambda s: s.list.pop(),
    "slice": lambda s: s.list[:2],
    "copy": lambda s: s.list.copy(),
    "list of list": lambda s: list(s.list),
    "sorted": lambda s: sorted(s.list),
    "len": lambda s: len(s.list),
    "truth": lambda s: bool(s.list),
    "add": lambda s: s.list + [1],
    "extend with a list": lambda s: s.list.extend([1, 2]),
    "loop": lambda s: loop(s.list),
    "numbered loop": lambda s: loop(enumerate(s.list)),
    "get": lambda s: s.dict.get("a"),
    "in dict": lambda s: "a" in s.dict,
    "in keys": lambda s: has_a(s.dict.keys()),
    "setdefault": lambda s: s.dict.setdefault("c", 1),
    "pop key": lambda s: s.dict.pop("a"),
    "dict of dict": lambda s: dict(s.dict),
    "list of values": lambda s: list(s.dict.values()),
    "compare dicts": lambda s: s.dict == {"a": 1},
    "add to set": lambda s: s.set.add(9),
    "in set": lambda s: 1 in s.set,
    "popleft": lambda s: s.deque.popleft(),
    "handed to map": lambda s: loop(map(s.list.append, (1,))),
}


@pytest.fixture
def without_lock(monkeypatch):
    """As on a build without the lock, on whichever runs."""
    monkeypatch.setattr(parting, "lock_is_on", lambda: False)


@pytest.mark.parametrize("name", SEVERAL_STEPS)
def test_what_is_several_steps_is_no_proof(without_lock, name):
    verdict = explore(SEVERAL_STEPS[name])
    assert verdict.status == "unknown", name
    assert SEVERAL in verdict.reason


@pytest.mark.parametrize("name", SEVERAL_STEPS)
def test_with_the_lock_it_is_one_step(monkeypatch, name):
    monkeypatch.setattr(parting, "lock_is_on", lambda: True)
    assert SEVERAL not in explore(SEVERAL_STEPS[name]).reason


@pytest.mark.parametrize("name", ONE_STEP)
def test_what_is_one_step_is_proved(without_lock, name):
    verdict = explore(ONE_STEP[name])
    assert verdict.status == "holds", verdict.reason


@pytest.mark.parametrize("name", ["sort", "in list", "sum", "update", "next of two", "missing item"])
def test_a_lock_around_it_makes_one_step_of_it(without_lock, name):
    def guarded(function):
        def run(shared):
            with shared.lock:
                function(shared)

        return run

    verdict = explore(guarded(SEVERAL_STEPS[name]), guarded(change))
    assert verdict.status == "holds", verdict.reason


def test_what_nobody_changes_may_be_read_in_any_way(without_lock):
    verdict = explore(lambda s: s.list.count(1), lambda s: 3 in s.list)
    assert verdict.status == "holds", verdict.reason


def test_an_iterator_that_two_have(without_lock):
    verdict = explore(lambda s: next(s.numbers), lambda s: next(s.numbers))
    assert verdict.status == "unknown"
    assert SEVERAL in verdict.reason


def test_what_is_not_known_is_not_one_step(without_lock):
    """A container of C code of which the table says nothing, and an iterator that goes through several."""
    assert SEVERAL in explore(lambda s: loop(chain(s.list, s.dict))).reason
    verdict = lab.explore(lambda: bytearray(3), [lambda b: b.append(1), lambda b: b.append(2)], seconds=10)
    assert verdict.status == "unknown"
    assert SEVERAL in verdict.reason


# ------------------------------------------------------------------ what a build without the lock does

MANY = 300
WHOLE = list(range(MANY))


def seen_by_half(make, change, read, whole, seconds=0.5):
    """How many of the reads beside one thread that changes an object saw something other than a whole state."""
    shared, ended, wrong = make(), threading.Event(), []

    def keep_changing():
        while not ended.is_set():
            change(shared)

    thread = threading.Thread(target=keep_changing)
    thread.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            found = read(shared)
        except Exception as error:
            found = error
        if not whole(found):
            wrong.append(found)
    ended.set()
    thread.join()
    return len(wrong)


def extend_and_clear(shared):
    shared.extend(WHOLE)
    shared.clear()


def add_and_take(shared):
    shared.append(3)
    shared.pop()


def fill_set_and_clear(shared):
    shared.update(set(WHOLE))
    shared.clear()


def fill_and_clear(shared):
    shared.update(dict.fromkeys(WHOLE))
    shared.clear()


IN_TRUTH = {
    "copy": (lambda: [0], extend_and_clear, lambda s: len(s.copy()), lambda n: n in (0, 1, MANY)),
    "list": (lambda: [0], extend_and_clear, lambda s: len(list(s)), lambda n: n in (0, 1, MANY)),
    "len": (lambda: [], extend_and_clear, len, lambda n: n in (0, MANY)),
    "tuple": (lambda: [], extend_and_clear, lambda s: len(tuple(s)), lambda n: n in (0, MANY)),
    "sorted": (lambda: [], extend_and_clear, lambda s: len(sorted(s)), lambda n: n in (0, MANY)),
    "+": (lambda: [], extend_and_clear, lambda s: len(s + []), lambda n: n in (0, MANY)),
    "dict copied": (dict, fill_and_clear, lambda s: len(s.copy()), lambda n: n in (0, MANY)),
    "list of dict": (dict, fill_and_clear, lambda s: len(list(s)), lambda n: n in (0, MANY)),
    "list of values": (dict, fill_and_clear, lambda s: len(list(s.values())), lambda n: n in (0, MANY)),
    "dicts compared": (dict, fill_and_clear, lambda s: s == {}, lambda same: same in (True, False)),
    "list reversed": (lambda: WHOLE.copy(), list.reverse, list, lambda found: found in (WHOLE, WHOLE[::-1])),
    "set copied": (set, fill_set_and_clear, lambda s: len(s.copy()), lambda n: n in (0, MANY)),
    "list of set": (set, fill_set_and_clear, lambda s: len(list(s)), lambda n: n in (0, MANY)),
    "slice reversed": (lambda: WHOLE.copy(), list.reverse, lambda s: s[:], lambda found: found in (WHOLE, WHOLE[::-1])),
}


@pytest.mark.skipif(lock_is_on(), reason="needs a build that runs without the lock")
@pytest.mark.parametrize("name", IN_TRUTH)
def test_nobody_sees_half_of_what_is_one_step(name):
    assert seen_by_half(*IN_TRUTH[name]) == 0


@pytest.mark.skipif(lock_is_on(), reason="needs a build that runs without the lock")
def test_somebody_sees_half_of_what_is_several():
    """Else there would be no reason to doubt."""
    assert seen_by_half(lambda: WHOLE.copy(), list.sort, len, lambda n: n == MANY) > 0
    assert seen_by_half(lambda: WHOLE.copy(), list.reverse, sum, lambda n: n == sum(WHOLE)) > 0
    assert seen_by_half(lambda: [1, 2], add_and_take, lambda s: s[-1], lambda found: found in (2, 3)) > 0
    assert seen_by_half(deque, extend_and_clear, len, lambda n: n in (0, MANY)) > 0
    assert seen_by_half(lambda: deque(WHOLE), deque.rotate, lambda s: sorted(s.copy()), lambda n: n == WHOLE) > 0


def test_only_a_build_without_the_lock_is_doubted():
    assert lock_is_on() is getattr(sys, "_is_gil_enabled", lambda: True)()
    names = [kind.__name__ for kind in parting.watched(object).__mro__]
    assert ("Parting" in names) is not lock_is_on()
