"""`functools`: lru_cache, cached_property and singledispatch, as what they are in this Python."""

from __future__ import annotations

import dataclasses
import functools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.controlled import marked
from tests.library.judging import State, finds, holds, is_not_reported


def counting(cache=functools.lru_cache, **fields):
    """A function that counts its calls, behind a cache."""
    state = State(calls=0, seen=[], lock=threading.Lock(), **fields)

    @cache
    def double(number):
        state.calls += 1
        return 2 * number

    state.double = double
    return state


def once(state):
    return state.calls == 1


def look_up(state):
    state.seen.append(state.double(1))  # looked up


def guarded_look_up(state):
    with state.lock:
        state.seen.append(state.double(1))


def in_thread(state):
    thread = threading.Thread(target=state.double, args=(1,))
    thread.start()
    thread.join()


def in_pool(state):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(state.double, 1)


WAYS = {
    "called": look_up,
    "of a thread": in_thread,
    "of a pool": in_pool,
    "by map": lambda state: state.seen.extend(map(state.double, [1])),
    "as a key": lambda state: state.seen.extend(sorted([1], key=state.double)),
    "through a partial": lambda state: functools.partial(state.double, 1)(),
}
CACHES = {
    "bounded": functools.lru_cache,
    "of one": functools.lru_cache(maxsize=1),
    "unbounded": functools.cache,
    "typed": functools.lru_cache(typed=True),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_two_that_look_in_vain_both_compute(carrier, way):
    finds(carrier, counting, {"alice": way, "bob": look_up}, once)


@pytest.mark.parametrize("cache", CACHES.values(), ids=CACHES)
def test_each_kind_of_cache(carrier, cache):
    finds(carrier, lambda: counting(cache), [look_up, look_up], once, at=marked(__file__, "looked up"))
    holds(carrier, lambda: counting(cache), [guarded_look_up, guarded_look_up], once)
    holds(carrier, lambda: counting(cache), [look_up, look_up], lambda state: state.seen == [2, 2])


def test_what_the_steps_are_called(carrier):
    def alice(state):
        state.double(1)

    verdict = finds(carrier, counting, {"alice": alice, "bob": alice}, once)
    told = [f"{step.actor} {step.what}" for step in verdict.witness.trace.steps]
    assert [step for step in told if "double" in step] == [
        "alice looks up state.double(1)",
        "bob looks up state.double(1)",
        "bob stores state.double(1)",
        "alice stores state.double(1)",
    ]


def test_an_uncached_cache_keeps_nothing(carrier):
    holds(
        carrier, lambda: counting(functools.lru_cache(maxsize=0)), [guarded_look_up] * 2, lambda state: state.calls == 2
    )


def test_an_exception_is_not_stored(carrier):
    def make():
        state = State(calls=0, lock=threading.Lock())

        @functools.cache
        def fail():
            with state.lock:
                state.calls += 1
            raise LookupError

        state.fail = fail
        return state

    def alice(state):
        try:
            state.fail()
        except LookupError:
            pass

    verdict = holds(carrier, make, [alice, alice], lambda state: state.calls == 2)
    assert verdict.schedules == 2


class Shelf:
    def __init__(self):
        self.calls = 0
        self.lock = threading.Lock()

    @functools.cache  # noqa: B019  # as people write it
    def price(self, name):
        self.calls += 1
        return len(name)

    @functools.cached_property
    def sign(self):
        self.calls += 1  # computed
        return object()

    @property
    @functools.cache  # noqa: B019  # as people write it
    def owner(self):
        self.calls += 1
        return 1

    def guarded(self, what):
        with self.lock:
            return self.sign if what == "sign" else self.price("rye")


def test_a_cached_method(carrier):
    finds(carrier, Shelf, [lambda shelf: shelf.price("rye")] * 2, once)
    holds(carrier, Shelf, [lambda shelf: shelf.guarded("price")] * 2, once)


def test_a_cached_property(carrier):
    actors = [lambda shelf: shelf.sign] * 2
    if sys.version_info >= (3, 12):
        finds(carrier, Shelf, actors, once, at=marked(__file__, "computed"))
    else:
        holds(carrier, Shelf, actors, once)
    holds(carrier, Shelf, [lambda shelf: shelf.guarded("sign")] * 2, once)
    assert Shelf.sign.attrname == "sign"


def test_a_property_that_is_cached_is_no_part_of_a_proof(carrier):
    is_not_reported(
        carrier,
        Shelf,
        [lambda shelf: shelf.owner] * 2,
        once,
        because=r".* has C code call Shelf\.owner, which is cached",
    )


@functools.lru_cache
def settings():
    """Of the module, as people write it."""
    return object()


def test_a_cache_of_the_module_is_empty_in_every_execution(carrier):
    def look(seen):
        seen.append(settings())

    finds(carrier, list, [look, look], lambda seen: seen[0] is seen[1])
    assert settings.cache_info().currsize == 0
    holds(carrier, list, [look, look], lambda seen: len(seen) == 2)


def test_a_cache_of_the_module_that_held_something_goes_on(carrier):
    @functools.cache
    def double(number):
        return 2 * number

    double(0)

    def ask(seen):
        seen.append(double(1))

    verdict = is_not_reported(
        carrier, list, [ask, ask], because=r".*but setup does not make everything anew: .*double.*"
    )
    assert verdict.failure is None
    holds(carrier, list, [lambda seen: seen.append(double(0))] * 2, lambda seen: seen == [0, 0])


def test_asking_for_the_counts_and_clearing(carrier):
    def ask(state):
        state.seen.append(state.double.cache_info().hits)

    def twice(state):
        state.double(1)
        state.double(1)

    def clear(state):
        state.double.cache_clear()

    finds(carrier, counting, [twice, ask], lambda state: state.seen == [1])
    finds(carrier, counting, [twice, clear], once)
    holds(carrier, counting, [twice, clear], lambda state: state.calls in (1, 2))


def test_a_class_behind_a_cache(carrier):
    def make():
        state = State(calls=0)

        @functools.lru_cache
        class Only:
            def __init__(self):
                state.calls += 1

        state.only = Only
        return state

    finds(carrier, make, [lambda state: state.only()] * 2, once)


def test_keys_that_are_compared_by_the_program_are_no_part_of_a_proof(carrier):
    @dataclasses.dataclass(frozen=True)
    class Key:
        number: int

    def make():
        return counting(lambda _: functools.cache(lambda key: key.number))

    is_not_reported(
        carrier,
        make,
        [lambda state: state.double(Key(1))] * 2,
        because=r".* has a cache compare its keys by code of the program",
    )


def test_dispatch_on_types(carrier):
    def make():
        state = State(value=0, lock=threading.Lock())

        @functools.singledispatch
        def handle(_what):
            raise TypeError

        @handle.register(int)
        def _(_what):
            current = state.value
            state.value = current + 1  # dispatched

        state.handle = handle
        return state

    def guarded(state):
        with state.lock:
            state.handle(1)

    finds(
        carrier,
        make,
        [lambda state: state.handle(1)] * 2,
        lambda state: state.value == 2,
        at=marked(__file__, "dispatched"),
    )
    holds(carrier, make, [guarded] * 2, lambda state: state.value == 2)
