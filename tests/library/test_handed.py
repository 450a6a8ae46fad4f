"""C code that the program hands to the library to be called: a thread's target, a callback, a key."""

from __future__ import annotations

import _thread
import contextlib
import contextvars
import io
import operator
import sched
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from tests.library.judging import State, finds, holds


def in_threads(targets):
    """Run the targets, each with its arguments, in threads of their own."""
    threads = [threading.Thread(target=target, args=arguments) for target, *arguments in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def setup():
    return State(items=[], table={}, value=0)


TARGETS = {
    "bound": lambda state: [(state.items.append, 1), (state.items.append, 2)],
    "unbound": lambda state: [(list.append, state.items, 1), (list.append, state.items, 2)],
    "partial": lambda state: [(partial(state.items.append, 1),), (partial(list.append, state.items, 2),)],
    "setitem": lambda state: [(operator.setitem, state.table, 0, 1), (operator.setitem, state.table, 0, 2)],
    "setattr": lambda state: [(setattr, state, "value", 1), (setattr, state, "value", 2)],
    "in a context": lambda state: [
        (contextvars.copy_context().run, state.items.append, 1),
        (contextvars.copy_context().run, state.items.append, 2),
    ],
}


def is_in_order(state):
    return state.items in ([], [1, 2]) and state.table.get(0, 2) == 2 and state.value in (0, 2)


def is_complete(state):
    return len(state.items) == 2 or 0 in state.table or state.value > 0


@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
def test_the_order_of_two_targets_in_c_is_open(carrier, targets):
    finds(carrier, setup, {"alice": lambda state: in_threads(targets(state))}, is_in_order)


@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
def test_targets_in_c_are_part_of_a_proof(carrier, targets):
    if targets is TARGETS["in a context"]:
        pytest.skip("what a context calls is C code that calls C code")
    verdict = holds(carrier, setup, {"alice": lambda state: in_threads(targets(state))}, is_complete)
    assert verdict.schedules == 2


def test_a_target_that_reads_meets_one_that_writes(carrier):
    def alice(state):
        in_threads([(list, state.items), (next, state.numbers)])
        state.rest = next(state.numbers)

    def bob(state):
        state.first = next(state.numbers)

    finds(
        carrier,
        lambda: State(items=[], numbers=iter(range(3))),
        {"alice": alice, "bob": bob},
        lambda state: state.first == 0,
    )


def test_raw_threads(carrier):
    def alice(state):
        _thread.start_new_thread(state.items.append, (1,))
        state.items.append(2)

    finds(carrier, setup, {"alice": alice}, lambda state: state.items[0] == 2)


def test_actors_in_c(carrier):
    finds(
        carrier,
        lambda: [1],
        {"alice": list.pop, "bob": list.pop},
        kind="exception",
        message="IndexError: pop from empty list left bob",
    )
    finds(
        carrier,
        lambda: [1],
        {"alice": list.clear, "bob": operator.methodcaller("append", 2)},
        lambda items: items == [2],
    )
    verdict = holds(carrier, lambda: [1, 2], {"alice": list.pop, "bob": list.pop}, lambda items: items == [])
    assert verdict.schedules == 2


def test_a_timer_and_a_scheduler(carrier):
    def alice(state):
        timer = threading.Timer(1, state.items.append, (1,))
        timer.start()
        timer.join()

    def bob(state):
        scheduler = sched.scheduler()
        scheduler.enter(1, 1, state.items.append, (2,))
        scheduler.run()

    finds(carrier, setup, {"alice": alice, "bob": bob}, lambda state: state.items == [1, 2])


def test_tasks_and_callbacks_of_futures(carrier):
    def alice(state):
        with ThreadPoolExecutor(2) as pool:
            pool.submit(state.items.append, 1)
            pool.submit(state.items.append, 2)

    def bob(state):
        future = Future()
        future.add_done_callback(state.items.append)
        thread = threading.Thread(target=future.set_result, args=(1,))
        thread.start()
        state.seen = len(state.items)
        thread.join()

    finds(carrier, setup, {"alice": alice}, lambda state: state.items == [1, 2])
    finds(carrier, setup, {"bob": bob}, lambda state: state.seen == 0)


def test_an_exit_stack(carrier):
    def alice(state):
        with contextlib.ExitStack() as stack:
            stack.callback(state.items.append, 1)

    def bob(state):
        state.items.append(2)

    finds(carrier, setup, {"alice": alice, "bob": bob}, lambda state: state.items == [1, 2])
    holds(carrier, setup, {"alice": alice, "bob": bob}, lambda state: sorted(state.items) == [1, 2])


CALLS = {
    "max": lambda state: state.seen.append(max(state.table, key=state.table.get)),
    "sorted": lambda state: state.seen.append(sorted(state.table, key=state.table.get)[-1]),
    "sort": lambda state: (names := ["a", "b"], names.sort(key=state.table.get), state.seen.append(names[-1])),
    "map": lambda state: [state.seen.append("ab"[value > 0]) for value in map(state.table.get, "b")],
}


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_c_code_that_c_code_calls(carrier, ask):
    def bob(state):
        state.table["b"] = 0

    actors = {"alice": ask, "bob": bob}
    finds(carrier, lambda: State(table={"a": 1, "b": 2}, seen=[]), actors, lambda state: state.seen == ["b"])
    holds(carrier, lambda: State(table={"a": 1, "b": 2}, seen=[]), actors, lambda state: state.seen in (["a"], ["b"]))


def test_what_is_taken_by_a_map_is_written(carrier):
    def alice(state):
        state.seen.extend(map(state.table.pop, "ab"))

    def bob(state):
        state.seen.append(state.table.get("a"))

    finds(carrier, lambda: State(table={"a": 1, "b": 2}, seen=[]), [alice, bob], lambda state: state.seen[-1] is None)


def test_the_file_of_a_print_with_spread_keywords(carrier):
    def alice(state):
        given = {"file": state.out, "end": ""}
        print(*"a", **given)

    def bob(state):
        print("b", file=state.out, end="")

    finds(carrier, lambda: State(out=io.StringIO()), [alice, bob], lambda state: state.out.getvalue() == "ab")
    assert holds(carrier, lambda: State(out=io.StringIO()), [alice, bob]).schedules == 2
