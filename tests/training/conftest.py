"""Studies that are known beforehand, so that nothing has to be measured."""

import contextlib
import copy
import http.client
import io
import threading
import time
from urllib.parse import urlencode, urlsplit

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


@pytest.fixture
def served(monkeypatch):
    """Serve in a thread: ``served(start)`` calls ``start(say)`` and gives the address that it tells, once it is up."""
    import uvicorn

    started, threads = [], []
    monkeypatch.setattr(uvicorn.Server, "capture_signals", lambda self: contextlib.nullcontext())
    run = uvicorn.Server.run

    def noted(self, sockets=None):
        started.append(self)
        run(self, sockets)

    monkeypatch.setattr(uvicorn.Server, "run", noted)

    def serve(start):
        told = []
        threads.append(threading.Thread(target=start, args=(told.append,)))
        threads[-1].start()
        until = time.monotonic() + 60
        while not (told and started and started[-1].started):
            assert time.monotonic() < until
            time.sleep(0.01)
        return told[0]

    yield serve
    for server in started:
        server.should_exit = True
    for thread in threads:
        thread.join()


@pytest.fixture
def asking():
    """``asking(address)`` gives a function that sends a request; that gives the status, the headers and the text."""

    def asking(address):
        parts = urlsplit(address)

        def ask(path, form=None, token=None, **headers):
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            if token is not False:
                headers.setdefault("Cookie", f"lab_review={token or parts.query.partition('=')[2]}")
            body = None
            if form is not None:
                body = urlencode(form, doseq=True)
                headers.setdefault("Origin", f"http://{parts.netloc}")
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST" if form is not None else "GET", path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, answer.headers, text

        return ask

    return asking
