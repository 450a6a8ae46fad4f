"""What is controlled and what is not: the lists that a person reads are those that the engine uses."""

from __future__ import annotations

import _thread
import importlib
import os
import select
import signal
import threading
from types import SimpleNamespace

import pytest

import lab.virtual
from lab import explore
from lab.virtual import controlled_operations, is_controlled, known, named_operations
from tests.controlled import words


def thing(owner, name):
    """The operation that a person calls by that name."""
    module, rest = "_signal" if (owner, name) == ("signal", "signal") else owner, []  # a wrapper calls the C function
    while True:
        try:
            found = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, part = module.rpartition(".")
            rest.insert(0, part)
    for part in [*rest, name]:
        found = getattr(found, part)
    return found


IN_WORDS = {
    "Random() without a seed",
    "what each actor keeps",
    "connect and what it gives",
    "names of temporary files",
}
LISTED = [(owner, name) for owner, names in controlled_operations() for name in names if name not in IN_WORDS]
NAMED = [(owner, name) for owner, names in named_operations() for name in names]


@pytest.mark.parametrize(("owner", "name"), LISTED)
def test_what_is_listed_has_a_twin(owner, name):
    if owner == "random":
        assert lab.virtual.clock.random_method(RecordingControl(), HERE, lab.virtual.clock._SHARED, name) is not None
    elif owner in ("threading.Lock", "threading.RLock"):
        assert is_controlled(getattr(thing(*owner.rsplit(".", 1))(), name))
    else:
        assert is_controlled(thing(owner, name))


HERE = SimpleNamespace(code=thing.__code__, line=1)


class RecordingControl:
    """As much of a control as a random number needs."""

    def __init__(self):
        self.twins = self
        self.memory = lab.virtual.Memory(self)
        self.actors = ()


def test_what_has_a_twin_is_listed():
    of_locks = {"threading.Lock", "threading.RLock"}
    listed = {thing(owner, name) for owner, name in [*LISTED, *NAMED] if owner not in of_locks}
    public = {one for one in [*lab.virtual._FUNCTIONS, *lab.virtual._PLAIN] if "._" not in f".{one.__qualname__}"}
    public = {one for one in public if not one.__qualname__.startswith("BaseEventLoop.")}  # once asyncio is imported
    public = {one for one in public if not str(one.__module__).startswith("psycopg")}  # which only programs import
    assert {one.__qualname__ for one in public - listed} == set()
    assert len(public) > 60
    for owner in of_locks:
        methods = lab.virtual._METHODS[type(thing(*owner.rsplit(".", 1))())]
        assert {name for name in methods if name[0] != "_"} == {name for known, name in LISTED if known == owner}
    others = {"SimpleQueue", "_lru_cache_wrapper", "Context", "ContextVar"}
    assert {kind.__name__ for kind in lab.virtual._METHODS} == {"lock", "RLock", *others}


def test_no_operation_is_both_controlled_and_only_named():
    assert not set(LISTED) & set(NAMED)
    assert ("_thread", "interrupt_main") in NAMED
    assert {name for names in known.NAMES.values() for name in names} >= {name for _, name in NAMED} - {
        "interrupt_main"
    }


CALLS = {
    "threading.settrace": lambda: threading.settrace(threading.gettrace()),
    "threading.setprofile": lambda: threading.setprofile(threading.getprofile()),
    "select.select": lambda: select.select([], [], [], 0),
    "signal.setitimer": lambda: signal.setitimer(signal.ITIMER_REAL, 0),
    "os.system": lambda: os.system("true"),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_known_and_not_controlled_is_named(name):
    verdict = explore(lambda: None, [lambda state: CALLS[name](), lambda state: None], schedules=3)
    assert verdict.status == "unknown"
    told, *more = verdict.uncontrolled
    assert [one for one in more if "the alarm clock" not in one] == []  # the test runner's, which was put back
    assert told.endswith(f" calls {name}, which is not controlled")
    assert "test_virtual_known.py:" in told


def test_an_actor_does_not_interrupt_the_exploration():
    def alice(state):
        state.append(words(_thread.interrupt_main))
        state.append(words(_thread.interrupt_main, 10_000))

    verdict = explore(list, [alice], outcome=tuple, schedules=3)
    assert set(verdict.outcomes) == {(None, "ValueError: signal number out of range")}
    (told,) = verdict.uncontrolled
    assert told.endswith(" calls _thread.interrupt_main, which is not controlled and not done")
