"""Several file descriptors of one open file, which have one lock and one position."""

import fcntl
import os
from contextlib import suppress
from multiprocessing.sharedctypes import RawArray
from pathlib import Path

import pytest

import lab
from tests.processes.programs import both


def zero():
    Path("n").write_bytes(b"\0")


def explore(actors, setup=zero, **options):
    options = {"outcome": lambda _: Path("n").read_bytes()[0], **options}
    return lab.explore(setup, actors, on="processes", strategy="dpor", seconds=60, **options)


def add(fd):
    os.pwrite(fd, bytes([os.pread(fd, 1, 0)[0] + 1]), 0)


def doubled(fd):
    return os.dup(fd)


def doubled_as(fd):
    return os.dup2(fd, 40)


def doubled_by_command(fd):
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 40)


@pytest.mark.parametrize("double", [doubled, doubled_as, doubled_by_command])
def test_a_lock_stays_until_the_last_of_them_is_closed(double):
    def holds(_):
        fd = os.open("n", os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX)
        another = double(fd)
        os.close(fd)
        add(another)
        os.close(another)

    verdict = explore(both(holds))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {2}), str(verdict)


def test_a_number_that_is_used_again_has_no_part_in_the_lock():
    def holds(_):
        fd = os.open("n", os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX)
        another = os.dup(fd)
        os.close(fd)
        again = os.open("n", os.O_RDWR)
        assert again == fd
        with pytest.raises(BlockingIOError):
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(again)
        add(another)
        os.close(another)

    verdict = explore(both(holds))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {2}), str(verdict)


def test_a_lock_is_given_back_by_any_of_them():
    def gives_back(_):
        fd = os.open("n", os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX)
        another = os.dup(fd)
        os.close(fd)
        fcntl.flock(another, fcntl.LOCK_UN)
        add(another)
        os.close(another)

    verdict = explore(both(gives_back))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)


@pytest.mark.parametrize("lock", ["flock", "lockf"])
def test_a_number_that_is_taken_for_a_double_was_closed(lock):
    def loses_it(_):
        fd = os.open("n", os.O_RDWR)
        getattr(fcntl, lock)(fd, fcntl.LOCK_EX)
        other = os.open("n", os.O_RDWR)
        os.dup2(other, fd)
        add(other)
        os.close(other)
        os.close(fd)

    verdict = explore(both(loses_it))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)


def appended():
    zero()
    return os.open("n", os.O_RDWR)


def test_the_flags_of_an_open_file_are_those_of_all_who_have_it():
    def appends(fd):
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)

    def writes(fd):
        os.write(fd, b"xx")
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, b"y")

    def looks(fd):
        Path("seen").write_text(str(bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND)))

    made = {"setup": appended, "teardown": os.close}
    verdict = explore({"alice": appends, "bob": writes}, outcome=lambda _: Path("n").read_bytes(), **made)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {b"yx", b"xxy", b"\0xxy"}), str(verdict)
    verdict = explore({"alice": appends, "bob": looks}, outcome=lambda _: Path("seen").read_text(), **made)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"True", "False"}), str(verdict)


def test_flags_that_are_no_part_of_the_open_file_are_the_process_own():
    def marks(fd):
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.fcntl(fd, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)

    verdict = explore(both(marks), setup=appended, teardown=os.close)
    assert (verdict.status, verdict.schedules) == ("holds", 1), str(verdict)


def test_what_else_is_asked_of_a_descriptor_is_named():
    def leases(fd):
        fcntl.fcntl(fd, fcntl.F_GETLEASE)

    verdict = explore(both(leases), setup=appended, teardown=os.close)
    assert verdict.status == "unknown"
    assert "calls fcntl.fcntl, which is not under control" in verdict.reason


# ------------------------------------------------------------ os.lockf


def locked(fd):
    os.lockf(fd, os.F_LOCK, 0)


def locked_when_free(fd):
    while True:
        try:
            os.lockf(fd, os.F_TLOCK, 0)
        except OSError:
            continue
        return


def locked_behind(fd):
    os.lseek(fd, 1, os.SEEK_SET)
    os.lockf(fd, os.F_LOCK, -1)


@pytest.mark.parametrize("way", [locked, locked_when_free, locked_behind])
def test_locks_of_os(way):
    def holds(_):
        fd = os.open("n", os.O_RDWR)
        way(fd)
        add(fd)
        os.close(fd)

    verdict = explore(both(holds))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {2}), str(verdict)


def test_locks_of_os_are_those_of_fcntl_and_are_given_back():
    def holds(_):
        fd = os.open("n", os.O_RDWR)
        os.lockf(fd, os.F_LOCK, 1)
        os.lockf(fd, os.F_ULOCK, 1)
        add(fd)
        os.close(fd)

    def by_fcntl(_):
        with open("n", "r+b", buffering=0) as file:
            fcntl.lockf(file, fcntl.LOCK_EX, -1, 1)
            add(file.fileno())

    verdict = explore({"alice": holds, "bob": by_fcntl})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)


# ------------------------------------------------------------ many of them at once


def test_a_lock_is_given_back_with_a_range_of_descriptors():
    def loses_it(_):
        fd = os.open("n", os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX)
        another = os.open("n", os.O_RDWR)
        os.closerange(fd, fd + 1)
        add(another)
        os.close(another)

    verdict = explore(both(loses_it))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)


def closes_a_range():
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def closes_one_after_the_other():
    for fd in range(3, 256):
        with suppress(OSError):
            os.close(fd)


def takes_numbers():
    fd = os.open("n", os.O_RDONLY)
    for number in range(3, 64):
        os.dup2(fd, number)


@pytest.mark.parametrize("way", [closes_a_range, closes_one_after_the_other, takes_numbers])
@pytest.mark.parametrize("forks", [False, True], ids=["itself", "in a process that it has forked"])
def test_who_closes_all_that_is_open_goes_on(way, forks):
    def goes_on(_):
        if forks and os.fork():
            os.wait()
            return
        way()
        fd = os.open("n", os.O_RDWR)
        add(fd)
        if forks:
            os._exit(0)

    verdict = explore({"alice": goes_on})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1}), str(verdict)


def test_who_closes_all_that_is_open_and_shares_memory():
    def goes_on(values):
        closes_a_range()
        takes_numbers()
        values[0] += 1

    def make():
        zero()
        return RawArray("i", 1)

    verdict = explore(both(goes_on), setup=make, outcome=lambda values: values[0])
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)
