"""Whatever can be called can be an actor, wherever its code comes from; what cannot be run yet is refused in one line."""

from __future__ import annotations

import asyncio
import functools
import operator
import sys
import zipfile

import pytest
from controlled import State

import lab
from lab.errors import InvalidType
from tests.hostile.conftest import add


class Adder:
    __slots__ = ("by",)

    def __init__(self, by=1):
        self.by = by

    def __call__(self, state):
        state.value = state.value + self.by

    def method(self, state):
        self(state)

    @classmethod
    def of_class(cls, state):
        cls()(state)

    @staticmethod
    def plain(state):
        add(state)


class Derived(Adder):
    __slots__ = ()

    def method(self, state):
        super().method(state)


def by_keyword(state, *, by=1):
    state.value = state.value + by


@functools.wraps(add)
def wrapped(*arguments):
    return add(*arguments)


class Made:
    """A class as an actor: to make an instance is to act."""

    def __init__(self, state):
        add(state)


def from_exec():
    names = {}
    exec("def made(state):\n    state.value = state.value + 1\n", names)
    return names["made"]


CALLABLES = {
    "partial": functools.partial(by_keyword, by=1),
    "bound method": Adder().method,
    "class method": Adder.of_class,
    "static method": Adder.plain,
    "callable object": Adder(),
    "super without arguments": Derived().method,
    "lambda with a default": lambda state, by=1: setattr(state, "value", state.value + by),
    "keyword-only default": by_keyword,
    "wrapped": wrapped,
    "class": Made,
    "exec": from_exec(),
}


@pytest.mark.parametrize("name", CALLABLES)
def test_an_actor_of_any_kind_is_stepped(name):
    actor = CALLABLES[name]
    found = lab.explore(lambda: State(value=0), [actor, actor], outcome=lambda state: state.value, schedules=80)
    assert (found.failure, found.uncontrolled) == (None, ()), str(found)
    assert set(found.outcomes) == {1, 2}
    assert set(lab.hammer(lambda: State(value=0), [actor, actor], rounds=4).outcomes)


def test_code_from_an_archive(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed_adder.py", "def add(state):\n    state.value = state.value + 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "packed.zip"))
    import packed_adder

    try:
        found = lab.explore(
            lambda: State(value=0), [packed_adder.add] * 2, outcome=lambda state: state.value, allowed={2}
        )
        assert found.status == "fails"
        assert "packed_adder.py" in str(found)
    finally:
        del sys.modules["packed_adder"]


def test_c_functions_as_actors():
    found = lab.explore(lambda: [2, 1], [operator.methodcaller("sort"), len, list.reverse], outcome=tuple)
    assert found.failure is None
    assert found.status in ("holds", "unknown")


async def later(state):
    pass


class Later:
    async def method(self, state):
        pass


def generator(state):
    add(state)
    yield


@pytest.mark.parametrize(
    "actor", [later, Later().method, functools.partial(later)], ids=["function", "method", "partial"]
)
@pytest.mark.parametrize("door", [lab.explore, lab.hammer])
def test_tasks_run_whatever_kind_of_callable_they_are(actor, door):
    found = door(lambda: State(value=0), [actor])
    assert found.failure is None, str(found)


@pytest.mark.parametrize("door", [lab.explore, lab.hammer])
def test_a_generator_function_would_do_nothing(door):
    with pytest.raises(InvalidType) as caught:
        door(lambda: State(value=0), [generator])
    assert str(caught.value) == (
        "actors[0]: generator() is a generator function: to call it runs nothing of it; give a plain function"
    )


def test_an_event_loop_in_an_actor_is_not_the_model_failing(explored):
    async def twice(state):
        add(state)
        await asyncio.sleep(0)
        add(state)

    def actor(state):
        asyncio.run(twice(state))

    verdict = explored(actor, schedules=3, seconds=20)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
