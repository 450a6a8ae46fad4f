"""Processes that look again and again until something is so: such loops are explored as if one could wait for it."""

import fcntl
import multiprocessing
import os
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace as State

import pytest

import lab


def count():
    with open("count") as file:
        number = int(file.read())
    with open("count", "w") as file:
        file.write(str(number + 1))


def counted(state):
    with open("count") as file:
        return file.read()


def zero():
    with open("count", "w") as file:
        file.write("0")
    with open("log", "w"):
        pass
    return State(flag=multiprocessing.Value("i", 0), data=multiprocessing.Value("i", 0), event=multiprocessing.Event())


def lock_by_open(state):
    while True:
        try:
            fd = os.open("lock", os.O_CREAT | os.O_EXCL)
            break
        except FileExistsError:
            time.sleep(0.1)
    count()
    os.close(fd)
    os.unlink("lock")


def lock_by_x(state):
    while True:
        try:
            with open("lock", "x"):
                break
        except FileExistsError:
            time.sleep(0.1)
    count()
    os.remove("lock")


def lock_by_directory(state):
    while True:
        with suppress(FileExistsError):
            os.mkdir("lock")
            break
        time.sleep(0.1)
    count()
    os.rmdir("lock")


def lock_by_touch(state):
    path = Path("lock")
    while True:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            time.sleep(0.1)
        else:
            break
    count()
    path.unlink()


