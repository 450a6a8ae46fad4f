"""Memory that processes share: each access is a step, told by the bytes that it touches."""

import ctypes
import multiprocessing as mp
import operator
import struct
import time
from contextlib import contextmanager
from functools import reduce
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import SimpleNamespace

import pytest

import lab
from tests.processes.programs import both


class Point(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int))


class Line(ctypes.Structure):
    _fields_ = (("start", Point), ("end", Point))


def explore(setup, actors, **options):
    return lab.explore(setup, actors, on="processes", strategy="dpor", seconds=100, **options)


def segment(size=16):
    return lambda: SharedMemory(create=True, size=size)


def values(size=4):
    return lambda: mp.RawArray("i", size)


def note(what):
    Path("seen").write_text(str(what))


def seen(shared):
    return Path("seen").read_text()


def by_index(shared):
    shared.buf[0] += 1


def by_another_view(shared):
    view = shared.buf[0:4].cast("i")
    view[0] += 1
    view.release()


def by_struct(shared):
    (count,) = struct.unpack_from("<i", shared.buf)
    struct.pack_into("<i", shared.buf, 0, count + 1)


def by_bytes(shared):
    count = int.from_bytes(shared.buf[0:4], "little")
    shared.buf[0:4] = (count + 1).to_bytes(4, "little")


def by_an_object_of_c(shared):
    count = ctypes.c_int.from_buffer(shared.buf)
    count.value += 1
    del count


def by_name(shared):
    again = SharedMemory(name=shared.name)
    again.buf[0] += 1
    again.close()


def by_functions(shared):
    operator.setitem(shared.buf, 0, operator.getitem(shared.buf, 0) + 1)


@contextmanager
def counted(shared):
    yield shared.buf[0] + 1


def by_a_manager(shared):
    with counted(shared) as count:
        shared.buf[0] = count


class Counter:
    def __init__(self, shared):
        self.shared = shared

    def __index__(self):
        return self.shared.buf[0] + 1


def by_a_method_that_c_calls(shared):
    shared.buf[0] = operator.index(Counter(shared))


def by_a_callback(shared):
    shared.buf[0] = reduce(lambda total, position: total + shared.buf[position], [0], 1)


WAYS = (
    *(by_index, by_another_view, by_struct, by_bytes, by_an_object_of_c, by_name, by_functions, by_a_manager),
    *(by_a_method_that_c_calls, by_a_callback),
)


@pytest.mark.parametrize("way", WAYS)
def test_an_update_is_lost_in_whatever_way_it_is_made(way):
    verdict = explore(segment(), {"alice": way, "bob": by_index}, outcome=lambda shared: shared.buf[0])
    assert verdict.uncontrolled == ()
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)


def test_a_lost_update_has_a_short_witness():
    verdict = explore(segment(), both(by_index), outcome=lambda shared: shared.buf[0], allowed={2})
    assert (verdict.status, verdict.witness.pattern) == ("fails", "lost update")
    assert [step.what for step in verdict.witness.trace.steps] == [
        *("reads shared.buf[0] 0", "reads shared.buf[0] 0", "writes shared.buf[0] 1", "writes shared.buf[0] 1")
    ]
    again = lab.replay(verdict.witness, segment(), both(by_index), outcome=lambda shared: shared.buf[0], allowed={2})
    assert again.reason.startswith("fails again")


def test_the_same_bytes_have_one_name():
    def first(shared):
        mine = SharedMemory(name=shared.name)
        mine.buf[0] += 1

    def second(shared):
        other = SharedMemory(name=shared.name)
        other.buf[0] += 1

    actors = {"alice": first, "bob": second}
    verdict = explore(segment(4), actors, outcome=lambda shared: shared.buf[0], allowed={2})
    assert verdict.witness.pattern == "lost update"
    assert {step.what.split()[1] for step in verdict.witness.trace.steps} == {"mine.buf[0]"}


def test_a_lock_keeps_updates_apart():
    def add(shared):
        with shared.lock:
            by_struct(shared.memory)

    def setup():
        return SimpleNamespace(lock=mp.Lock(), memory=SharedMemory(create=True, size=8))

    verdict = explore(setup, both(add), outcome=lambda shared: shared.memory.buf[0])
    assert (verdict.status, verdict.schedules, verdict.outcomes) == ("holds", 2, {2: 2})


def at(position):
    def add(shared):
        shared.buf[position] += 1

    return add


def test_bytes_are_told_apart():
    verdict = explore(segment(2), {"alice": at(0), "bob": at(1)}, outcome=lambda shared: bytes(shared.buf[:2]))
    assert (verdict.status, verdict.schedules, verdict.outcomes) == ("holds", 1, {b"\1\1": 1})


def ready(shared):
    shared.buf[0] = 1
    shared.buf[1] = 1


IN_PARTS = {"[0, 0]", "[1, 0]", "[1, 1]", "[0, 1]"}
AT_ONCE = IN_PARTS - {"[0, 1]"}


@pytest.mark.parametrize(
    ("look", "outcomes"),
    [
        (lambda view: list(view), IN_PARTS),
        (lambda view: view.tolist(), IN_PARTS),
        (lambda view: [*sorted(view, key=lambda _: 0)], IN_PARTS),
        (lambda view: [byte + 0 for byte in view], IN_PARTS),
        (lambda view: [byte for _, byte in enumerate(view)], IN_PARTS),
        (lambda view: [view[number] for number in range(2)], IN_PARTS),
        (lambda view: list(bytes(view)), AT_ONCE),
        (lambda view: list(view.tobytes()), AT_ONCE),
        (lambda view: list(bytearray(view)), AT_ONCE),
        (lambda view: list(struct.unpack("BB", view)), AT_ONCE),
        (lambda view: list(bytes.fromhex(view.hex())), AT_ONCE),
    ],
)
def test_what_is_one_step_and_what_is_several(look, outcomes):
    def reads(shared):
        note(look(shared.buf[0:2]))

    verdict = explore(segment(2), {"alice": ready, "bob": reads}, outcome=seen)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", outcomes), str(verdict)


