"""A scenario and a test as a person writes them, and what the tests of the plugin do with what pytest says of them."""

import shlex

FILE = "scenarios/atomicity/lost_update.py"
FAST = ("--lab-schedules", "30")

SCENARIO = '''\
"""Lost update: two threads each add one, and the counter says one.

The story.
"""

import threading

from lab import Scenario


class Unsafe:
    def __init__(self):
        self.value = 0

    def increment(self):
        current = self.value
        self.value = current + 1


class Fixed(Unsafe):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def increment(self):
        with self.lock:
            super().increment()


def add_one(counter):
    counter.increment()


def final_value(counter):
    return counter.value


SCENARIO = Scenario(
    bug_class="atomicity violation",
    cwe=(366, 362),
    unsafe=Unsafe,
    fixed=Fixed,
    actors={"alice": add_one, "bob": add_one},
    outcome=final_value,
    allowed={2: "both counted"},
    forbidden={1: "one lost"},
    seen_in=("many a counter",),
    hint="What happens between the lines?",
    review=("Read-then-write on anything shared.",),
)
'''

BROKEN = SCENARIO.replace("fixed=Fixed", "fixed=Unsafe")
"""Its fixed variant fails."""

HARMLESS = SCENARIO.replace("unsafe=Unsafe", "unsafe=Fixed")
"""Its unsafe variant does not fail."""

REPAIRED = BROKEN.replace("self.value = current + 1", "self.value = current + 2 - current")
"""The same steps as `BROKEN`, and right."""

TEST = """\
import pytest

import lab


class Counter:
    def __init__(self):
        self.value = 0


def increment(counter):
    current = counter.value
    counter.value = current + 1


def explored():
    return lab.explore(Counter, [increment, increment], outcome=lambda counter: counter.value, allowed={2})


def test_no_failure():
    explored().assert_no_failure()


def test_holds():
    explored().assert_holds()


@pytest.mark.parametrize("text", ["a b", "$HOME"])
def test_parametrized(text):
    explored().assert_no_failure()


def test_by_hand():
    assert explored().status != "stale"


class TestInAClass:
    def test_method(self):
        explored().assert_no_failure()
"""

REPAIRED_TEST = TEST.replace("counter.value = current + 1", "counter.value = 2")


def section(result, title):
    """The lines below a title of the terminal report, up to the next."""
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if line.strip("=_ ") == title)
    rest = lines[start + 1 :]
    end = next(number for number, line in enumerate(rest) if line.startswith(("===", "___")))
    return rest[:end]


def replay_command(lines):
    """What stands behind "replay" in a report, which has to be its last line."""
    report = "\n".join(lines).rstrip().splitlines()
    label, _, command = report[-1].removeprefix("E").strip().partition(" ")
    assert label == "replay"
    return command.strip()


def inprocess(pytester, command):
    """Run the words of a command line in this process, which is much faster."""
    words = shlex.split(command)
    assert words[0] == "pytest"
    return pytester.runpytest_inprocess(*words[1:])


def failing(pytester, node):
    result = pytester.runpytest_inprocess(node, *FAST)
    result.assert_outcomes(failed=1)
    lines = section(result, node.rpartition("::")[2] if "Class" not in node else "TestInAClass.test_method")
    start = next(number for number, line in enumerate(lines) if line.startswith("E       FAILS"))
    return [line for line in lines[start:] if line.startswith("E ") or line == "E"], lines
