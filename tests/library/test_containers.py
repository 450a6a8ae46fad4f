"""`collections`, shared iterators of `itertools`, weak containers, and streams in memory."""

from __future__ import annotations

import contextlib
import io
import itertools
import threading
import weakref
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple

import pytest

from tests.library.judging import State, finds, holds, is_not_reported


def holding(make, **fields):
    return lambda: State(box=make(), lock=threading.Lock(), seen=[], **fields)


def guarded(act):
    def actor(state):
        with state.lock:
            act(state)

    return actor


class Item:
    """Can be referred to weakly."""


def take_last(state):
    if state.box:
        state.seen.append(state.box.pop())


def take_first(state):
    if len(state.box):
        state.seen.append(next(iter(state.box)))
        del state.box[state.seen[-1]]


def count(state):
    state.box["rye"] = state.box.get("rye", 0) + 1


def add_first(state):
    state.box[0] = state.box[0] + 1


def keep_once(state):
    if "rye" not in state.box:
        state.box["rye"] = 1
        state.seen.append("rye")


def fill(state):
    state.box["rye"].append(1)


RACES = {
    "deque": (lambda: deque([1]), take_last, lambda state: state.seen == [1]),
    "OrderedDict": (lambda: OrderedDict(rye=1), take_first, lambda state: state.seen == ["rye"]),
    "defaultdict": (lambda: defaultdict(int), count, lambda state: state.box["rye"] == 2),
    "Counter": (Counter, count, lambda state: state.box["rye"] == 2),
    "Counter.update": (Counter, lambda state: state.box.update({"rye": 1}), lambda state: state.box["rye"] == 2),
    "UserDict": (UserDict, count, lambda state: state.box["rye"] == 2),
    "UserDict.setdefault": (
        UserDict,
        lambda state: state.seen.append(state.box.setdefault("rye", object())),
        lambda state: state.seen[0] is state.seen[1],
    ),
    "UserDict.pop": (lambda: UserDict(rye=1), lambda state: state.box.pop("rye", None), lambda state: not state.box),
    "UserList": (lambda: UserList([0]), add_first, lambda state: state.box[0] == 2),
    "ChainMap": (lambda: ChainMap({}, {"rye": 0}), count, lambda state: state.box["rye"] == 2),
    "once": (dict, keep_once, lambda state: state.seen == ["rye"]),
}
EXCEPTIONS = {"deque": "pop from an empty deque", "OrderedDict": "KeyError", "UserDict.pop": "KeyError: 'rye'"}


@pytest.mark.parametrize("name", RACES)
def test_what_is_no_single_operation(carrier, name):
    make, act, check = RACES[name]
    told = EXCEPTIONS.get(name, "")
    finds(carrier, holding(make), [act, act], check, kind="exception" if told else "check", message=told)


@pytest.mark.parametrize("name", RACES)
def test_the_same_under_a_lock(carrier, name):
    make, act, check = RACES[name]
    assert holds(carrier, holding(make), [guarded(act)] * 2, check).schedules == 2


SINGLE = {
    "deque.append": (deque, lambda state: state.box.append(1), lambda state: len(state.box) == 2),
    "deque.rotate": (lambda: deque([1, 2]), lambda state: state.box.rotate(), lambda state: list(state.box) == [1, 2]),
    "defaultdict": (lambda: defaultdict(list), fill, lambda state: state.box["rye"] == [1, 1]),
    "UserList.append": (UserList, lambda state: state.box.append(1), lambda state: len(state.box) == 2),
    "move_to_end": (
        lambda: OrderedDict(a=1, b=2),
        lambda state: state.box.move_to_end("a"),
        lambda state: list(state.box) == ["b", "a"],
    ),
}


@pytest.mark.parametrize("name", SINGLE)
def test_single_operations_are_right(carrier, name):
    make, act, check = SINGLE[name]
    holds(carrier, holding(make), [act, act], check)


def test_a_user_dict_is_gone_through_while_it_changes(carrier):
    def look(state):
        state.seen += [value for _, value in state.box.items()]

    def change(state):
        state.box["corn"] = 3

    make = holding(lambda: UserDict(rye=1, oat=2))
    finds(carrier, make, [look, change], kind="exception", message="changed size during iteration")
    holds(carrier, make, [guarded(look), guarded(change)])


Point = namedtuple("Point", "x y")


def test_a_named_tuple_that_is_replaced(carrier):
    def move(state):
        state.box = state.box._replace(x=state.box.x + 1)

    make = holding(lambda: Point(0, 0))
    finds(carrier, make, [move, move], lambda state: state.box.x == 2)
    assert holds(carrier, make, [guarded(move)] * 2, lambda state: state.box.x == 2).schedules == 2


