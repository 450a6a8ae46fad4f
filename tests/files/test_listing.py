"""Directories are listed in one order, whoever made what first."""

import glob
import os
from pathlib import Path

import pytest

import lab

NOTE = "listing: entries of a directory came in the order of their names; the system promises none"


def scanned(path):
    with os.scandir(path) as entries:
        return tuple(entry.name for entry in entries)


WAYS = {
    "listdir": lambda path: tuple(os.listdir(path)),
    "scandir": scanned,
    "walk": lambda path: tuple(next(os.walk(path))[2]),
    "glob": lambda path: tuple(os.path.basename(one) for one in glob.glob(f"{path}/*")),
    "iterdir": lambda path: tuple(one.name for one in Path(path).iterdir()),
}


@pytest.mark.parametrize("on", ["threads", "processes"])
@pytest.mark.parametrize("way", WAYS)
def test_who_made_an_entry_first_is_not_seen_in_a_listing(way, on, tmp_path):
    made = []

    def setup():
        path = Path("spool") if on == "processes" else tmp_path / f"spool{len(made)}"
        made.append(path)
        path.mkdir()
        return path

    actors = {name: (lambda path, name=name: (path / name).touch()) for name in ("bob", "alice", "carol")}
    verdict = lab.explore(setup, actors, outcome=WAYS[way], on=on, strategy="random", schedules=20)
    assert set(verdict.outcomes) == {("alice", "bob", "carol")}


@pytest.mark.parametrize("on", ["threads", "processes"])
def test_a_proof_tells_of_the_order(on, tmp_path):
    def setup():
        path = Path("spool") if on == "processes" else tmp_path
        path.mkdir(exist_ok=True)
        for name in "ab":
            (path / name).touch()
        return path

    verdict = lab.explore(setup, {"alice": lambda path: len(os.listdir(path)) - 2}, on=on, strategy="dpor")
    assert (verdict.status, verdict.notes) == ("holds", (NOTE,))
