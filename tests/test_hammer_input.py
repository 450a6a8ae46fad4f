"""What `hammer` is handed: states that are torn down, interruptions, bad input; and that it ends what it began."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from typing import Any

import pytest
from hammer_programs import (
    ADDERS,
    Box,
    Unsafe,
    leave_by,
    nothing,
    nothing_left_behind,  # noqa: F401 - used by every test
    wait_for_notification,
)

from lab import hammer, keeping
from lab.errors import InvalidType, InvalidValue, LabError
from lab.explorer import explore
from lab.hammering.hammer import _Run
from lab.progress import Progress

# ------------------------------------------------------------ states


def test_every_state_is_torn_down() -> None:
    made: list[Box] = []
    torn: list[Box] = []

    def setup() -> Box:
        made.append(Box())
        return made[-1]

    hammer(setup, [nothing] * 2, rounds=50, teardown=torn.append)
    assert len(made) == 50
    assert set(map(id, torn)) == set(map(id, made))
    made.clear()
    torn.clear()
    hammer(setup, {"alice": leave_by(KeyError("k"))}, rounds=10, teardown=torn.append)
    assert len(torn) == 10


def test_the_state_of_a_hang_is_torn_down_after_its_threads() -> None:
    alive: list[str] = []

    def setup() -> Box:
        return Box(condition=threading.Condition())

    def teardown(state: Box) -> None:
        alive.extend(thread.name for thread in threading.enumerate() if thread.name == "alice")
        raise ValueError("broken")

    verdict = hammer(setup, {"alice": wait_for_notification, "bob": nothing}, teardown=teardown)
    assert alive == []
    assert verdict.status == "fails"
    assert verdict.notes[-1] == "teardown: raised ValueError: broken after the hang"


def test_what_setup_teardown_and_outcome_do_wrong_passes_through() -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        hammer(broken, [nothing])
    with pytest.raises(ZeroDivisionError, match="mine"):
        hammer(Box, [nothing], teardown=broken)
    with pytest.raises(InvalidType, match=r"outcome: .* returned \[\], a list, which cannot be tallied"):
        hammer(Box, [nothing], outcome=lambda state: [])


def test_ctrl_c_ends_everything(capsys: Any) -> None:
    torn: list[Any] = []
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        hammer(Box, {"alice": lambda state: time.sleep(0.5), "bob": nothing}, seconds=20, teardown=torn.append)
    timer.join()
    assert torn
    told = capsys.readouterr().err
    assert re.fullmatch(r"\nlab: interrupted after \d+\.\d s: [\d,]+ rounds hammered, 0 failed\n", told), told


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("lab.progress._PATIENCE", 0.0)
    with Progress(None) as progress:
        progress.show("hammer: 10 of 1,000 rounds, 1 failed", 10)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    streams = sys.stdout, sys.stderr
    with Progress(None) as progress:
        progress.show("hammer: 10 of 1,000 rounds, 1 failed", 10)
        assert (sys.stdout, sys.stderr) == streams  # or the program would be said to have changed them
    assert re.search(r"hammer: 10 of 1,000 rounds, 1 failed, [\d,]+/s, 0 s", capsys.readouterr().err)


def test_progress_takes_one_line_of_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("lab.progress._PATIENCE", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    with Progress(5.0) as progress:
        progress.show("explore: no failure in 12,345 schedules, 678 of about 91,011 classes covered", 12_345)
    told = capsys.readouterr().err
    assert "explore: no failure in 12,345 schedules" in told
    assert "…" in told
    assert "covered" not in told


# ------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        ({"rounds": 0}, InvalidValue, "rounds=0: nothing would be run; give a whole number of at least 1"),
        ({"rounds": 1.5}, InvalidType, "rounds=1.5: give a whole number of at least 1"),
        ({"seconds": -1}, InvalidValue, "seconds=-1: nothing would be run; give a number of seconds above 0"),
        ({"seconds": "1"}, InvalidType, "seconds='1': give a number of seconds above 0"),
        ({"noise": 1.1}, InvalidValue, "noise=1.1: give a probability, a number from 0 to 1"),
        ({"noise": float("nan")}, InvalidValue, "noise=nan: give a probability, a number from 0 to 1"),
        ({"noise": True}, InvalidType, "noise=True: give a probability, a number from 0 to 1"),
        ({"noise": None}, InvalidType, "noise=None: give a probability, a number from 0 to 1"),
        ({"seed": 0.5}, InvalidType, "seed=0.5: give a whole number"),
        ({"on": "mars"}, InvalidValue, "on='mars': unknown; choose one of auto, threads, processes"),
        ({"check": 3}, InvalidType, "check=3 cannot be called; give a function that takes the state"),
        ({"allowed": {1}}, InvalidValue, "allowed= is given without outcome=; add outcome=, a function of the state"),
    ],
)
def test_bad_input_is_told_in_one_line(options: dict[str, Any], kind: type[LabError], told: str) -> None:
    with pytest.raises(kind) as caught:
        hammer(Unsafe, ADDERS, **options)
    assert str(caught.value) == told


def test_hammer_is_not_for_programs_under_test() -> None:
    told = "hammer() was called while a program is run; call it from outside the actors, setup and check"

    def nested(state: object) -> None:
        hammer(Box, [nothing], rounds=1)

    with pytest.raises(LabError) as caught:
        hammer(Box, [nested], rounds=1)
    assert str(caught.value) == told
    with pytest.raises(LabError, match=re.escape(told)):
        explore(Box, [nested], schedules=1)


def test_the_seed_of_the_session_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []
    monkeypatch.setattr(_Run, "_batch", lambda run, *_: seeds.append(run.random.getstate()))
    monkeypatch.setattr(_Run, "_is_over", lambda *_: True)
    hammer(Unsafe, ADDERS, seed=1)
    hammer(Unsafe, ADDERS, seed=2)
    session = keeping.Session(seed=1, target="somewhere.py::it", seconds=99.0)
    keeping.begin(session)
    try:
        verdict = hammer(Unsafe, ADDERS, seed=2)
    finally:
        keeping.end(session)
    assert verdict.title == "somewhere.py::it"
    assert seeds[0] == seeds[2] != seeds[1]
    assert hammer(Unsafe, ADDERS, title="mine").title == "mine"
