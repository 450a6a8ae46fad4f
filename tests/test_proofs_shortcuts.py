"""What a proof does not look at each time is looked at whenever it may be otherwise."""

from __future__ import annotations

import builtins
import threading
import weakref
from types import ModuleType
from types import SimpleNamespace as State

import pytest
from test_proofs import covered
from test_virtual_library_locals import library  # noqa: F401  # a fixture

from lab import explore
from lab.carriers.doubting import Doubting
from lab.exploration import Exploration
from lab.leftovers import FirstWrites
from tests.test_carriers import BOTH

# ------------------------------------------------------------ the same type at the same site, and yet otherwise


class Maybe:
    """Some have their attributes in common."""

    def __init__(self, common=None):
        self.value = 0
        if common is not None:
            self.__dict__ = common


def attributes_in_common(state):
    for one in (Maybe(), state.first, state.second):
        one.value = 1


def with_attributes_in_common():
    common = {}
    return State(n=0, first=Maybe(common), second=Maybe(common))


def a_nested_list(state):
    for items in ([1], [2], [state.inner]):
        state.found = [4] in items


def the_text_of_a_nested_list(state):
    for one in (1, "2", [state.inner]):
        state.text = str(one)


def the_hash_of_a_text(state):
    for one in (1, 2, "3"):
        state.hash = hash(one)


def a_set(state):
    for one in ("ab", "cd", {"a", "b"}):
        state.items = list(one)


def a_list_that_is_nested_later(state):
    count = state.list.count
    count(1)
    state.list.append(state.inner)
    count(1)


def a_builtin(state):
    for module in (ModuleType("one"), builtins):
        module.sum = sum


def a_bound_id(state):
    for function in (len, ascii, id):
        state.seen = function("")


def a_weak_set(state):
    for kept in (Others(), Others(), state.weak):
        kept.add(state.other)


class Others:
    def add(self, other):
        self.other = other


HIDDEN = {
    attributes_in_common: "uses an object that has its attributes in common with another one",
    a_nested_list: "reads what is inside of a container's items in one step",
    the_text_of_a_nested_list: "reads what is inside of a container's items in one step",
    the_hash_of_a_text: "asks for the hash of a str",
    a_set: "goes through a set of str in the order of their hashes",
    a_list_that_is_nested_later: "reads what is inside of a container's items in one step",
    a_builtin: "changes sum, a builtin or a module",
    a_bound_id: "asks for an id",
    a_weak_set: "uses a WeakSet, of which it is not known what it changes",
}


@pytest.mark.parametrize("act", HIDDEN, ids=lambda act: act.__name__)
def test_an_operand_of_the_same_type_whose_state_matters(act):
    def setup():
        state = with_attributes_in_common() if act is attributes_in_common else State(n=0)
        state.list, state.inner, state.other, state.weak = [1], [2], Maybe(), weakref.WeakSet()
        return state

    verdict = covered(setup, [act, lambda state: state.inner.append(3)], lambda s: None)
    assert verdict.status == "unknown"
    assert HIDDEN[act] in verdict.reason


def test_the_same_without_that_is_proved():
    def act(state):
        for one in (1, "2", 3):
            state.text = str(one)
            state.found = one in [1, 3]
            Others().add(one)

    assert covered(lambda: State(n=0), [act, lambda s: None], lambda s: s.text).status == "holds"


# ------------------------------------------------------------ what only one class of schedules shows


def writes(state):
    for number in (1, 2, 3, 4):
        state.n = number


def rarely(act):
    """An actor that does it only in one of the 35 orders of its three readings and four writes."""

    def reads(state):
        if (state.n, state.n, state.n) == (0, 0, 3):
            act(state)

    return reads


def found(act, **more):
    verdict = covered(lambda: State(n=0, seen=[], **more), [writes, rarely(act)], lambda s: tuple(s.seen))
    return verdict


def test_what_is_rare_is_reached():
    assert found(lambda s: s.seen.append(1)).outcomes == {(): 34, (1,): 1}
    assert found(lambda s: s.seen.append(1)).reason == "all 35 classes of schedules"


def test_a_doubt_in_one_class():
    verdict = found(lambda s: s.seen.append(id(s) is None))
    assert (verdict.status, "asks for an id" in verdict.reason) == ("unknown", True), verdict.reason


KEPT = {"count": 0}


class Kept:
    count = 0
    names: list = []


def a_list_of_the_class(state):
    Kept.names.append(1)


def an_attribute_of_the_class(state):
    Kept.count += 1


def an_item(state):
    KEPT["count"] += 1


@pytest.mark.parametrize("act", [a_list_of_the_class, an_attribute_of_the_class, an_item])
def test_leftovers_of_one_class(act):
    """The executions after it meet them again."""

    def acts(state):
        state.known = len(Kept.names), Kept.count, KEPT["count"]
        if (state.n, state.n, state.n) == (0, 0, 3):
            act(state)

    verdict = covered(lambda: State(n=0, seen=[]), [writes, acts], lambda s: tuple(s.seen))
    assert verdict.status == "unknown"
    assert "setup does not make everything anew" in verdict.reason


