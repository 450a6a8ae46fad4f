"""The switch points that are measured are those of CPython's source, and those at which real threads are switched."""

import dis
import sys
import threading
import time

import pytest

from lab.switch_points import RESUMES_AFTER_DELEGATION, instruction, switch_points
from lab.witness import build_name

CALLS = {"CALL", "CALL_FUNCTION_EX"}
KNOWN = {
    (3, 11): CALLS
    | {"RESUME", "JUMP_BACKWARD", "PRECALL"}
    | {f"POP_JUMP_BACKWARD_IF_{what}" for what in ("TRUE", "FALSE", "NONE", "NOT_NONE")},
    (3, 12): CALLS | {"RESUME", "JUMP_BACKWARD"},
    (3, 13): CALLS | {"RESUME", "JUMP_BACKWARD", "CALL_KW"},
}
"""Where ``CHECK_EVAL_BREAKER`` stands in ``Python/ceval.c`` (3.11) and ``Python/bytecodes.c``.

3.11 splits a call in two, and its specialised forms do all of it in ``PRECALL``; later versions have one kind of
backward jump; 3.13 has an instruction of its own for calls with keywords.
"""

here = pytest.mark.skipif(sys.version_info[:2] not in KNOWN, reason="nobody has looked at this version's source")


@here
def test_what_polls_is_what_the_source_says():
    found = switch_points()
    assert (found.polling, found.problem) == (KNOWN[sys.version_info[:2]], "")


@pytest.mark.parametrize(
    "name",
    [
        *("LOAD_ATTR", "STORE_ATTR", "DELETE_ATTR", "LOAD_GLOBAL", "STORE_GLOBAL", "LOAD_DEREF", "STORE_DEREF"),
        *("BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR", "CONTAINS_OP", "COMPARE_OP", "BINARY_OP", "IS_OP"),
        *("FOR_ITER", "GET_ITER", "UNPACK_SEQUENCE", "BEFORE_WITH", "YIELD_VALUE", "SEND", "RETURN_VALUE"),
        *("RAISE_VARARGS", "RERAISE", "WITH_EXCEPT_START", "PUSH_EXC_INFO", "JUMP_FORWARD", "IMPORT_NAME"),
        RESUMES_AFTER_DELEGATION,
    ],
)
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="has other instructions")
def test_what_does_not_poll_was_measured(name):
    found = switch_points()
    assert name in found.measured
    assert name not in found.polling


def test_another_thread_comes_to_the_same():
    found = []
    thread = threading.Thread(target=lambda: found.append(switch_points.__wrapped__()))
    thread.start()
    thread.join()
    assert found == [switch_points()]


def test_an_interpreter_that_cannot_be_measured_says_so(monkeypatch):
    monkeypatch.setattr("ctypes.pythonapi", {})
    found = switch_points.__wrapped__()
    assert (found.polling, found.problem) == (
        frozenset(),
        "where this interpreter switches could not be measured (KeyError)",
    )


class Thing:
    def __init__(self):
        self.value = 0
        self.known = {"a": 1}
        self.items = [1, 2]

    def method(self, one, two=2):
        return one


def work(thing, end):
    """Many kinds of instructions, again and again, none of which blocks."""
    while not end:
        thing.value += 1
        thing.known["a"] = thing.known["a"] + thing.value % 3
        for item in thing.items:
            if item in thing.known or item > 1:
                thing.method(item)
        thing.method(*thing.items)
        thing.method(1, two=len(thing.items))
        first, second = thing.items
        thing.items[:] = [first, second]
        f"{first} {second!r}"


@pytest.mark.skipif(build_name() != "gil", reason="threads are switched by the system, anywhere")
def test_real_threads_are_switched_only_there():
    """Whenever another thread gets to look, the first stands at an instruction that polls."""
    end, thing, seen = [], Thing(), set()
    names = {one.offset: instruction(one.opname, one.arg) for one in dis.get_instructions(work.__code__)}
    interval = sys.getswitchinterval()
    thread = threading.Thread(target=work, args=(thing, end))
    sys.setswitchinterval(1e-6)
    try:
        thread.start()
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            frame = sys._current_frames().get(thread.ident)
            # It may have gone on since: then it stands at another switch point now, or in a function that it calls.
            if frame is not None and frame.f_code is work.__code__ and frame.f_lasti in names:
                seen.add(names[frame.f_lasti])
            del frame
    finally:
        end.append(True)
        thread.join()
        sys.setswitchinterval(interval)
    assert len(seen) > 1
    assert seen <= switch_points().polling
