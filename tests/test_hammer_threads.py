"""Exceptions in threads that an actor starts are failures of its round, and nobody else's threads are listened to."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hammer_programs import (
    Box,
    leave_by,
    nothing,
    nothing_left_behind,  # noqa: F401 - used by every test
)

from lab import hammer


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def child_fails(state: Box) -> None:
    run([threading.Thread(target=leave_by(KeyError("k")), args=(state,), name="child")])


class Sub(threading.Thread):
    def run(self) -> None:
        raise KeyError("k")


def subclass_fails(state: Box) -> None:
    run([Sub(name="child")])


def grandchild_fails(state: Box) -> None:
    run([threading.Thread(target=child_fails, args=(state,))])


def timer_fails(state: Box) -> None:
    timer = threading.Timer(0.001, leave_by(KeyError("k")), (state,))
    timer.name = "child"
    run([timer])


@pytest.fixture(autouse=True)
def excepthook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the process-wide hook is told."""
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    return told


@pytest.mark.parametrize("noise", [0, 0.5])
@pytest.mark.parametrize("actor", [child_fails, subclass_fails, grandchild_fails, timer_fails])
def test_what_leaves_a_child_fails_its_round(actor: Any, noise: float, excepthook: list[Any]) -> None:
    verdict = hammer(Box, [actor], rounds=6, noise=noise)
    assert str(verdict.failure) == "exception: KeyError: 'k' left child"
    assert verdict.outcomes == {"KeyError: 'k'": 6}
    assert verdict.reason == "6 of 6 rounds failed"
    assert excepthook == []  # it is told in the verdict, and not once more for every round


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_every_exception_of_a_child_is_kept(error: BaseException) -> None:
    verdict = hammer(Box, [lambda state: run([threading.Thread(target=leave_by(error), args=(state,))])], rounds=2)
    assert verdict.failure is not None
    assert verdict.failure.kind == "exception"
    assert verdict.reason == "2 of 2 rounds failed"


def test_the_round_is_the_one_that_the_thread_was_started_in() -> None:
    made: list[Box] = []

    def setup() -> Box:
        made.append(Box(number=len(made)))
        return made[-1]

    def actor(state: Box) -> None:
        if state.number % 4 == 3:
            child_fails(state)

    verdict = hammer(setup, [actor], outcome=lambda state: state.number % 4, rounds=400)
    assert verdict.outcomes == {0: 100, 1: 100, 2: 100, "KeyError: 'k'": 100}


def test_an_exception_that_comes_late_counts_once() -> None:
    threads: list[threading.Thread] = []
    ended = threading.Event()

    def late(state: Box) -> None:
        ended.wait(5)
        raise KeyError("late")

    def actor(state: Box) -> None:
        if not threads:
            for _ in range(2):
                threads.append(threading.Thread(target=late, args=(state,), name="straggler"))
                threads[-1].start()
        elif len(threads) < 10:
            threads.append(threading.current_thread())
        else:
            ended.set()
            time.sleep(0.01)

    verdict = hammer(Box, [actor], rounds=30)
    for thread in threads[:2]:
        thread.join()
    assert verdict.status == "fails"
    assert str(verdict.failure) == "exception: KeyError: 'late' left straggler"
    assert verdict.reason == "1 of 30 rounds failed"


def test_exceptions_that_the_program_deals_with_are_none() -> None:
    def actor(state: Box) -> None:
        with ThreadPoolExecutor(2) as pool:
            assert [type(pool.submit(leave_by(KeyError("k")), state).exception()) for _ in range(3)] == [KeyError] * 3

    verdict = hammer(Box, [actor], rounds=6)
    assert verdict.reason == "0 of 6 rounds failed"


def test_other_threads_of_the_process_keep_their_hook(excepthook: list[Any]) -> None:
    go = threading.Event()

    def stranger() -> None:
        go.wait(5)
        Sub(name="its child").start()
        raise KeyError("stranger")

    thread = threading.Thread(target=stranger)
    thread.start()

    def actor(state: Box) -> None:
        go.set()
        thread.join()

    verdict = hammer(Box, [actor], rounds=4)
    assert verdict.reason == "0 of 4 rounds failed"
    assert sorted(str(told.exc_value) for told in excepthook) == ["'k'", "'stranger'"]


def test_the_thread_has_its_own_run_again_afterwards() -> None:
    threads: list[threading.Thread] = []

    def actor(state: Box) -> None:
        mine = threading.Thread(target=len, args=("",))
        mine.run = lambda: None  # type: ignore[method-assign]  # as a program may
        threads.extend([threading.Thread(target=len, args=("",)), mine])
        run(threads[-2:])

    hammer(Box, [actor], rounds=4)
    assert ["run" in vars(thread) for thread in threads] == [False, True] * 4


def test_what_ending_a_hang_does_to_the_threads_is_no_finding() -> None:
    def setup() -> Box:
        return Box(lock=threading.Lock())

    def stuck(state: Box) -> None:
        state.lock.acquire()
        state.lock.acquire()
        raise KeyError("the lock was freed by force")

    def actor(state: Box) -> None:
        thread = threading.Thread(target=stuck, args=(state,))
        thread.start()
        thread.join()

    verdict = hammer(setup, {"alice": actor})
    assert verdict.failure is not None
    assert verdict.failure.kind == "deadlock"
    assert "by force" not in str(verdict)
    assert verdict.reason == "1 of 1 round failed; the last one hung, which ended the run"


# ------------------------------------------------------------ what breaks in between


class Shared:
    kept: list[int] = []


def test_a_setup_that_is_not_fresh_is_told() -> None:
    with pytest.raises(ValueError, match="setup: ") as caught:
        hammer(Shared, [lambda state: state.kept.append(1)], rounds=10)
    assert str(caught.value) == (
        "setup: state.kept (list) is the same object as in the execution before and still holds its changes ([1]); "
        "make a new one in setup, or put it back in teardown"
    )
    Shared.kept.clear()
    hammer(Shared, [lambda state: state.kept.append(1)], rounds=10, teardown=lambda state: state.kept.clear())


@pytest.mark.parametrize("broken", ["setup", "teardown", "outcome"])
def test_a_failed_round_is_reported_though_a_later_one_breaks(broken: str) -> None:
    calls = dict.fromkeys(("setup", "teardown", "outcome"), 0)

    def counted(name: str) -> None:
        calls[name] += 1
        if name == broken and calls[name] == 4:
            raise ZeroDivisionError(f"in the fourth {name}")

    def outcome(state: Box) -> Any:
        counted("outcome")
        return [] if broken == "outcome" and calls["outcome"] == 3 else 1

    def setup() -> Box:
        counted("setup")
        return Box()

    verdict = hammer(setup, [nothing], outcome=outcome, allowed={2}, teardown=lambda _: counted("teardown"), noise=0)
    assert verdict.status == "fails"
    assert str(verdict.failure) == "outcome: outcome 1 (allowed: 2)"
    assert verdict.schedules < 100
    assert [note for note in verdict.notes if note.startswith("ended early: ")] == [
        "ended early: InvalidType: outcome: outcome() "
        "returned [], a list, which cannot be tallied; return a hashable value, such as a tuple"
        if broken == "outcome"
        else f"ended early: ZeroDivisionError: in the fourth {broken}"
    ]