class Hidden:
    """Its code starts without a call, and only in one class."""

    def __init__(self):
        self.value = 0

    @property
    def more(self):
        current = self.value
        self.value = current + 1
        return current

    def __lt__(self, other):
        self.value = self.value + 1
        return False


@pytest.mark.parametrize("act", [lambda it: it.more, lambda it: it < it], ids=["property", "comparison"])
def test_code_that_starts_uninstrumented_in_one_class(act):
    def other(state):
        current = state.hidden.value
        state.hidden.value = current + 10

    def setup():
        return State(n=0, hidden=Hidden())

    verdict = covered(setup, [writes, rarely(lambda s: act(s.hidden)), other], lambda s: s.hidden.value)
    assert set(verdict.outcomes) == {1, 10, 11}
    assert verdict.status == "holds", verdict.reason


def test_a_finalizer_of_garbage_of_one_class():
    class Ending:
        def __init__(self):
            self.me = self

        def __del__(self):
            self.me = None

    verdict = found(lambda s: s.seen.append(Ending() is None))
    assert verdict.status == "unknown"
    assert "runs when garbage is collected" in verdict.reason


def test_a_class_attribute_that_is_written_where_instances_were():
    """A reader of the instance meets it under another name."""

    class Thing:
        value = 0

    def put(where, value):
        where.value = value

    def acts(state):
        put(state.first, 1)
        if (state.n, state.n, state.n) == (0, 0, 3):
            put(Thing, 2)

    def looks(state):
        state.seen.append((state.first.value, state.second.value))

    def setup():
        Thing.value = 0
        return State(n=0, first=Thing(), second=Thing(), seen=[])

    verdict = covered(setup, [writes, acts, looks], lambda s: s.seen[0])
    assert set(verdict.outcomes) == {(0, 0), (0, 2), (1, 0), (1, 2)}


class Talking:
    def __init__(self, state):
        self.state = state

    def __repr__(self):
        self.state.steps += 1
        return "talking"


def test_a_text_that_another_actor_interrupts_in_one_class():
    def setup():
        state = State(n=0, steps=0, seen=[])
        state.items = [Talking(state)]
        return state

    def tells(state):
        state.steps += 1
        state.text = repr(state.items)

    def acts(state):
        if state.n == 2:
            state.other = repr(state.items)

    verdict = covered(setup, [lambda s: writes(s), acts, tells], lambda s: (s.text, getattr(s, "other", "[talking]")))
    assert set(verdict.outcomes) == {("[talking]", "[talking]")}


def test_a_local_of_a_library_that_is_used_in_one_class(library):  # noqa: F811
    def acts(state):
        library.remember("bob")
        state.flag = True

    def recalls(state):
        if state.flag:
            state.seen.append(library.recall())

    verdict = explore(
        lambda: State(n=0, seen=[], flag=False),
        [writes, rarely(acts), recalls],
        outcome=lambda s: tuple(s.seen),
        strategy="dpor",
        carrier=BOTH[0],
    )
    assert set(verdict.outcomes) == {(), (None,)}
    assert verdict.status == "holds", verdict.reason


# ------------------------------------------------------------ what is counted


def counted(monkeypatch, owner, name):
    calls = []
    before = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *arguments, **more: calls.append(more) or before(*arguments, **more))
    return calls


def adds(state):
    for _ in range(3):
        state.n += 1


def test_a_small_program_is_covered_once_and_nothing_is_asked_at_each_step(monkeypatch):
    executed = counted(monkeypatch, Exploration, "execute")
    asked = counted(monkeypatch, Doubting, "_look_at_owner")
    verdict = covered(lambda: State(n=0), [adds, adds], lambda s: s.n)
    assert verdict.reason == "all 328 classes of schedules"
    strictly = [more for more in executed if more.get("writes") is not None]
    everything = [more for more in executed if more.get("sharing") is not None]
    assert len(strictly) == 328
    assert len(executed) < 328 + 50
    assert len(everything) < 10
    assert len(asked) < 40


def test_where_something_only_seems_to_be_shared_again_and_again_everything_is_noted_at_once(monkeypatch):
    """Objects that live one after the other lie at the same places."""
    executed = counted(monkeypatch, Exploration, "execute")

    def own(state):
        for _ in range(2):
            mine = State(value=0)
            mine.value += 1
            del mine
            state.n += 1

    verdict = covered(lambda: State(n=0), [own, own], lambda s: s.n)
    assert verdict.status == "holds"
    everything = [more for more in executed if more.get("sharing") is not None]
    assert len(executed) < 2 * verdict.schedules + 60
    assert everything


def test_the_first_writes_know_an_object_from_another_one_in_its_place():
    noted = FirstWrites()
    site = State(stepped=True)
    one = Maybe()
    noted.note_all(((one, "value", True), (one, "other", False)), site)
    one.value = 1
    noted.note_all(((one, "value", True),), site)
    assert [*noted.before[id(one)]] == ["value"]
    assert noted.before[id(one)]["value"][0] == (int, 0)
    identity = id(one)
    del one
    assert identity not in noted.before


def test_first_writes_do_not_touch_a_local():
    noted, local = FirstWrites(), threading.local()
    noted.note_all(((local, "value", True),), State(stepped=True))
    assert noted.before == {}
