"""What the library keeps for itself around files is no hindrance to a proof, and hides nothing."""

import csv
import io
import os
import pathlib
import pickle
import shutil
import sys
import tempfile
import weakref
from types import SimpleNamespace

import pytest

import lab
from tests.files.places import contents, counter, explored

CARRIERS = pytest.mark.parametrize("carrier", ["greenlet", "thread"])


@CARRIERS
@pytest.mark.parametrize("kept", [True, False])
def test_temporary_files_and_directories_are_steps_like_others(carrier, kept):
    def replace(state):
        with tempfile.NamedTemporaryFile("w", dir=".", delete=not kept) as file:
            file.write("2")
            file.flush()
            if kept:
                os.replace(file.name, "n")

    def use(state):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            shutil.copyfile("n", f"{folder}/copy")
            pathlib.Path("saw").write_text(pathlib.Path(f"{folder}/copy").read_text())

    verdict = explored(counter, {"alice": replace, "bob": use}, outcome=contents("saw"), carrier=carrier)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"0", "2"} if kept else {"0"})


def test_a_temporary_file_of_two_is_closed_and_removed_once():
    def setup():
        return tempfile.NamedTemporaryFile("w")  # actors close it

    def close(file):
        file.close()

    verdict = lab.explore(setup, {"alice": close, "bob": close}, seconds=60, trace=("tempfile",))
    if sys.version_info < (3, 12):  # both may find that nobody has closed it yet
        assert verdict.failure.message.startswith("FileNotFoundError: ")
    else:  # where who comes second leaves it at that
        assert verdict.failure is None


def test_a_finalizer_runs_once():
    class Thing:
        pass

    def setup():
        state = SimpleNamespace(thing=Thing(), log=[])
        state.finalizer = weakref.finalize(state.thing, state.log.append, 1)
        return state

    def call(state):
        state.finalizer()

    def detach(state):
        state.finalizer.detach()

    verdict = lab.explore(setup, {"alice": call, "bob": call}, outcome=lambda state: tuple(state.log), seconds=60)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(1,)})
    verdict = lab.explore(setup, {"alice": call, "bob": detach}, outcome=lambda state: tuple(state.log), seconds=60)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(1,), ()})


def test_rows_and_pickles_are_written_by_steps_of_their_files():
    def rows(state):
        with open("rows", "a", newline="") as file:
            csv.writer(file).writerow([1, "a"])

    def pickles(state):
        with open("pickle", "wb") as file:
            pickle.dump([1, {"a": None}], file)

    def look(state):
        pathlib.Path("saw").write_text(f"{os.path.exists('rows')} {os.path.exists('pickle')}")

    actors = {"alice": rows, "bob": pickles, "carol": look}
    verdict = explored(counter, actors, outcome=contents("saw"))
    assert (verdict.status, len(verdict.outcomes)) == ("holds", 4)


@pytest.mark.parametrize("way", ["csv", "pickle"])
def test_what_is_written_into_memory_in_one_step_is_no_part_of_a_proof(way):
    def write(state):
        if way == "csv":
            csv.writer(state.text).writerow([1])
        else:
            pickle.dump([1], state.bytes)

    def setup():
        return SimpleNamespace(text=io.StringIO(), bytes=io.BytesIO())

    verdict = lab.explore(setup, {"alice": write, "bob": write}, strategy="dpor", seconds=60)
    assert verdict.status == "unknown"
