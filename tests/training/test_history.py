"""Progress: boxes, several sessions at once, and a file that cannot be read."""

import os
import sqlite3
import subprocess
import sys

import pytest

from lab.errors import InvalidValue
from lab.training.history import BOXES, NAME, History

DAY = 86_400


def test_right_answers_come_again_later_and_later(tmp_path):
    moment = [1_000_000.0]
    history = History(tmp_path, lambda: moment[0])
    dues = []
    for _ in range(7):
        card = history.answered("counter", "spot", 1.0, 10)
        dues.append((card.due - moment[0]) / DAY)
        moment[0] = card.due
    assert dues == [1, 3, 7, 16, 35, 35, 35]
    wrong = history.answered("counter", "spot", 0.6, 6)
    assert (wrong.box, wrong.due) == (0, moment[0] + BOXES[0])
    assert history.cards() == {("counter", "spot"): wrong}
    assert history.score() == (8, 7, 76)


def test_a_second_session_sees_the_first_one(tmp_path):
    History(tmp_path).answered("counter", "spot", 1.0, 10)
    assert History(tmp_path).score() == (1, 1, 10)


def test_two_at_once_lose_nothing(tmp_path):
    program = (
        "import sys; from pathlib import Path; from lab.training.history import History\n"
        "history = History(Path(sys.argv[1]))\n"
        "for number in range(40): history.answered(f'one {number}', 'spot', 1.0, 1)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    several = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate()[1] for one in several] == ["", ""]
    assert History(tmp_path).score() == (80, 80, 80)


@pytest.mark.parametrize("content", [b"not a database, not even nearly " * 40, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_broken_file_is_set_aside_and_told(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    history = History(tmp_path)
    aside = [path for path in tmp_path.iterdir() if ".broken-" in path.name]
    assert [path.read_bytes() for path in aside] == [content]
    assert history.told.startswith(f"{tmp_path / NAME}: cannot be read (")
    assert history.told.endswith(f"); it was set aside as {aside[0].name}, and a new one begun")
    history.answered("counter", "spot", 1.0, 10)
    again = History(tmp_path)
    assert (again.told, again.score()) == ("", (1, 1, 10))


def test_a_file_of_a_later_version_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / NAME) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(InvalidValue) as caught:
        History(tmp_path)
    message = f"{tmp_path / NAME}: was written by a later version; update, or give another --data"
    assert str(caught.value) == message


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValue) as caught:
        History(tmp_path / "file" / "data")
    reason = os.strerror(20)  # ENOTDIR
    assert (
        str(caught.value) == f"{tmp_path / 'file' / 'data'}: cannot be made ({reason}); give another folder with --data"
    )
