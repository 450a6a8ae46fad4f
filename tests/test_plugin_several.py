"""A test that explores several times: which exploration a witness belongs to; and mistakes in a test's call."""

import plugin_sources as sources
import pytest
from plugin_sources import FAST, failing, inprocess, replay_command, section

pytestmark = pytest.mark.usefixtures("quiet_environment")

SEVERAL = (
    sources.TEST
    + """

def twice(counter):
    increment(counter)
    increment(counter)


def test_several():
    others = {"eve": increment, "mallory": increment}
    lab.explore(Counter, others, schedules=20, check=lambda counter: counter.value == 2).assert_fails()
    lab.explore(Counter, [twice, increment], schedules=5).assert_no_failure()
    explored().assert_no_failure()
    print("the end")
"""
)


def test_of_several_explorations_the_one_that_failed_is_replayed_and_the_others_explored(pytester):
    pytester.makepyfile(test_x=SEVERAL)
    report, _ = failing(pytester, "test_x.py::test_several")
    assert report[-2] == "E           call       exploration 3 of this target, test_x.py:17"
    command = replay_command(report)
    result = inprocess(pytester, command)
    result.assert_outcomes(failed=1)
    assert "E           replay     fails again: outcome 1 (allowed: 2)" in result.outlines
    assert "race-lab replay" not in result.stdout.str()  # the failed test has shown it
    pytester.makepyfile(test_x=SEVERAL.replace("return lab.explore(Counter, [", "return lab.explore(Counter, [print, "))
    result = inprocess(pytester, command)
    result.assert_outcomes(failed=1)
    assert [line for line in result.outlines if line.startswith("E  ")] == [
        "E       lab.errors.WitnessError: witness: it has the actors alice, bob, this program has alice, bob, carol; "
        "it belongs to another scenario, test or exploration (it was recorded at test_x.py:17)"
    ]


def test_after_a_repair_the_others_still_have_their_say(pytester):
    pytester.makepyfile(test_x=SEVERAL)
    command = replay_command(failing(pytester, "test_x.py::test_several")[0])
    repaired = SEVERAL.replace("allowed={2}", "allowed={1, 2}")
    pytester.makepyfile(test_x=repaired)
    result = inprocess(pytester, f"{command} -s")
    result.assert_outcomes(passed=1)
    assert "the end" in result.stdout.str()
    assert section(result, "race-lab replay")[:2] == [
        "UNKNOWN  test_x.py::test_several      no longer fails: all 4 steps were taken without the failure",
        "",
    ]
    pytester.makepyfile(test_x=repaired.replace('print("the end")', "explored().assert_fails()"))
    result = inprocess(pytester, command)
    result.assert_outcomes(failed=1)
    assert "E       AssertionError: holds: all 4 classes of schedules" in result.stdout.str()


def test_explorations_are_counted_anew_in_every_test(pytester):
    pytester.makepyfile(
        test_x=sources.TEST.replace("test_no_failure():", "test_no_failure(made):")
        + "\n\n@pytest.fixture\ndef made():\n    explored()\n\n\ndef test_calls():\n"
        "    assert [explored().witness.call for _ in range(2)] == [1, 2]\n"
        "    assert explored().witness.called == 'test_x.py:17'\n"
    )
    result = pytester.runpytest_inprocess("-k", "no_failure or calls", *FAST)
    result.assert_outcomes(failed=1, passed=1, deselected=5)
    assert "E           call       exploration 2 of this target, test_x.py:17" in result.outlines


@pytest.mark.parametrize("door", ["explore", "hammer"])
def test_a_mistake_in_a_call_is_shown_with_the_persons_own_lines_only(pytester, door):
    pytester.makepyfile(test_x=f"import lab\n\n\ndef test_it():\n    lab.{door}(list, [])\n")
    result = pytester.runpytest_inprocess()
    assert [line for line in result.outlines if line.startswith(("E ", ">", "test_x.py:"))] == [
        f">       lab.{door}(list, [])",
        "E       lab.errors.InvalidValue: actors is empty: give at least one function of the state",
        "test_x.py:5: InvalidValue",
    ]
    assert not [line for line in result.outlines if "errors.py" in line or "explorer.py" in line]


def test_ctrl_c_tells_how_far_an_exploration_was_though_its_output_is_captured(pytester):
    pytester.makepyfile("""
        import os, signal, lab
        def interrupt(state):
            if len(seen) == 7:
                os.kill(os.getpid(), signal.SIGINT)
            seen.append(1)
        seen = []
        def test_it():
            lab.explore(list, [interrupt, lambda state: state.append(1)], strategy="random")
    """)
    result = pytester.runpytest_subprocess("-q")
    result.stdout.re_match_lines(
        [r"lab: \S+::test_it: interrupted after \d+\.\d s: no failure in \d+ schedules?$", r"!+ KeyboardInterrupt !+"]
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
