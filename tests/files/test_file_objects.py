"""File objects that threads have in common."""

import os
import shutil
import tempfile
from types import SimpleNamespace

import pytest

import lab
from tests.files.places import counter

CARRIERS = pytest.mark.parametrize("carrier", ["greenlet", "thread"])


def log():
    folder = tempfile.mkdtemp()
    return SimpleNamespace(folder=folder, file=open(f"{folder}/log", "a"))  # closed by `log_closed`


def log_closed(state):
    state.file.close()
    shutil.rmtree(state.folder)


def lines(state):
    with open(f"{state.folder}/log") as file:
        return file.read()


@CARRIERS
def test_one_method_of_a_file_object_is_one_step(carrier):
    def write(text):
        def run(state):
            state.file.write(f"{text}\n")
            state.file.flush()

        return run

    verdict = lab.explore(
        log, {"alice": write("a"), "bob": write("b")}, outcome=lines, teardown=log_closed, carrier=carrier, seconds=60
    )
    verdict.assert_holds()
    assert set(verdict.outcomes) == {"a\nb\n", "b\na\n"}


@CARRIERS
def test_to_print_into_a_file_object_takes_several(carrier):
    def write(text):
        return lambda state: print(text, file=state.file, flush=True)

    verdict = lab.explore(
        log, {"alice": write("a"), "bob": write("b")}, outcome=lines, teardown=log_closed, carrier=carrier, seconds=60
    )
    verdict.assert_holds()
    assert set(verdict.outcomes) == {"a\nb\n", "b\na\n", "ab\n\n", "ba\n\n"}


def test_a_file_object_that_is_read_by_two_is_no_proof():
    def setup():
        counter()
        return open("n")  # closed by the teardown

    def teardown(file):
        file.close()
        shutil.rmtree(os.getcwd())

    def made():
        os.chdir(tempfile.mkdtemp())
        return setup()

    def write(file):
        with open("n", "a") as other:
            other.write("1")

    verdict = lab.explore(made, {"alice": lambda file: file.read(), "bob": write}, teardown=teardown, strategy="dpor")
    assert verdict.status == "unknown"
    assert "does several operations of the system in one step, on a file object that others use" in verdict.reason