def lock_by_flock(state):
    with open("lock", "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.1)
        count()


def lock_later_and_later(state):
    delay = 0.1
    while True:
        try:
            os.close(os.open("lock", os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            time.sleep(delay)
            delay = min(2 * delay, 1.0)
    count()
    os.unlink("lock")


def lock_without_holding(state):
    while os.path.exists("lock"):
        time.sleep(0.1)
    Path("lock").touch()
    count()
    with suppress(FileNotFoundError):
        os.unlink("lock")


class TryingLock:
    def __init__(self, path, wait=time.sleep, *, close=os.close):
        self.path, self.wait, self.close, self.fd, self.tries = path, wait, close, None, 0

    def __enter__(self):
        while self.fd is None:
            self.tries += 1
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.fchmod(self.fd, 0o644)
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.tries -= 1
                self.close(self.fd)
                self.fd = None
                self.wait(0.05)

    def __exit__(self, *_):
        self.close(self.fd)


def lock_by_a_class(state):
    with TryingLock("lock"):
        count()


LOCKS = [
    lock_by_open,
    lock_by_x,
    lock_by_directory,
    lock_by_touch,
    lock_by_flock,
    lock_later_and_later,
    lock_by_a_class,
]


CLASSES = {lock_by_flock: 4, lock_later_and_later: 10, lock_by_a_class: 12}
"""Either may empty the file first, and change its mode; the sleeps that grow longer are told apart."""


def waits_by_what_it_is_given(state, look=os.path.exists, *, wait=time.sleep):
    while not look("ready"):
        wait(0.5)


def test_operations_that_are_default_arguments_stop():
    actors = [waits_by_what_it_is_given, lambda state: Path("ready").touch()]
    verdict = lab.explore(zero, actors, on="processes", strategy="dpor")
    assert (verdict.status, verdict.uncontrolled, verdict.schedules) == ("holds", (), 1), str(verdict)
    assert waits_by_what_it_is_given.__defaults__ == (os.path.exists,)
    assert waits_by_what_it_is_given.__kwdefaults__ == {"wait": time.sleep}


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("strategy", ["dpor", "auto"])
def test_files_as_locks_are_proved(lock, strategy):
    verdict = lab.explore(
        zero, [lock, lock], outcome=counted, allowed={"2"}, on="processes", strategy=strategy, schedules=200
    )
    assert verdict.status == "holds", str(verdict)
    assert verdict.schedules == CLASSES.get(lock, 2)
    assert verdict.uncontrolled == ()


def test_a_lock_that_is_looked_at_and_then_taken_is_none():
    verdict = lab.explore(
        zero,
        [lock_without_holding] * 2,
        outcome=counted,
        allowed={"2"},
        on="processes",
        strategy="dpor",
        schedules=200,
    )
    verdict.assert_fails()
    assert verdict.failure.kind in ("outcome", "exception")  # what is read while it is empty is no number


def publish_file(state):
    with open("new", "w") as file:
        file.write("done")
    os.rename("new", "ready")


def await_file(state):
    while not os.path.exists("ready"):
        time.sleep(0.05)
    with open("ready") as file:
        assert file.read() == "done"


def await_path(state):
    path = Path("ready")
    while not path.exists():
        time.sleep(0.05)
    assert path.read_text() == "done"


def publish_value(state):
    state.data.value = 1
    state.flag.value = 1


def publish_value_too_early(state):
    state.flag.value = 1
    state.data.value = 1


def await_value(state):
    while state.flag.value == 0:
        pass
    assert state.data.value == 1


def await_value_under_lock(state):
    while True:
        with state.flag.get_lock():
            if state.flag.value:
                break
    assert state.data.value == 1


def publish_event(state):
    state.data.value = 1
    state.event.set()


def await_event(state):
    while not state.event.is_set():
        time.sleep(0.01)
    assert state.data.value == 1


def write_log(state):
    with open("log", "a") as file:
        file.write("one\n")
        file.flush()
        file.write("stop\n")


def follow_log(state):
    with open("log") as file:
        while True:
            line = file.readline()
            if line == "stop\n":
                break
            if not line:
                time.sleep(0.1)


def read_log_anew(state):
    while True:
        with open("log") as file:
            if file.read().endswith("stop\n"):
                break
        time.sleep(0.1)


PROVED = {
    "a file": (publish_file, await_file),
    "a path": (publish_file, await_path),
    "a value": (publish_value, await_value),
    "a value, looked at first": (await_value, publish_value),
    "a value under its lock": (await_value_under_lock, publish_value),
    "an event": (publish_event, await_event),
    "a log that is followed": (write_log, follow_log),
    "a log that is read anew": (write_log, read_log_anew),
}


@pytest.mark.parametrize("name", PROVED)
def test_what_comes_is_waited_for(name):
    verdict = lab.explore(zero, [*PROVED[name]], on="processes", strategy="dpor", schedules=200)
    assert verdict.status == "holds", str(verdict)


def test_a_failure_behind_the_loop_is_found_and_replayed():
    actors = [publish_value_too_early, await_value]
    verdict = lab.explore(zero, actors, on="processes", strategy="dpor", schedules=200)
    verdict.assert_fails()
    assert verdict.failure.kind == "exception"
    assert lab.replay(verdict.witness, zero, actors).status == "fails"


def test_a_lock_that_a_crash_leaves_behind_is_waited_for_without_end():
    actors = {"alice": lock_by_open, "bob": lock_by_open}
    verdict = lab.explore(zero, actors, on="processes", crash=True, strategy="dpor", schedules=200)
    verdict.assert_fails()
    assert verdict.failure.kind == "livelock"
    assert "went round with nothing changed, and so will for ever" in verdict.failure.message
    assert verdict.witness.repeats == 2
    assert len(verdict.witness.trace.steps) < 20
    assert lab.replay(verdict.witness, zero, actors).status == "fails"


@pytest.mark.parametrize(
    "actor", [await_file, await_path, await_value, await_value_under_lock, await_event, follow_log]
)
def test_what_never_comes_is_waited_for_without_end(actor):
    def write(state):
        state.flag.value = 0
        count()

    verdict = lab.explore(zero, {"alice": write, "bob": actor}, on="processes", strategy="dpor", schedules=200)
    assert verdict.failure is not None, str(verdict)
    assert verdict.failure.kind == "livelock"
    assert verdict.failure.message.endswith(": bob went round with nothing changed, and so will for ever")


def test_two_who_wait_for_each_other():
    def first(state):
        while not os.path.exists("second"):
            time.sleep(0.1)
        Path("first").touch()

    def second(state):
        while not os.path.exists("first"):
            time.sleep(0.1)
        Path("second").touch()

    verdict = lab.explore(dict, {"alice": first, "bob": second}, on="processes", strategy="dpor", schedules=200)
    assert verdict.failure is not None, str(verdict)
    assert verdict.failure.kind == "livelock"
    assert verdict.failure.message.endswith(": alice and bob went round with nothing changed, and so will for ever")


def test_who_waits_beside_one_who_holds_a_lock_for_ever():
    def hold(state):
        with state.flag.get_lock():
            while not os.path.exists("never"):
                time.sleep(0.1)

    def take(state):
        with state.flag.get_lock():
            pass

    verdict = lab.explore(zero, {"alice": hold, "bob": take}, on="processes", strategy="dpor", schedules=200)
    assert verdict.failure is not None, str(verdict)
    assert verdict.failure.kind == "livelock"
    assert verdict.failure.message.endswith(": alice went round with nothing changed, and so will for ever")


def test_who_gives_up_in_the_end_does_not_go_on_for_ever():
    def try_often(state):
        for _ in range(400):
            if os.path.exists("ready"):
                return
            time.sleep(0.01)

    verdict = lab.explore(zero, [lambda state: count(), try_often], on="processes", strategy="dpor", schedules=20)
    assert verdict.failure is None, str(verdict)


def test_who_gives_up_when_the_time_is_up_does_not_go_on_for_ever():
    def try_long(state):
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if os.path.exists("ready"):
                return
            time.sleep(0.1)

    verdict = lab.explore(zero, [lambda state: count(), try_long], on="processes", strategy="dpor", schedules=20)
    assert verdict.failure is None, str(verdict)
    assert verdict.status == "unknown"
    assert "the clock showed only times that pass while nothing is slow" in verdict.reason
