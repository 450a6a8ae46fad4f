"""What an exploration does not do, because it would cost too much: told by counting, never by a clock."""

import subprocess
import sys

import pytest

from lab.carriers.actor import Actor, event_of
from lab.operations import SYNC
from lab.strategies import races

FIRST = """
import sys
import lab
from lab import discovery

class Counter:
    value = 0

def one():
    return 1

def add(counter):
    counter.value += one()

told = []
note = discovery.Discovery.note
discovery.Discovery.note = lambda self, code, frame: told.append(code.co_filename) or note(self, code, frame)
lab.explore(Counter, [add, add], schedules=10)
print(len([file for file in told if "bytecode" in file]), "bytecode" in "".join(sys.modules))
files = {code.co_filename for code, *_ in discovery.CACHE._known}
print(*(file for file in sorted(files) if file != __file__))
"""


def test_a_first_exploration_looks_at_the_program_and_at_nothing_that_the_lab_works_with(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(FIRST)
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("0 True\n\n", "")  # of thousands of calls, nobody was told


def lines_run_for(operations, key, turns):
    """How many lines the search for races runs for so many operations of two actors at one place."""
    actors = [Actor(index, name, print, ()) for index, name in enumerate(("main", "alice", "bob"))]
    events = []
    for number in range(operations):
        actor = actors[1 + number * turns // operations % 2]
        actor.place, actor.writes = (1, key), True
        events.append(event_of(actor, "lock" if key == SYNC else "", key == SYNC))
    lines = 0

    def count(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        return count if frame.f_code.co_filename == races.__file__ else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        found = races.Races(lambda position, who: True, lambda position, who: True).of(actors, events, [])
    finally:
        sys.settrace(before)
    assert found
    return lines


@pytest.mark.parametrize("turns", ["one", "many"])
@pytest.mark.parametrize("key", [SYNC, "value"])
def test_races_of_a_run_four_times_as_long_take_four_times_as_much_work(key, turns):
    short, long = (lines_run_for(count, key, 2 if turns == "one" else count) for count in (250, 1000))
    assert 3.5 < long / short < 4.5


def test_what_is_known_of_the_beginning_of_an_execution_is_not_looked_for_again():
    actors = [Actor(index, name, print, ()) for index, name in enumerate(("main", "alice", "bob"))]
    events = []
    for number in range(400):
        actor = actors[1 + number % 2]
        actor.place, actor.writes = (1, "value"), True
        events.append(event_of(actor, ""))
    found = races.Races(lambda position, who: True, lambda position, who: True)
    known = len(found.of(actors, events, []))
    found.back_to(390)
    looked = []
    found._meet = lambda *arguments: looked.append(arguments[2])  # the position
    found.of(actors, events, [])
    assert known == 399
    assert looked == list(range(390, 400))
