"""What gets to memory that processes share by a way that is not known is named, and then nothing is proved."""

import ctypes
import io
import os
import random
import re
import signal
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

import pytest

from tests.processes.programs import both
from tests.processes.test_memory import explore, note, seen, segment

NOT_UNDER_CONTROL = "which is not under control"


def searched(shared):
    note(re.search(b"\1", shared.buf) is not None)


def nested(shared):
    note([[shared.buf[0:1]]] == [[b"\0"]])


def text(shared):
    note(str(shared.buf[0:1], "ascii"))


def pointed(shared):
    note(ctypes.cast(ctypes.addressof(ctypes.c_char.from_buffer(shared.buf)), ctypes.POINTER(ctypes.c_char))[0])


def shuffled(shared):
    random.Random(1).shuffle(shared.buf)
    note("")


def writes(shared):
    shared.buf[0] = 1


@pytest.mark.parametrize("way", [searched, nested, text, pointed, shuffled])
def test_who_gets_there_unseen_is_named(way):
    verdict = explore(segment(2), {"alice": way, "bob": writes}, outcome=seen)
    assert verdict.status == "unknown", str(verdict)
    where = f"{way.__name__} (test_memory_unseen.py:{way.__code__.co_firstlineno + 1})"
    told = [one for one in verdict.uncontrolled if one.startswith("alice: ")]
    assert told == [f"alice: {where} reaches memory that processes share, {NOT_UNDER_CONTROL}"], verdict.uncontrolled


def to_a_file(shared):
    with open("copy", "wb") as file:
        file.write(shared.buf[0:1])


def to_a_descriptor(shared):
    fd = os.open("copy", os.O_WRONLY | os.O_CREAT)
    os.write(fd, shared.buf[0:1])


def to_a_descriptor_in_parts(shared):
    fd = os.open("copy", os.O_WRONLY | os.O_CREAT)
    os.writev(fd, [shared.buf[0:1], shared.buf[1:2]])


def from_a_file(shared):
    io.BytesIO(b"\2").readinto(shared.buf)


@pytest.mark.parametrize(
    ("way", "line", "to"),
    [
        (to_a_file, 2, "BufferedWriter.write"),
        (to_a_descriptor, 2, "write"),
        (to_a_descriptor_in_parts, 2, "writev"),
        (from_a_file, 1, "BytesIO.readinto"),
    ],
)
def test_who_hands_it_over_is_named(way, line, to):
    verdict = explore(segment(2), {"alice": way, "bob": writes})
    assert verdict.status == "unknown", str(verdict)
    where = f"{way.__name__} (test_memory_unseen.py:{way.__code__.co_firstlineno + line})"
    assert f"alice: {where} hands memory that processes share to {to}, {NOT_UNDER_CONTROL}" in verdict.uncontrolled


@pytest.mark.parametrize(
    "look",
    [
        lambda view: 1 in view,
        lambda view: [*view],
        lambda view: list(map(int, view)),
        lambda view: b"".join([view, view]),
    ],
)
def test_what_is_gone_through_in_one_step_is_a_doubt(look):
    def reads(shared):
        note(look(shared.buf[0:2]))

    verdict = explore(segment(2), {"alice": reads, "bob": writes}, outcome=seen)
    assert verdict.status == "unknown"
    assert f"<lambda> (test_memory_unseen.py:{look.__code__.co_firstlineno}) goes through memory" in verdict.reason


class Bits(ctypes.Structure):
    _fields_ = (("low", ctypes.c_int, 4), ("high", ctypes.c_int, 4), ("whole", ctypes.c_int))


@pytest.mark.parametrize("by", [lambda bits, name: setattr(bits, name, 1), lambda bits, name: assign(bits, name)])
def test_bits_of_one_number_are_not_written_by_themselves(by):
    verdict = explore(
        lambda: RawValue(Bits), {"alice": lambda bits: by(bits, "low"), "bob": lambda bits: by(bits, "high")}
    )
    assert verdict.status == "unknown"
    assert "reads and writes memory that processes share in one step" in verdict.reason


def test_numbers_beside_bits_are():
    def whole(bits):
        bits.whole = 1

    verdict = explore(lambda: RawValue(Bits), {"alice": whole, "bob": whole})
    assert verdict.status == "holds", str(verdict)


def assign(bits, name):
    if name == "low":
        bits.low = 1
    else:
        bits.high = 1


def test_a_race_is_found_even_so():
    def add(shared):
        re.search(b"\1", shared.buf)
        shared.buf[0] += 1

    verdict = explore(segment(1), both(add), outcome=lambda shared: shared.buf[0], allowed={2})
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome 1 (allowed: 2)")


def test_a_fault_of_the_program_itself_is_one():
    def fails(shared):
        shared.buf[0] = 1
        os.kill(os.getpid(), signal.SIGSEGV)

    verdict = explore(segment(1), {"alice": fails})
    assert (verdict.status, verdict.failure.message) == ("fails", "alice was killed by SIGSEGV")


# ------------------------------------------------------------ what the system would not be let into, and only says so


class Views:
    """A sequence of buffers that is neither a list nor a tuple."""

    def __init__(self, *views):
        self.views = views

    def __len__(self):
        return len(self.views)

    def __getitem__(self, position):
        return self.views[position]


def written_in_parts(shared, fd):
    os.writev(fd, Views(b"x", shared.buf[0:2]))


def read_into_parts(shared, fd):
    os.preadv(fd, Views(shared.buf[0:2]), 0)


def read_into_a_cast(shared, fd):
    with open(fd, "rb", buffering=0, closefd=False) as file:
        file.readinto(memoryview(shared.buf)[0:2].cast("B"))


def hands_over(way):
    def run(shared):
        fd = os.open("data", os.O_RDWR)
        try:
            way(shared, fd)
        except OSError:
            note("refused")
        os.close(fd)

    return run


def segment_and_file():
    Path("data").write_bytes(b"\5\5")
    return SharedMemory(create=True, size=2)


def is_refused(shared):
    return Path("seen").exists()


@pytest.mark.parametrize("way", [written_in_parts, read_into_parts, read_into_a_cast])
def test_what_the_system_would_refuse_is_named(way):
    verdict = explore(segment_and_file, {"alice": hands_over(way), "bob": writes}, outcome=is_refused)
    assert (verdict.status, set(verdict.outcomes)) == ("unknown", {False}), str(verdict)
    assert "hands memory that processes share to" in " ".join(verdict.uncontrolled), verdict.uncontrolled


def test_what_answers_for_itself_is_not_asked():
    class Answers:
        def __getattr__(self, name):
            Path("asked").write_text(name)
            raise AttributeError(name)

        @property
        def __class__(self):
            Path("asked").write_text("class")
            return int

    def looks(shared):
        shared.buf[0] = 1
        things = [Answers()]
        things.append(Answers())
        id(things[0])

    verdict = explore(segment(2), {"alice": looks, "bob": writes}, outcome=lambda _: Path("asked").exists())
    assert set(verdict.outcomes) == {False}, str(verdict)