def test_two_writes_can_be_torn_and_one_cannot():
    def in_two(shared):
        shared.buf[0:2] = b"aa"
        shared.buf[2:4] = b"aa"

    def in_one(shared):
        shared.buf[0:4] = b"aaaa"

    def reads(shared):
        note(bytes(shared.buf[0:4]).count(b"a"))

    torn = explore(segment(4), {"alice": in_two, "bob": reads}, outcome=seen, allowed={"0", "4"})
    assert (torn.status, torn.failure.message) == ("fails", "outcome '2' (allowed: '0', '4')")
    whole = explore(segment(4), {"alice": in_one, "bob": reads}, outcome=seen, allowed={"0", "4"})
    assert (whole.status, whole.schedules) == ("holds", 2)


def test_a_copy_inside_reads_and_writes():
    def copies(shared):
        shared.buf[0:2] = shared.buf[2:4]

    def changes(shared):
        shared.buf[3] = 1

    verdict = explore(segment(4), {"alice": copies, "bob": changes}, outcome=lambda shared: shared.buf[1])
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {0, 1})


@pytest.mark.parametrize("first", [0, 1], ids=["flag first", "value first"])
def test_who_waits_for_a_flag_sees_what_was_written_before(first):
    def publishes(shared):
        shared.buf[first] = 1
        shared.buf[1 - first] = 1

    def waits(shared):
        while shared.buf[0] == 0:
            time.sleep(0.01)
        note(shared.buf[1])

    verdict = explore(segment(2), {"alice": publishes, "bob": waits}, outcome=seen, allowed={"1"})
    assert verdict.status == ("holds" if first else "fails"), str(verdict)


def test_a_flag_that_nobody_sets():
    def waits(shared):
        while not shared.buf[0]:
            time.sleep(0.01)

    verdict = explore(segment(1), {"alice": waits})
    assert verdict.failure.kind == "livelock"


# ------------------------------------------------------------ objects of C


@pytest.mark.parametrize(
    ("actors", "schedules"),
    [(("x", "x"), 4), (("x", "y"), 1)],
    ids=["one field", "two fields"],
)
def test_fields_of_a_structure_are_told_apart(actors, schedules):
    def add(name):
        def run(point):
            setattr(point, name, getattr(point, name) + 1)

        return run

    alice, bob = map(add, actors)
    verdict = explore(lambda: mp.RawValue(Point), {"alice": alice, "bob": bob}, outcome=lambda point: point.x)
    assert (verdict.status, verdict.schedules) == ("holds", schedules), str(verdict)


def test_a_field_is_named_as_in_the_program():
    def add(lines):
        lines[1].end.x += 1

    verdict = explore(lambda: mp.RawArray(Line, 2), both(add), outcome=lambda lines: lines[1].end.x, allowed={2})
    assert verdict.witness.trace.steps[0].what == "reads lines[1].end.x 0"


def test_a_structure_with_a_lock_has_it_for_each_access():
    def add(point):
        point.x += 1

    def under_lock(point):
        with point.get_lock():
            point.x += 1

    verdict = explore(lambda: mp.Value(Point), both(add), outcome=lambda point: point.x)
    assert (verdict.status, verdict.outcomes) == ("holds", {1: 4, 2: 2})
    verdict = explore(lambda: mp.Value(Point), both(under_lock), outcome=lambda point: point.x)
    assert (verdict.status, verdict.outcomes) == ("holds", {2: 2})


def test_a_structure_is_copied_in_one_step():
    def moves(line):
        point = Point(5, 6)
        line.start = point

    def reads(line):
        copy = Line()
        copy.end = line.start
        note((copy.end.x, copy.end.y))

    verdict = explore(lambda: mp.RawValue(Line), {"alice": moves, "bob": reads}, outcome=seen)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"(0, 0)", "(5, 6)"})


def view_of_values(shared):
    view = memoryview(shared).cast("B").cast("i")
    view[0] += 1


def bytes_of_values(shared):
    shared[0] = int.from_bytes(bytes(shared)[:4], "little") + 1


@pytest.mark.parametrize("way", [view_of_values, bytes_of_values])
def test_values_are_reached_by_their_bytes(way):
    def add(shared):
        shared[0] += 1

    verdict = explore(values(), {"alice": way, "bob": add}, outcome=lambda shared: shared[0])
    assert verdict.uncontrolled == ()
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2})


def test_what_a_barrier_keeps_is_no_operation():
    def meets(shared):
        shared.point.x = 1
        shared.barrier.wait()
        note(shared.point.x)

    def setup():
        return SimpleNamespace(barrier=mp.Barrier(2), point=mp.RawValue(Point))

    verdict = explore(setup, both(meets), outcome=seen)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"1"}), str(verdict)


def test_what_an_actor_makes_is_its_own():
    def makes(_):
        own = mp.RawArray("i", 2)
        own[0] += 1
        memoryview(own).cast("B")[0] += 1
        note(own[0])

    verdict = explore(dict, both(makes), outcome=seen)
    assert (verdict.uncontrolled, set(verdict.outcomes)) == ((), {"2"})
