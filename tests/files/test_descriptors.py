"""File descriptors, which threads have in common, and what is known of files in other ways."""

import mmap
import os
import pathlib
import shutil
import tempfile
from types import SimpleNamespace

import pytest

import lab
from tests.files.places import contents, counter, explored

CARRIERS = pytest.mark.parametrize("carrier", ["greenlet", "thread"])


def test_a_file_descriptor_has_one_position():
    def setup():
        folder = tempfile.mkdtemp()
        with open(f"{folder}/f", "w") as file:
            file.write("abcd")
        return SimpleNamespace(folder=folder, fd=os.open(f"{folder}/f", os.O_RDONLY), got={})

    def take(name):
        def run(state):
            state.got[name] = os.read(state.fd, 1) + os.read(state.fd, 1)

        return run

    def teardown(state):
        os.close(state.fd)
        shutil.rmtree(state.folder)

    verdict = lab.explore(
        setup,
        {"alice": take("alice"), "bob": take("bob")},
        outcome=lambda state: (state.got["alice"], state.got["bob"]),
        teardown=teardown,
        seconds=60,
    )
    verdict.assert_holds()
    assert set(verdict.outcomes) == {
        (one, other)
        for one, other in ((b"ab", b"cd"), (b"ac", b"bd"), (b"ad", b"bc"))
        for one, other in ((one, other), (other, one))
    }


def test_a_file_descriptor_that_another_one_closes():
    def setup():
        counter()

    def opened():
        os.chdir(tempfile.mkdtemp())
        setup()
        return SimpleNamespace(folder=os.getcwd(), fd=os.open("n", os.O_RDONLY))

    verdict = lab.explore(
        opened,
        {"alice": lambda state: os.close(state.fd), "bob": lambda state: os.read(state.fd, 1)},
        teardown=lambda state: shutil.rmtree(state.folder),
        seconds=60,
    )
    assert verdict.failure.message == "OSError: [Errno 9] Bad file descriptor left bob"


def test_to_use_what_is_closed_is_no_proof():
    def run(state):
        fd = os.open("n", os.O_RDONLY)
        os.close(fd)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.close(fd)  # it may be that of another file by now

    verdict = explored(counter, {"alice": run}, strategy="dpor")
    assert verdict.status == "unknown"
    assert "is not open, or may be another file" in verdict.reason


def test_two_file_descriptors_of_one_open_file():
    def setup():
        os.chdir(tempfile.mkdtemp())
        pathlib.Path("n").write_text("ab")
        fd = os.open("n", os.O_RDONLY)
        return SimpleNamespace(folder=os.getcwd(), fds=(fd, os.dup(fd)), got={})

    def take(number):
        def run(state):
            state.got[number] = os.read(state.fds[number], 1)

        return run

    def teardown(state):
        for fd in state.fds:
            os.close(fd)
        shutil.rmtree(state.folder)

    verdict = lab.explore(
        setup,
        {"alice": take(0), "bob": take(1)},
        outcome=lambda state: (state.got[0], state.got[1]),
        teardown=teardown,
        seconds=60,
    )
    verdict.assert_holds()
    assert set(verdict.outcomes) == {(b"a", b"b"), (b"b", b"a")}


def test_a_file_in_memory_is_no_proof():
    def run(state):
        with open("n", "r+b") as file, mmap.mmap(file.fileno(), 1) as memory:
            memory[0] = 49

    verdict = explored(counter, {"alice": run, "bob": contents("n")}, strategy="dpor")
    assert verdict.status == "unknown"
    assert "makes a mmap.mmap, which is not under control" in verdict.reason


def test_a_file_from_before_is_no_proof(tmp_path):
    path = tmp_path / "n"
    path.write_text("1\n")

    with open(path) as file:
        verdict = lab.explore(
            lambda: file.seek(0), {"alice": lambda _: next(file, None), "bob": contents(path)}, seconds=60
        )
    assert verdict.status == "unknown"


def test_directories_are_removed_as_the_library_does_it():
    def setup():
        os.mkdir("d")
        pathlib.Path("d/n").write_text("")

    def make(state):
        try:
            pathlib.Path("d/m").write_text("")
        except FileNotFoundError:
            pass

    verdict = explored(setup, {"alice": lambda state: shutil.rmtree("d"), "bob": make}, seconds=30)
    verdict.assert_fails()
    assert "Directory not empty" in verdict.failure.message
