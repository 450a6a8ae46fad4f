"""What an exploration does not do, because it would cost too much: told by counting, never by a clock."""

import subprocess
import sys

FIRST = """
import lab
from lab import discovery

class Counter:
    value = 0

def add(counter):
    counter.value += 1

lab.explore(Counter, [add, add], schedules=10)
files = {code.co_filename for code, *_ in discovery._CACHE._known}
print(*(file for file in sorted(files) if file != __file__))
"""


def test_a_first_exploration_instruments_the_program_and_nothing_that_the_lab_works_with(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(FIRST)
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("\n", "")
