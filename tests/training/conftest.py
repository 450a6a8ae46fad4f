"""Studies that are known beforehand, so that nothing has to be measured."""

import copy
import io

import pytest
from rich.console import Console

from lab.training.dialogue import Dialogue
from lab.training.history import History
from lab.training.studies import Description, Facts, Studies
from lab.training.subject import Subject

COUNTER = '''\
"""A counter that loses something."""

import threading


class UnsafeCounter:  # the bad one
    """Two threads lose an update."""

    def __init__(self):
        self.value = 0

    def increment(self):
        current = self.value  # stale soon
        self.value = current + 1


class FixedCounter(UnsafeCounter):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()

    def increment(self):
        with self._lock:
            super().increment()


def add_one(counter):
    counter.increment()


def both(counter):
    assert counter.value == 2, "one is lost"
'''
LINES = [(6, "class Counter:"), (12, "    def increment(self):"), (13, "        current = self.value")]
LINES.append((14, "        self.value = current + 1"))
DESCRIPTION = {
    "title": "A counter",
    "story": "",
    "bug_class": "atomicity violation",
    "hint": "What comes between?",
    "review": ["Look at both lines."],
    "wanted": "2 (both counted)",
    "variants": {"unsafe": True, "still_unsafe": True, "fixed": False},
    "code": {"unsafe": LINES, "still_unsafe": [*LINES, (20, "still()")], "fixed": [*LINES, (30, "fixed()")]},
    "editable": {"unsafe": "class UnsafeCounter:\n    pass\n"},
}
FACTS = {
    "status": "fails",
    "reason": "failed in schedule 2",
    "schedules": 2,
    "model": "threads",
    "actors": ["alice", "bob"],
    "failure": {"kind": "outcome", "message": "outcome 1: one is lost"},
    "pattern": "lost update",
    "patterns": ["lost update", "torn pair"],
    "story": "alice read it before bob wrote it: a lost update.",
    "schedule": "alice bob*2 alice",
    "playable": True,
    "steps": 4,
    "switches": 2,
    "pairs": [[13, 14], [14]],
    "overlap": 0.5,
}


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path, monkeypatch):
    """What is kept is kept in the test's own folder."""
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    for name in ("VISUAL", "EDITOR", "FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def subject(tmp_path):
    path = tmp_path / "counter.py"
    path.write_text(COUNTER)
    return Subject.of(path, "UnsafeCounter", ("alice=add_one", "bob=add_one"), "both")


@pytest.fixture
def studies(tmp_path, subject):
    """Studies of the subject with everything known; changes with ``studies.facts_are(variant, ...)``."""

    class Known(Studies):
        def description(self, subject):
            return Description(**self.described)

        def facts(self, subject, variant):
            return Facts(**self.told[variant])

        def known(self, subject, variant):
            return self.facts(subject, variant)

        def facts_are(self, variant, **facts):
            self.told[variant] = {**self.told[variant], **facts}

    known = Known(tmp_path / "data" / "studies")
    known.described = copy.deepcopy(DESCRIPTION)
    holds = {**FACTS, "status": "holds", "reason": "all 2 classes of schedules", "failure": None, "pairs": []}
    known.told = {"unsafe": dict(FACTS), "still_unsafe": dict(FACTS), "fixed": holds}
    return known


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "data")


@pytest.fixture
def typed():
    """A dialogue with somebody who has typed everything beforehand; what was shown is ``dialogue.shown()``."""

    def talk(*lines, width=80):
        shown = io.StringIO()
        console = Console(file=shown, width=width, highlight=False, color_system=None)
        dialogue = Dialogue(console, io.StringIO("".join(f"{line}\n" for line in lines)))
        dialogue.shown = lambda: "\n".join(line.rstrip() for line in shown.getvalue().splitlines())
        return dialogue

    return talk