ITERATORS = {
    "count": (itertools.count, lambda seen: seen == [0, 1]),
    "cycle": (lambda: itertools.cycle([0, 1]), lambda seen: seen == [0, 1]),
    "islice": (lambda: itertools.islice([0, 1, 2], 3), lambda seen: seen == [0, 1]),
    "chain": (lambda: itertools.chain([0], [1]), lambda seen: seen == [0, 1]),
    "enumerate": (lambda: enumerate("ab"), lambda seen: seen == [(0, "a"), (1, "b")]),
    "zip": (lambda: zip([0, 1], [2, 3], strict=True), lambda seen: seen == [(0, 2), (1, 3)]),
}


@pytest.mark.parametrize(("make", "check"), ITERATORS.values(), ids=ITERATORS)
def test_a_shared_iterator_gives_each_item_once_and_in_any_order(carrier, make, check):
    def alice(state):
        state.first = next(state.box)

    def bob(state):
        state.second = next(state.box)

    actors = {"alice": alice, "bob": bob}
    finds(carrier, holding(make), actors, lambda state: check([state.first, state.second]))
    verdict = holds(carrier, holding(make), actors, lambda state: check(sorted([state.first, state.second])))
    assert verdict.schedules == 2


def test_halves_of_a_tee_and_what_they_are_made_of(carrier):
    def make():
        numbers = iter([1, 2])
        one, other = itertools.tee(numbers)
        return State(numbers=numbers, one=one, other=other)

    def alice(state):
        state.first = next(state.one)

    def bob(state):
        state.second = next(state.numbers)

    finds(carrier, make, [alice, bob], lambda state: state.first == 1)


def test_a_generator_that_two_go_on_with(carrier):
    def numbers(state):
        while True:
            state.value += 1
            yield state.value

    def make():
        state = State(value=0)
        state.numbers = numbers(state)
        return state

    finds(carrier, make, [lambda state: next(state.numbers)] * 2, kind="exception", message="already executing")


def test_weak_containers(carrier):
    def make():
        return State(box=weakref.WeakValueDictionary(), seen=[], lock=threading.Lock())

    def share(state):
        if "rye" not in state.box:
            state.box["rye"] = item = Item()
            state.seen.append(item)

    def once(state):
        return len(state.seen) == 1

    finds(carrier, make, [share, share], once)
    is_not_reported(carrier, make, [guarded(share)] * 2, once, because=r".* looks through a weak reference, .*")


def test_a_weak_value_that_may_be_gone_is_no_part_of_a_proof(carrier):
    """The end of an object is no step of its own."""

    def make():
        state = State(item=Item(), box=weakref.WeakValueDictionary(), seen=[])
        state.box["rye"] = state.item
        return state

    def look(state):
        if "rye" in state.box:
            state.seen.append(state.box["rye"])

    def drop(state):
        state.item = None

    is_not_reported(carrier, make, [look, drop], because=r".*weak.*")
    is_not_reported(
        carrier,
        lambda: State(item=(item := Item()), box=weakref.ref(item), seen=[]),
        [lambda state: state.box() and state.seen.append(state.box().__class__), drop],
        because=r".*weak.*",
    )


def test_finalizers(carrier):
    def make():
        state = State(item=Item(), value=0, lock=threading.Lock())
        weakref.finalize(state.item, setattr, state, "value", 1)
        return state

    def drop(state):
        state.item = None

    def look(state):
        state.seen = state.value

    finds(carrier, make, [drop, look], lambda state: state.seen == 0)
    finds(carrier, make, [drop, look], lambda state: state.seen == 1)


def test_what_is_printed_while_the_output_is_redirected(carrier):
    def alice(state):
        with contextlib.redirect_stdout(state.box):
            state.value += 1

    def bob(state):
        print("bob")

    def carol(state):
        with contextlib.redirect_stdout(state.box):
            print("carol")

    def of_bob(state):
        return "bob" not in state.box.getvalue()

    finds(carrier, holding(io.StringIO, value=0), [alice, bob], of_bob)
    holds(carrier, holding(io.StringIO, value=0), [guarded(alice), guarded(bob)], of_bob)
    holds(carrier, holding(io.StringIO), [guarded(carol)] * 2, lambda state: state.box.getvalue() == "carol\n" * 2)


def test_streams_in_memory(carrier):
    def write(state):
        text = state.box.getvalue()
        state.box.seek(0)
        print(text + "x", end="", file=state.box)

    finds(carrier, holding(io.StringIO), [write, write], lambda state: state.box.getvalue() == "xx")
    holds(carrier, holding(io.StringIO), [guarded(write)] * 2, lambda state: state.box.getvalue() == "xx")
