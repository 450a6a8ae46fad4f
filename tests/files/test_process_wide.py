"""What all of a process shares, and a thread changes for a while: the mode mask, the working directory and the like."""

import locale
import os
import sys
import tempfile

import pytest

import lab
from tests.files.places import in_new_directory, removed


def nothing():
    pass


def secret(state):
    before = os.umask(0o077)
    os.umask(before)


def mask(state):
    found = os.umask(0o022)
    return oct(found)


def set_mask():
    os.umask(0o022)


@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_a_mask_that_is_put_back_by_two(carrier):
    os.umask(before := os.umask(0o027))
    verdict = lab.explore(
        set_mask, {"alice": secret, "bob": secret}, outcome=mask, allowed={"0o22"}, carrier=carrier, seconds=60
    )
    verdict.assert_fails()
    assert verdict.failure.message == "outcome '0o77' (allowed: '0o22')"
    assert next((step.word, step.name, step.value) for step in verdict.witness.trace.steps) == (
        "sets the",
        "mode mask",
        "to 0o77 (was 0o22)",
    )
    assert os.umask(before) == before  # which the executions have put back


def test_a_new_file_goes_by_the_mask_of_all():
    def make(state):
        os.close(os.open("n", os.O_CREAT | os.O_WRONLY, 0o666))

    verdict = lab.explore(
        in_new_directory(set_mask),
        {"alice": secret, "bob": make},
        outcome=lambda state: oct(os.stat("n").st_mode & 0o777),
        teardown=removed,
        seconds=60,
    )
    verdict.assert_holds()
    assert set(verdict.outcomes) == {"0o600", "0o644"}


def test_a_working_directory_that_is_put_back_by_two():
    here = os.getcwd()

    def goes(name):
        def run(state):
            before = os.getcwd()
            os.chdir(name)
            os.chdir(before)

        return run

    def setup():
        os.mkdir("a")
        os.mkdir("b")

    verdict = lab.explore(
        in_new_directory(setup),
        {"alice": goes("a"), "bob": goes("b")},
        outcome=lambda folder: os.path.relpath(os.getcwd(), folder),
        allowed={"."},
        teardown=removed,
        seconds=60,
    )
    verdict.assert_fails()
    assert os.getcwd() == here


def test_the_locale_is_set_by_one_and_read_by_all():
    def sets(state):
        locale.setlocale(locale.LC_ALL, "C")

    verdict = lab.explore(nothing, {"alice": sets, "bob": lambda state: locale.localeconv()}, strategy="dpor")
    assert verdict.status == "unknown"
    assert verdict.reason.endswith("sets the locale, by which C code goes that does not tell")


def test_the_limit_of_recursion_is_one_for_all():
    def deeper(state):
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(before + 100)
        sys.setrecursionlimit(before)

    before = sys.getrecursionlimit()
    verdict = lab.explore(
        nothing,
        {"alice": deeper, "bob": deeper},
        outcome=lambda _: sys.getrecursionlimit() - before,
        allowed={0},
        seconds=5,
    )
    verdict.assert_fails()
    assert sys.getrecursionlimit() == before


def test_temporary_names_are_the_same_in_every_execution():
    def make(state):
        fd, name = tempfile.mkstemp(dir=".")
        os.close(fd)
        names.add(os.path.basename(name))

    names = set()
    lab.explore(in_new_directory(nothing), {"alice": make, "bob": make}, teardown=removed, schedules=5)
    assert names == {"tmp1_000001", "tmp2_000001"}
