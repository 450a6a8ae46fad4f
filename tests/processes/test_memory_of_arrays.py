"""Memory that processes share as the arrays of numpy, and files that numpy uses by itself."""

from multiprocessing import RawArray
from pathlib import Path

import pytest

import lab
from tests.processes.programs import both
from tests.processes.test_memory import explore, note, seen, segment
from tests.processes.test_memory_unseen import hands_over, is_refused, segment_and_file

numpy = pytest.importorskip("numpy")  # which nothing of the lab needs, so that it is not installed with it


def array(shared):
    return numpy.ndarray((2,), dtype=numpy.uint8, buffer=shared.buf)


def first(shared):
    return shared.buf[0]


def writes(shared):
    array(shared)[0] = 1
    array(shared)[1] = 1


def test_elements():
    def reads(shared):
        note(int(array(shared)[1]) * 10 + int(array(shared)[0]))

    verdict = explore(segment(2), {"alice": writes, "bob": reads}, outcome=seen)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"0", "1", "11"}), str(verdict)


def adds(values):
    values += 1


def adds_by_a_function(values):
    numpy.add(values, 1, out=values)


def adds_by_another_function(values):
    numpy.add.at(values, [0, 1], 1)


@pytest.mark.parametrize("way", [adds, adds_by_a_function, adds_by_another_function])
@pytest.mark.parametrize("view", [array, lambda shared: numpy.frombuffer(shared.buf, dtype=numpy.uint8)])
def test_what_reads_and_writes_in_one_call_is_no_step(way, view):
    verdict = explore(segment(2), both(lambda shared: way(view(shared))), outcome=first)
    assert verdict.status == "unknown", str(verdict)
    assert "reads and writes memory that processes share in one step" in verdict.reason


def test_what_reads_and_writes_under_a_lock_is_explored():
    def adds_one(shared):
        shared[0] += 1

    verdict = explore(lambda: RawArray("B", 2), both(lambda shared: adds_one(numpy.frombuffer(shared, numpy.uint8))))
    assert verdict.status == "holds", str(verdict)


def test_records_tell_their_own_attributes():
    def adds_one(shared):
        values = numpy.recarray((1,), dtype=[("x", "u1"), ("y", "u1")], buf=shared.buf)
        values.x[0] = values.x[0] + 1

    verdict = explore(segment(2), both(adds_one), outcome=first, allowed={2})
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome 1 (allowed: 2)"), str(verdict)


# ------------------------------------------------------------ files that numpy reads and writes by itself


def appends(word):
    def run(_):
        with open("log", "ab") as file:
            for letter in word:
                numpy.frombuffer(letter, numpy.uint8).tofile(file)

    return run


def measures(_):
    note(len(numpy.fromfile("log", dtype=numpy.uint8)))


@pytest.mark.parametrize("on", ["processes", "threads"])
def test_files_that_it_writes_are_named(on, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    actors = {"alice": appends([b"a", b"A"]), "bob": appends([b"b", b"B"])}
    verdict = lab.explore(lambda: Path("log").write_bytes(b""), actors, on=on, strategy="dpor", seconds=60)
    assert verdict.status == "unknown", str(verdict)
    assert "tofile" in verdict.reason


def test_files_that_it_reads_are_named():
    verdict = explore(lambda: Path("log").touch(), {"alice": appends([b"a"]), "bob": measures}, outcome=seen)
    assert verdict.status == "unknown", str(verdict)
    assert "numpy.fromfile" in verdict.reason or "tofile" in verdict.reason


# ------------------------------------------------------------ handed to the system


def read_into(shared, fd):
    with open(fd, "rb", buffering=0, closefd=False) as file:
        file.readinto(array(shared))


def written(shared, fd):
    with open(fd, "wb", buffering=0, closefd=False) as file:
        file.write(array(shared))


@pytest.mark.parametrize("way", [read_into, written])
def test_what_the_system_would_refuse_is_named(way):
    verdict = explore(segment_and_file, {"alice": hands_over(way), "bob": writes}, outcome=is_refused)
    assert (verdict.status, set(verdict.outcomes)) == ("unknown", {False}), str(verdict)
    assert "memory that processes share" in " ".join(verdict.uncontrolled), verdict.uncontrolled
