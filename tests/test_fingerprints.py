"""Fingerprints tell which functions have changed since a witness was recorded."""

import sys
from pathlib import Path

import pytest

from lab.trace import Place, Step
from lab.witness import build_name, fingerprint, fingerprints

SOURCE = """\
class Counter:
    def increment(self):
        # a comment
        self.value += 1

    def other(self):
        pass


def outer():
    def inner():
        return 1

    return inner, lambda: 2
"""


def test_a_fingerprint_is_of_the_function_and_not_of_its_comments_or_place(tmp_path):
    file = tmp_path / "counter.py"

    def prints():
        names = ("Counter.increment", "Counter.other", "outer", "outer.<locals>.inner", "outer.<locals>.<lambda>")
        return [fingerprint(str(file), name) for name in names]

    file.write_text(SOURCE)
    before = prints()
    assert all(len(one) == 16 for one in before)
    file.write_text("# moved down\n\n" + SOURCE.replace("# a comment", "# another"))
    assert prints() == before
    file.write_text(SOURCE.replace("+= 1", "+= 2"))
    assert prints()[0] != before[0]
    assert prints()[1:] == before[1:]
    file.write_text(SOURCE.replace("return 1", "return 3"))
    assert [one == old for one, old in zip(prints(), before, strict=True)] == [True, True, False, False, False]


@pytest.mark.parametrize("source", ["def broken(:", "\0", "(" * 100_000])
def test_source_that_cannot_be_read_has_no_fingerprint(tmp_path, source):
    file = tmp_path / "broken.py"
    file.write_text(source)
    assert fingerprint(str(file), "broken") == ""
    assert fingerprint(str(tmp_path / "missing.py"), "f") == ""


def test_the_steps_tell_which_functions_count():
    here = Path(__file__).name
    place = Place(__file__, "test_the_build_is_named", 0, "attribute x", 1)
    assert fingerprints([Step("alice", place, "reads", "x", None)] * 2) == {
        f"{here}::test_the_build_is_named": fingerprint(__file__, "test_the_build_is_named")
    }
    assert fingerprint(__file__, "test_the_build_is_named")


def test_the_build_is_named():
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    assert build_name() == ("gil" if enabled else "free-threaded")
