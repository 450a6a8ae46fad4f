"""`--lab-interleave N`: ordinary tests, N copies of each at once."""

import ast

import pytest
from plugin_sources import inprocess, replay_command, section

pytestmark = pytest.mark.usefixtures("quiet_environment")

HEAD = """\
import unittest

import pytest


class Desk:
    def __init__(self):
        self.last = 0
        self.given = []

    def take(self):
        number = self.last + 1
        self.last = number
        return number


@pytest.fixture
def desk():
    return Desk()


"""
RACY = """\
def test_racy(desk):
    ticket = desk.take()
    assert ticket not in desk.given, "given before"
    desk.given.append(ticket)
"""
TOLD = "exception: AssertionError: given before left copy "


def run(pytester, source, *options):
    pytester.makepyfile(test_x=HEAD + source)
    return pytester.runpytest_inprocess("--lab-interleave", "2", *options)


def test_without_the_option_a_test_is_run_as_ever(pytester):
    pytester.makepyfile(test_x=HEAD + RACY)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_race_between_two_copies_is_reported_and_replayed(pytester):
    result = run(pytester, RACY)
    result.assert_outcomes(failed=1)
    report = section(result, "test_racy")
    assert report[0].startswith("fails: AssertionError: given before left copy ")
    assert report[2].startswith(f"FAILS  test_x.py::test_racy      {TOLD}")
    command = replay_command(report)
    assert command.startswith('pytest "test_x.py::test_racy" --lab-replay .lab/test_x-test_racy-')
    again = inprocess(pytester, command)  # which needs no option for the copies
    again.assert_outcomes(failed=1)
    assert any("fails again: AssertionError: given before left copy " in line for line in section(again, "test_racy"))
    pytester.makepyfile(test_x=HEAD + RACY.replace("ticket not in desk.given", "ticket"))
    repaired = inprocess(pytester, command)
    assert "(changed since: test_racy)" in repaired.stdout.str()


def test_the_number_may_stand_in_the_ini_file(pytester):
    pytester.makeini("[pytest]\nlab_interleave = 3\n")
    pytester.makepyfile(test_x=HEAD + "def test_it():\n    print('called')\n    assert False\n")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    assert "AssertionError: assert False left copy 1" in section(result, "test_it")[0]


def test_every_kind_of_plain_test_is_run_in_copies(pytester):
    source = (
        "calls = []\n\n"
        "@pytest.mark.parametrize('number', [5, 6])\n"
        "def test_parametrized(number, tmp_path):\n    calls.append(number)\n    assert tmp_path.is_dir()\n\n"
        "class TestGroup:\n    def test_method(self):\n        calls.append('method')\n\n"
        "class TestUnit(unittest.TestCase):\n"
        "    def setUp(self):\n        calls.append('setUp')\n"
        "    def test_unit(self):\n        calls.append('unit')\n        self.assertIn('setUp', calls)\n\n"
        "def test_last(request):\n"
        "    request.config.told = {one: calls.count(one) for one in [5, 6, 'method', 'setUp', 'unit']}\n"
        "    print(request.config.told)\n"
    )
    result = run(pytester, source, "-s", "--lab-schedules", "3")
    result.assert_outcomes(passed=5)
    line = next(line for line in result.outlines if "{" in line)
    told = ast.literal_eval(line[line.index("{") :])
    assert told.pop("setUp") == 1
    assert all(count >= 6 and count % 2 == 0 for count in told.values())


def test_a_race_in_a_unittest_method_is_reported(pytester):
    source = (
        "class TestUnit(unittest.TestCase):\n    def setUp(self):\n        self.desk = Desk()\n\n"
        "    def test_unit(self):\n        ticket = self.desk.take()\n"
        "        assert ticket not in self.desk.given, 'given before'\n        self.desk.given.append(ticket)\n"
    )
    result = run(pytester, source)
    result.assert_outcomes(failed=1)
    assert any(TOLD in line for line in result.outlines)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("pytest.skip('not today')", {"skipped": 1}),
        ("pytest.importorskip('no_such_module')", {"skipped": 1}),
        ("raise unittest.SkipTest('not today')", {"skipped": 1}),
        ("pytest.xfail('known')", {"xfailed": 1}),
        ("pytest.fail('wrong')", {"failed": 1}),
        ("pass", {"passed": 1}),
    ],
)
def test_what_a_test_says_of_itself_counts(pytester, body, outcome):
    run(pytester, f"def test_it():\n    {body}\n").assert_outcomes(**outcome)


def test_marks_count(pytester):
    source = f"@pytest.mark.xfail(reason='racy', strict=True)\n{RACY}\n@pytest.mark.skip\ndef test_no():\n    0 / 0\n"
    run(pytester, source).assert_outcomes(xfailed=1, skipped=1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "async def test_it():\n    pass\n",
            "--lab-interleave 2: test_it() is an async function, and only plain functions can be interleaved yet; "
            "deselect it",
        ),
        (
            "from hypothesis import given, strategies\n\n@given(strategies.none())\ndef test_it(nothing):\n    pass\n",
            "--lab-interleave 2: test_it() is run by Hypothesis, which cannot run one test twice at once; deselect it",
        ),
        (
            "import lab\n\ndef test_it():\n    lab.explore(list, [len])\n",
            "explore() was called inside an exploration; call it from outside the actors, setup and check",
        ),
    ],
    ids=["async", "hypothesis", "nested"],
)
def test_what_cannot_be_interleaved_is_refused_in_one_line(pytester, source, message):
    result = run(pytester, source)
    result.assert_outcomes(failed=1)
    assert [line for line in section(result, "test_it") if line] == [message]


def test_a_test_that_fails_without_any_race_says_so(pytester):
    result = run(pytester, "def test_it(desk):\n    assert desk.take() == 1\n")
    result.assert_outcomes(failed=1)
    text = " ".join(line.strip() for line in section(result, "test_it"))
    assert "alone      one more call fails by itself (AssertionError: assert " in text
    assert "this may be no race: the copies share the fixtures, which are not made anew for each call" in text
    assert not any("alone  " in line for line in run(pytester, RACY).outlines)


def test_two_workers(pytester):
    pytester.makepyfile(test_x=HEAD + RACY)
    result = pytester.runpytest_subprocess("-n", "2", "--lab-interleave", "2", timeout=60)
    result.assert_outcomes(failed=1)
    assert any(TOLD in line for line in result.outlines)


def test_what_did_not_run_at_once_is_told(pytester):
    pytester.makepyfile(test_x="def test_it():\n    pass\n")
    assert "at once" not in pytester.runpytest_inprocess("--lab-interleave", "2").stdout.str()
    for number in range(7):
        pytester.makepyfile(**{f"documented_{number}": '"""\n>>> 1 + 1\n2\n"""\n'})
    for options in ((), ("-v",), ("-q",)):
        result = pytester.runpytest_inprocess("--lab-interleave", "2", "--doctest-modules", *options)
        result.assert_outcomes(passed=8)
        names = ", ".join(f"documented_{number}.py::documented_{number}" for number in range(5))
        assert f"1 of 8 tests ran as 2 copies at once; not: {names}, 2 more" in result.outlines
    result = pytester.runpytest_inprocess("--lab-interleave", "2", "--doctest-modules", "documented_1.py")
    assert "0 of 1 tests ran as 2 copies at once; not: documented_1.py::documented_1" in result.outlines
    result = pytester.runpytest_inprocess("--lab-interleave", "2", "-k", "nothing")
    assert "0 of 0 tests ran as 2 copies at once, so nothing was tested for races" in result.outlines
