"""What is reached by another way than the one under which it was noticed is no part of a proof."""

from __future__ import annotations

import builtins
import copy
import pickle
import queue
import sys
import threading
import weakref
from types import SimpleNamespace as State

import pytest
from test_proofs import covered


def begun():
    numbers = (number for number in range(9))
    next(numbers)
    return numbers


def unless_busy(step):
    try:
        return step()
    except ValueError:  # the generator is already executing
        return "busy"


class Plain:
    number = 0


class Slotted:
    __slots__ = ("number",)


class Counted:
    def work(self):
        return 1

    def __len__(self):
        return 1


class Other(Counted):
    def work(self):
        return 2


class Shared:
    common: dict = {}  # that all have it is what is tested

    def __init__(self):
        self.__dict__ = self.common


class Items(dict):
    def __init__(self):
        super().__init__(number=0)
        self.__dict__ = self


def slotted():
    made = Slotted()
    made.number = 0
    return made


def with_variables():
    state = State(plain=Plain())
    state.plain.number = 0
    state.variables = vars(state.plain)
    return state


def with_namespace():
    return State(plain=Counted(), kind=type("Own", (Counted,), {})())


def closure():
    number = 0

    def get():
        return number

    return get


def function(number=0):
    return number


def changes_default(state):
    function.__defaults__ = (0,)


def weakly():
    state = State(plain=Plain())
    state.proxy = weakref.proxy(state.plain)
    return state


def changes_builtin(state):
    builtins.lab_number = 1


def changes_len(state):
    globals_of_this = sys.modules[__name__]
    globals_of_this.len = builtins.len
    del globals_of_this.len


def sets(name):
    def change(state):
        getattr(state, name).number = 1

    return change


def sees(look):
    def seeing(state):
        state.seen = look(state)

    return seeing


HIDDEN = {
    "attributes in common": (
        lambda: State(a=Shared(), b=Shared()),
        [sets("a"), sets("b")],
        "attributes in common",
    ),
    "items are attributes": (
        lambda: State(a=Items()),
        [sets("a"), sees(lambda s: s.a["number"])],
        "holds the attributes",
    ),
    "variables": (with_variables, [sets("plain"), sees(lambda s: s.variables["number"])], "holds the attributes"),
    "another class": (
        with_namespace,
        [lambda s: setattr(s.plain, "__class__", Other), sees(lambda s: s.plain.work())],
        "__class__",
    ),
    "a special method": (
        with_namespace,
        [lambda s: setattr(type(s.kind), "__len__", lambda _: 2), sees(lambda s: len(s.kind))],
        "__len__",
    ),
    "a default": (State, [changes_default, sees(lambda s: function())], "__defaults__"),
    "a cell": (
        lambda: State(get=closure()),
        [lambda s: setattr(s.get.__closure__[0], "cell_contents", 1), sees(lambda s: s.get())],
        "closure",
    ),
    "a slot": (
        lambda: State(plain=slotted()),
        [lambda s: Slotted.number.__set__(s.plain, 1), sees(lambda s: s.plain.number)],
        "without its name",
    ),
    "a weak proxy": (weakly, [sets("plain"), sees(lambda s: s.proxy.number)], "weak proxy"),
    "a builtin": (lambda: State(seen=0), [changes_builtin, sees(lambda s: 0)], "builtin"),
    "a name for a builtin": (lambda: State(seen=0), [changes_len, sees(lambda s: len([]))], "builtin"),
    "a function's attribute": (
        lambda: State(plain=Counted()),
        [lambda s: setattr(Counted.work, "number", 1), sees(lambda s: getattr(s.plain.work, "number", 0))],
        "through a method",
    ),
    "dir": (lambda: State(plain=Plain()), [sets("plain"), sees(lambda s: "number" in dir(s.plain))], "dir"),
    "pickle": (
        lambda: State(plain=Plain()),
        [sets("plain"), sees(lambda s: pickle.loads(pickle.dumps(s.plain)).number)],
        "dumps",
    ),
    "copy": (lambda: State(plain=slotted()), [sets("plain"), sees(lambda s: copy.copy(s.plain).number)], "__reduce_ex"),
    "map": (
        lambda: State(it={}),
        [lambda s: list(map(s.it.__setitem__, ["k"], [1])), sees(lambda s: len(s.it))],
        "call C code",
    ),
    "map of a method": (
        lambda: State(it=[]),
        [lambda s: list(map(list.append, [s.it], [1])), sees(lambda s: len(s.it))],
        "call C code",
    ),
    "a weak set": (
        lambda: State(it=weakref.WeakSet(), plain=Plain()),
        [lambda s: s.it.add(s.plain), sees(lambda s: s.plain in s.it)],
        "WeakSet",
    ),
    "a queue's items": (
        lambda: State(it=queue.Queue()),
        [lambda s: s.it.put(1), sees(lambda s: len(s.it.queue))],
        "inside of a Queue",
    ),
    "a semaphore's count": (
        lambda: State(it=threading.Semaphore(1)),
        [lambda s: s.it.acquire(), sees(lambda s: s.it._value)],
        "inside of a Semaphore",
    ),
    "the end of a generator": (
        lambda: State(it=begun()),
        [lambda s: unless_busy(lambda: s.it.close()), sees(lambda s: unless_busy(lambda: next(s.it, None)))],
        "has close bring a generator to its end in one step",
    ),
    "who waits at a barrier": (
        lambda: State(it=threading.Barrier(1)),
        [lambda s: s.it.wait(), sees(lambda s: s.it.n_waiting)],
        "inside of a Barrier",
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_reached_by_another_way_is_no_part_of_a_proof(name):
    setup, actors, why = HIDDEN[name]
    verdict = covered(setup, actors, lambda s: repr(getattr(s, "seen", None)))
    assert verdict.status == "unknown"
    assert why in verdict.reason


def test_names_that_the_interpreter_does_not_look_at_may_change():
    def describe(state):
        state.plain.__doc__ = "a number"
        with state.lock:
            state.plain.number += 1

    verdict = covered(
        lambda: State(plain=Plain(), lock=threading.Lock()), [describe, describe], lambda s: s.plain.number
    )
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {2})
