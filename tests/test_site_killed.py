"""A build of the site that is ended, in whatever way, leaves nothing: no process that goes on, no file of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.site.building import build

ENDLESS = '''
"""Endless: one of the processes never comes to its next operation.

Told so that there is something to build.
"""

from pathlib import Path

from lab import Scenario

HERE = Path(__file__).with_suffix(".begun")


def spin(state):
    HERE.touch()
    while True:
        pass


def look(state):
    Path("seen").touch()


SCENARIO = Scenario(
    bug_class="atomicity violation",
    unsafe=dict,
    fixed=dict,
    actors={"spin": spin, "look": look},
    on="processes",
    outcome=lambda state: 0,
    allowed={1: "never"},
)
'''


@pytest.fixture
def folder(tmp_path):
    """Of as many scenarios as there may be workers, so that each is busy when the build is killed."""
    folder = tmp_path / "scenarios" / "liveness"
    folder.mkdir(parents=True)
    for number in range(os.cpu_count() or 1):
        (folder / f"endless_{number}.py").write_text(ENDLESS, encoding="utf-8")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that the one that started it is gone")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_build_leaves_nothing(tmp_path, folder, how):
    (tmp_path / "tmp").mkdir()
    environment = dict(os.environ, TMPDIR=str(tmp_path / "tmp"), OF_THIS_TEST=str(tmp_path))
    command = [str(Path(sys.executable).with_name("lab")), "site", str(tmp_path / "site")]
    command += ["--scenarios", str(folder.parent)]
    building = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: [*folder.glob("*.begun")] and any((tmp_path / "tmp").iterdir()), 60)
        building.send_signal(how)
        assert building.wait(30) == -how
        wait_until(lambda: not of_this(tmp_path), 10)
        wait_until(lambda: not any((tmp_path / "tmp").iterdir()), 10)
    finally:
        for pid in of_this(tmp_path):
            os.kill(pid, signal.SIGKILL)
        building.wait()
    assert [file.name for file in (tmp_path / "site").iterdir()] == [".race-lab-site"]
    assert not any((tmp_path / "site" / ".race-lab-site").iterdir())


def test_a_build_after_one_that_was_killed_begins_where_that_was(tmp_path, folder):
    """Half a site is none to be refused, and what was written beside a page is removed."""
    for file in folder.iterdir():
        file.unlink()
    made = tmp_path / "site"
    (made / ".race-lab-site").mkdir(parents=True)
    for left in (made / ".writing-0123456789abcdef", made / ".race-lab-site" / ".writing-fedcba9876543210"):
        left.write_text("half a pa", encoding="utf-8")
        os.utime(left, (0, 0))
    (made / ".writing-0000000000000000").touch()  # by another build, which goes on
    assert build(made, folder.parent).broken == []
    assert [file.name for file in made.rglob(".writing-*")] == [".writing-0000000000000000"]


def wait_until(reached, seconds):
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.02)


def of_this(mark):
    """The living processes that a command with this mark in its environment has started."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_of(pid, f"OF_THIS_TEST={mark}")]


def is_of(pid, mark):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
