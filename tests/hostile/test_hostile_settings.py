"""Programs that change what the whole process shares: it is put back, told, and never part of a proof."""

from __future__ import annotations

import builtins
import copy
import gc
import os
import queue
import random
import signal
import sys
import threading
import time

import pytest
from controlled import State

import lab
from lab.errors import LabError
from tests.hostile.conftest import add

NEEDS_MONITORING = pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="sys.monitoring came with 3.12")


def trace(state):
    sys.settrace(lambda *event: None)
    add(state)


def profile(state):
    sys.setprofile(lambda *event: None)
    add(state)


def trace_new_threads(state):
    threading.settrace(lambda *event: None)
    threading.setprofile(lambda *event: None)
    child = threading.Thread(target=add, args=(state,))
    child.start()
    child.join()


def recurse_further(state):
    sys.setrecursionlimit(sys.getrecursionlimit() + 500)
    add(state)


def collect_otherwise(state):
    gc.set_threshold(5)
    add(state)
    gc.collect()


def hide_output(state):
    sys.stdout = sys.stderr = None
    add(state)


def take_hooks(state):
    sys.excepthook = sys.unraisablehook = threading.excepthook = sys.breakpointhook = lambda *error: None
    add(state)


def go_elsewhere(state):
    os.chdir("/")
    add(state)


def add_a_builtin(state):
    builtins.extra = 1
    add(state)


def set_an_alarm(state):
    signal.setitimer(signal.ITIMER_REAL, 3600)
    add(state)


def register_a_tool(state):
    sys.monitoring.use_tool_id(5, "theirs")
    sys.monitoring.set_events(5, sys.monitoring.events.PY_START)
    add(state)


CHANGES = {
    recurse_further: "the recursion limit",
    trace_new_threads: "the trace function of new threads",
    collect_otherwise: "the thresholds of the garbage collector",
    hide_output: "sys.stdout",
    take_hooks: "sys.excepthook",
    add_a_builtin: "builtins.extra",
    set_an_alarm: "the alarm clock of the process",
    register_a_tool: "the sys.monitoring tool 'theirs'",
}
changes = pytest.mark.parametrize(
    ("actor", "name"),
    [
        pytest.param(actor, name, id=actor.__name__, marks=NEEDS_MONITORING if actor is register_a_tool else ())
        for actor, name in CHANGES.items()
    ],
)


@changes
def test_what_a_program_leaves_changed_is_told_and_put_back(explored, actor, name):
    verdict = explored(actor)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    assert f"the program left {name} changed, which all of the process shares" in verdict.uncontrolled


@changes
def test_the_hammer_puts_it_back_too(hammered, actor, name):
    verdict = hammered(actor)
    if actor is register_a_tool:  # the second round finds the tool in use: true, and not the lab's doing
        assert verdict.status in ("fails", "unknown")
        return
    assert verdict.failure is None, str(verdict)
    (told,) = [note for note in verdict.notes if note.startswith("put back: ")]
    assert name in told


def test_the_working_directory_is_under_control_and_put_back(explored, hammered):
    before = os.getcwd()
    verdict = explored(go_elsewhere)
    assert (verdict.status, os.getcwd()) == ("holds", before), str(verdict)
    verdict = hammered(go_elsewhere)
    assert verdict.failure is None, str(verdict)
    assert any(note.startswith("put back: ") and "the working directory" in note for note in verdict.notes)
    assert os.getcwd() == before


def test_what_setup_changes_and_teardown_puts_back_is_no_doubt(explored):
    before = os.getcwd()

    def setup():
        os.chdir("/")
        return State(value=0)

    verdict = explored(add, setup=setup, teardown=lambda state: os.chdir(before))
    assert verdict.status == "holds", str(verdict)


def test_the_switch_interval_makes_no_difference(explored):
    def actor(state):
        sys.setswitchinterval(1e-4)
        add(state)

    assert explored(actor).status == "holds"


@pytest.mark.parametrize("actor", [trace, profile], ids=["trace", "profile"])
def test_who_watches_its_own_thread_is_told(explored, hammered, actor):
    verdict = explored(actor)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    name = f"sys.set{actor.__name__}"
    assert any(f"calls {name}, and what that watches with is not under control" in one for one in verdict.uncontrolled)
    assert hammered(actor).failure is None


def test_a_trace_function_sees_the_program_and_not_the_lab(explored):
    def actor(state):
        seen = []

        def watch(frame, event, argument):
            seen.append((frame.f_code.co_name, event))
            state.value = state.value  # hooked code of its own, in the middle of everything
            return watch

        before = sys.gettrace()
        sys.settrace(watch)
        same = sys.gettrace() is watch
        add(state)
        sys.settrace(before)
        state.seen = same, tuple(seen)

    verdict = explored(actor, outcome=lambda state: state.seen)
    assert verdict.failure is None, str(verdict)
    assert set(verdict.outcomes) == {(True, (("add", "call"), ("add", "line"), ("add", "return")))}


@NEEDS_MONITORING
def test_the_tool_of_the_lab_may_be_taken_away(explored):
    def actor(state):
        for number in range(6):
            if sys.monitoring.get_tool(number) == "race-lab":
                sys.monitoring.free_tool_id(number)
        add(state)

    verdict = explored(actor)
    assert (verdict.status, verdict.failure) == ("unknown", None)
    assert verdict.uncontrolled == ("the program took the sys.monitoring tool away by which the lab learns what runs",)


