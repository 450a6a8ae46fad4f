"""What goes by the order of hashes is proved for one process only, and so not at all."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
from types import SimpleNamespace as State

import pytest

from lab import explore
from tests.test_carriers import BOTH

PROCESS = "which is another one in every process"


class Thing:
    """Hashed by where it lies."""


class Pair:
    def __init__(self, one, two):
        self.one, self.two = one, two

    def __eq__(self, other):
        return (self.one, self.two) == (other.one, other.two)

    def __hash__(self):
        return hash((self.one, self.two))


def names():
    return {"ann", "ben", "cy"}


def spread(*things):
    return things


def loop(it):
    for one in it:
        return one


def unpacked(it):
    one, *_ = it
    return one


def literal(_):
    for one in {"ann", "ben"}:
        return one


GOING = {
    "a loop": (names, loop, "goes through a set of str in the order of their hashes"),
    "a loop over a literal": (list, literal, "goes through a frozenset of str"),
    "a comprehension": (names, lambda it: [one.upper() for one in it], "a set of str"),
    "a generator": (names, lambda it: next(one for one in it), "a set of str"),
    "list": (names, list, "a set of str"),
    "tuple": (names, tuple, "a set of str"),
    "iter": (names, lambda it: next(iter(it)), "a set of str"),
    "pop": (names, lambda it: it.pop(), "a set of str"),
    "pop of the class": (names, lambda it: set.pop(it), "a set of str"),
    "enumerate": (names, lambda it: dict(enumerate(it)), "a set of str"),
    "join": (names, ",".join, "a set of str"),
    "extend": (names, lambda it: [].extend(it), "a set of str"),
    "fromkeys": (names, dict.fromkeys, "a set of str"),
    "a deque": (names, collections.deque, "a set of str"),
    "unpacking": (names, unpacked, "a set of str"),
    "a star": (names, lambda it: [*it], "a set of str"),
    "a star in a call": (names, lambda it: spread(*it), "a set of str"),
    "its text": (names, repr, "a set of str"),
    "a format": (names, lambda it: f"{it}", "a set of str"),
    "sorting by a key": (names, lambda it: sorted(it, key=len), "a set of str"),
    "the least by a key": (names, lambda it: min(it, key=len), "a set of str"),
    "a frozenset": (lambda: frozenset(names()), loop, "a frozenset of str"),
    "bytes": (lambda: {b"a", b"b"}, loop, "a set of bytes"),
    "tuples of strings": (lambda: {("a", 1), ("b", 2)}, loop, "a set of tuple"),
    "objects": (lambda: {Thing(), Thing()}, loop, "a set of Thing"),
    "classes": (lambda: {Thing, Pair}, loop, "a set of type"),
    "own hashes": (lambda: {Pair(1, 2), Pair(3, 4)}, loop, "a set of Pair"),
    "keys in common": (lambda: {"a": 1, "b": 2}, lambda it: loop(it.keys() & names() | it.keys()), "a set of str"),
    "a hash": (str, hash, "asks for the hash of a str, which is another one"),
    "a shard": (lambda: "key", lambda it: [0, 1][hash(it) % 2], "asks for the hash of a str"),
    "a hash by name": (lambda: "key", lambda it: it.__hash__(), "asks for the hash of a str"),
    "sorting by hash": (lambda: ["a", "b"], lambda it: sorted(it, key=hash), "compared by hash or id"),
}


def judged(make, look, **options):
    def act(state):
        with_lock = look(make())
        state.turn += 1
        return with_lock

    return explore(lambda: State(turn=0), [act], outcome=lambda s: s.turn, strategy="dpor", **options)


@pytest.mark.parametrize("name", GOING)
def test_the_order_of_hashes_is_no_part_of_a_proof(name):
    make, look, why = GOING[name]
    verdict = judged(make, look)
    assert verdict.status == "unknown", str(verdict)
    assert why in verdict.reason


KEEPING = {
    "numbers": (lambda: {0, 2, 3.5, True}, loop),
    "a range of numbers": (lambda: set(range(100)), list),
    "tuples of numbers": (lambda: {(1, 2), (3, 4)}, loop),
    "one string": (lambda: {"ann"}, loop),
    "nothing": (set, list),
    "a dictionary": (lambda: {"a": 1, "b": 2}, list),
    "its text": (lambda: {"a": 1, "b": 2}, repr),
    "sorted": (names, sorted),
    "the least": (names, min),
    "its length": (names, len),
    "is in": (names, lambda it: "ann" in it),
    "in a literal": (lambda: "ann", lambda it: it in {"ann", "ben"}),
    "another set": (names, lambda it: set(it) | {"dan"}),
    "methods of sets": (names, lambda it: (it.add("dan"), it.discard("ann"), it.update({"x", "y"}), it.issubset(it))),
    "are any": (names, any),
    "kept in a list": (names, lambda it: len([].append(it) or [1])),
    "hash of a number": (int, hash),
    "a key with a hash of its own": (lambda: {Pair(1, 2): 3}, lambda it: it[Pair(1, 2)]),
}


@pytest.mark.parametrize("name", KEEPING)
def test_what_does_not_go_by_the_order_of_hashes_holds(name):
    verdict = judged(*KEEPING[name])
    assert verdict.status == "holds", str(verdict)


def test_none_has_a_hash_of_its_own_from_312_on():
    verdict = judged(lambda: {None, 1}, loop)
    assert verdict.status == ("holds" if sys.version_info >= (3, 12) else "unknown"), str(verdict)


def test_the_whole_reason():
    def act(state):
        for name in state.names:
            state.last = name

    verdict = explore(lambda: State(names=names(), last=""), [act, act], check=lambda s: s.last, strategy="dpor")
    assert verdict.reason.endswith(
        f"act (tests/test_proofs_order.py:{act.__code__.co_firstlineno + 1}) goes through a set of str in the order of "
        f"their hashes, {PROCESS}"
    )


@pytest.mark.parametrize("where", ["setup", "outcome"])
def test_the_order_of_hashes_before_and_after_the_actors(where):
    def setup():
        return State(order=list(names()) if where == "setup" else [], names=names(), turn=0)

    def outcome(state):
        return tuple(state.names) if where == "outcome" else state.order[0]

    def act(state):
        state.turn += 1

    verdict = explore(setup, [act], outcome=outcome, strategy="dpor")
    assert verdict.status == "unknown"
    assert f"{where} (tests/test_proofs_order.py:" in verdict.reason.replace(
        "test_the_order_of_hashes_before_and_after_the_actors.<locals>.", ""
    )


SCHEDULES = """\
import lab, threading
class Shop:
    def __init__(self):
        self.names, self.log, self.lock = set(), [], threading.Lock()
        self.stock = {"apple": 2, "pear": 1}
def buy(shop):
    for name in ("pear", "apple"):
        if shop.stock[name] and name not in shop.names:
            shop.names.add(name)
            with shop.lock:
                shop.stock[name] -= 1
        shop.log.append(f"{name}: {shop.stock[name]}")
for strategy in ("auto", "dpor", "surw", "pos", "pct", "random"):
    for carrier in CARRIERS:
        verdict = lab.explore(Shop, [buy] * 2, outcome=lambda s: (len(s.log), *sorted(s.stock.items())),
                              strategy=strategy, carrier=carrier, schedules=60, seed=3)
        verdict.seconds = 0
        print(sorted(verdict.outcomes.items(), key=str), verdict)
"""


def test_a_program_that_does_not_go_by_hashes_has_the_same_schedules_in_every_process(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(f"CARRIERS = {BOTH}\n{SCHEDULES}")

    def printed(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, str(file)], env=environment, capture_output=True, text=True, check=True
        ).stdout

    first = printed("0")
    assert first.count("60 schedules") >= 5
    assert printed("1") == printed("4711") == first