def test_an_actor_is_a_thread_and_may_set_no_handler(explored, hammered):
    def actor(state):
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    told = "exception: ValueError: signal only works in main thread of the main interpreter left alice"
    assert str(explored(actor).failure) == told
    assert str(hammered(actor).failure) == told


class Counted:
    def __init__(self):
        self.value = 0


def test_a_builtin_that_the_lab_needs(explored, hammered):
    def actor(state):
        builtins.issubclass = builtins.isinstance = None
        add(state)

    def break_and_raise(state):
        builtins.len = lambda thing: 7
        raise ValueError

    def replace_by_a_number(state):
        builtins.len = lambda thing: 7
        add(state)

    told = (
        r"^builtins\.\w+ was replaced while the program ran, and the lab itself needs it; "
        r"replace the name in the module that uses it$"
    )
    with pytest.raises(LabError, match=told):
        explored(actor)
    with pytest.raises(LabError, match=told):
        hammered(actor)
    with pytest.raises(LabError, match=told):  # where the lab breaks in an actor, which an earlier execution did not
        lab.explore(Counted, {"bob": add, "alice": replace_by_a_number}, schedules=50, strategy="random")
    assert hammered(break_and_raise).failure.kind == "exception"


def test_operations_that_the_lab_uses_may_be_replaced(explored, hammered, monkeypatch):
    def actor(state):
        with threading.Lock():
            add(state)

    monkeypatch.setattr(threading, "Lock", threading.RLock)
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)  # as tools do that freeze the time
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    began = os.times().elapsed
    assert explored(actor).failure is None
    assert explored(actor, schedules=None, seconds=0.2, strategy="random").schedules > 1
    assert hammered(actor, rounds=None, seconds=0.2).schedules > 1
    assert os.times().elapsed - began < 20


def replace_a_lock(state):
    threading.Lock = threading.RLock
    with threading.Lock():
        add(state)


def replace_by_nothing(state):
    add(state)
    threading.Lock = None


def replace_a_method(state):
    queue.Queue.put = random.Random.shuffle = lambda *arguments: None
    add(state)


def replace_late(state):
    if state.value:  # in some schedules only
        time.sleep = random.random = None
    add(state)


def delete_a_function(state):
    add(state)
    del copy.deepcopy


REPLACED = {
    replace_a_lock: ["threading.Lock"],
    replace_by_nothing: ["threading.Lock"],
    replace_a_method: ["queue.Queue.put", "random.Random.shuffle"],
    replace_late: ["random.random", "time.sleep"],
    delete_a_function: ["copy.deepcopy"],
}


@pytest.mark.parametrize(("actor", "names"), REPLACED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_of_the_library_a_program_replaces_is_told_and_put_back(explored, actor, names):
    found = library()
    verdict = explored(actor)
    assert library() == found
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    for name in names:
        assert f"the program left {name} changed, which all of the process shares" in verdict.uncontrolled


def library():
    return threading.Lock, queue.Queue.put, random.Random.shuffle, time.sleep, random.random, copy.deepcopy


@pytest.mark.parametrize("actor", [replace_a_lock, replace_a_method])
def test_the_hammer_puts_the_library_back_too(hammered, actor):
    before = library()
    verdict = hammered(actor)
    assert library() == before
    (told,) = [note for note in verdict.notes if note.startswith("put back: ")]
    assert told == f"put back: {', '.join(sorted(REPLACED[actor]))}, which the program had changed"


def test_a_setup_that_a_replaced_function_breaks(explored, hammered):
    def setup():
        return State(value=0, lock=threading.Lock())

    before = library()
    told = (
        "threading.Lock was replaced while the program ran, and after that it broke "
        "(TypeError: 'NoneType' object is not callable); "
        "put it back in teardown, or replace the name in the module that uses it"
    )

    def replace_if_behind(state):  # no execution without switches does that
        if state.value == 0 and state.begun:
            threading.Lock = None
        state.begun = True
        add(state)

    with pytest.raises(LabError) as caught:
        explored(
            replace_if_behind,
            bob=replace_if_behind,
            setup=lambda: State(value=0, begun=False, lock=threading.Lock()),
        )
    assert str(caught.value) == told
    with pytest.raises(LabError) as caught:
        hammered(replace_by_nothing, setup=setup)
    assert str(caught.value) == told
    assert library() == before


def test_a_function_replaced_in_setup_and_put_back_in_teardown_is_no_doubt(explored):
    sleep = time.sleep

    def setup():
        time.sleep = lambda seconds: None
        return State(value=0)

    def teardown(state):
        time.sleep = sleep

    assert explored(add, setup=setup, teardown=teardown).status == "holds"


def test_an_alarm_that_rang_does_not_ring_again():
    class TooLate(Exception):
        pass

    rung = []

    def late(number, frame):
        rung.append(number)
        raise TooLate

    before, timer = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, late)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(TooLate):
            lab.explore(
                lambda: State(value=0), [add, add], carrier="thread", schedules=None, seconds=20, strategy="random"
            )
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        time.sleep(0.05)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)
    assert rung == [signal.SIGALRM]


def test_settings_are_put_back_where_setup_breaks_the_run(explored):
    def setup():
        sys.setrecursionlimit(sys.getrecursionlimit() + 7)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        explored(add, setup=setup)
    with pytest.raises(ZeroDivisionError):
        lab.hammer(setup, [add], rounds=2)
