"""`lab review --web` as a program that asks sees it: who is let in, what is escaped, and a clean end."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from click.testing import CliRunner

from lab.cli import main
from lab.training.questions import KINDS
from lab.training.subject import Subject
from lab.training.web.serving import serve

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def server(studies, subject, history, served):
    """The training on known studies; gives its address with the token."""
    return served(lambda say: serve([subject], studies, history, 0, say, seed=1))


@pytest.fixture
def ask(server, asking):
    return asking(server)


SPOT = "/exercise/counter/spot"


def test_the_token_becomes_a_cookie_that_no_other_page_can_use(server, ask):
    status, headers, _ = ask("/?" + urlsplit(server).query, token=False)
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/", "token": False}, 403),
        ({"path": "/", "token": "wrong"}, 403),
        ({"path": "/?token=wrong", "token": False}, 403),
        ({"path": SPOT, "token": False}, 403),
        ({"path": "/", "Host": "evil.example"}, 421),
        ({"path": "/", "Host": "127.0.0.1:1"}, 421),
        ({"path": SPOT, "form": {}, "Origin": "http://evil.example"}, 403),
        ({"path": SPOT, "form": {}, "Origin": "null"}, 403),
        ({"path": SPOT, "form": {"patch": "x" * 600_000}}, 413),
        ({"path": "/nothing"}, 404),
        ({"path": "/exercise/none/spot"}, 400),
        ({"path": "/exercise/counter/spott"}, 400),
        ({"path": "/job/none"}, 404),
        ({"path": "/"}, 200),
    ],
)
def test_who_is_answered(ask, request_, status):
    assert ask(**request_)[0] == status


def test_every_answer_forbids_what_it_does_not_need(ask):
    _, headers, text = ask(SPOT + "?seed=1")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "server" not in headers
    policy = re.search('Content-Security-Policy" content="([^"]+)"', text)[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert "unsafe-" not in policy
    assert "form-action 'self'" in policy


def test_an_answer_is_judged_and_put_down(ask, history):
    status, _, text = ask(SPOT, {"seed": 1, "hints": 0, "line": ["13", "14"], "bug": "lost update"})
    assert (status, history.score()) == (200, (1, 1, 10))
    assert "Right." in text
    assert "10 points. It comes again in 1 day." in text
    assert "You answered: <code>13 14, lost update</code>" in text


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"bug": "lost update"}, "lines: 0 given; give the two that race, or one that races with itself"),
        ({"line": ["13", "14"]}, "Choose one of the names: "),
        ({"line": ["<b>", "14"], "bug": "lost update"}, "line &#39;&lt;b&gt;&#39;: is not shown"),
    ],
)
def test_what_cannot_be_judged_is_told_and_kept(ask, history, form, complaint):
    status, _, text = ask(SPOT, {"seed": 1, "hints": 0, **form})
    assert status == 200
    assert complaint in text
    assert history.score() == (0, 0, 0)
    assert ('value="14" checked' in text) == ("14" in form.get("line", []))


def test_two_subjects_of_one_name_have_pages_and_progress_of_their_own(studies, history, served, asking, tmp_path):
    both = []
    for family in ("asyncio", "atomicity"):
        path = tmp_path / family / "counter.py"
        path.parent.mkdir()
        path.write_text("SCENARIO = Scenario()\n")
        both.append(Subject.of(path, catalogue=tmp_path))
    ask = asking(served(lambda say: serve(both, studies, history, 0, say, seed=1)))
    assert "/exercise/asyncio-counter/spot" in ask("/")[2]
    page = ask("/exercise/atomicity-counter/spot?seed=1")[2]
    (address,) = re.findall('<form method="post" action="([^"]+)"', page)
    ask(address, {"seed": 1, "hints": 0, "line": ["13", "14"], "bug": "lost update"})
    assert list(history.cards()) == [("atomicity/counter", "spot")]
    assert ask("/next")[1]["Location"].startswith("/exercise/asyncio-counter/spot")


def test_hints_and_the_solution(ask, history):
    _, _, text = ask(SPOT, {"seed": 1, "hints": 1, "hint": 1, "line": "13"})
    assert "What comes between?" in text
    assert "Look at both lines." in text
    assert 'name="hints" value="2"' in text
    _, _, text = ask(SPOT, {"seed": 1, "hints": 2, "solution": 1})
    assert "Lines whose order decides: 13 and 14, or 14 alone." in text
    assert history.score() == (1, 0, 0)


def test_everything_is_escaped(ask, studies):
    hostile = "</script><script>alert(1)</script>\u202e\x1b"
    lines = [(13, f"a = {hostile!r}"), (14, f"# {hostile}")]
    studies.described.update(
        hint=hostile, review=[hostile], wanted=hostile, code=dict.fromkeys(("unsafe", "fixed", "still_unsafe"), lines)
    )
    studies.described["editable"] = {"unsafe": f"</textarea>{hostile}"}
    studies.facts_are("unsafe", story=hostile, actors=["<b>", "bob"], pairs=[[13]])
    shown = [ask(f"/exercise/counter/{kind}?seed=1")[2] for kind in KINDS]
    shown += [ask(SPOT, {"seed": 1, "hints": 9, "solution": 1})[2], ask(SPOT, {"seed": 1, "hints": 3, "hint": 1})[2]]
    for text in shown:
        body = text.partition("<body>")[2]
        assert body.count("<textarea") == body.count("</textarea>") <= 1
        body = re.sub("(?s)<textarea.*?</textarea>", "", body)  # in which code stays as it is
        assert "alert(1)</script>" not in body
        assert "<b>, bob" not in body
        assert "\x1b" not in body


def test_a_patch_is_graded_and_put_down_once(ask, history):
    patch = "class UnsafeCounter:\n    value = 2\n\n    def increment(self):\n        pass\n"
    status, headers, _ = ask("/exercise/counter/fix", {"seed": 1, "hints": 0, "patch": patch})
    assert status == 303
    until = time.monotonic() + 60
    while '"over":true' not in ask(headers["Location"] + "/state")[2]:
        assert time.monotonic() < until
        time.sleep(0.1)
    for _ in range(2):
        assert "It holds: no schedule fails any more." in ask(headers["Location"])[2]
    assert history.score()[:2] == (1, 1)


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert web("--port", str(port), data=tmp_path) == (
            2,
            f"Error: --port {port}: is taken; give another one, or 0 for any that is free\n",
        )
    message = "Error: --port 99999: there is no such port; give one from 1 to 65535\n"
    assert web("--port", "99999", data=tmp_path) == (2, message)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_packages_that_are_missing(tmp_path, monkeypatch, missing):
    for name in [name for name in sys.modules if name.partition(".")[0] == missing or "lab.training.web" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without(missing), *sys.meta_path])
    message = f"Error: --web: needs {missing}, which is not installed; pip install 'race-lab[web]'\n"
    assert web(data=tmp_path) == (2, message)


class _Without:
    def __init__(self, name):
        self._name = name

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self._name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def web(*arguments, data):
    options = ["--web", "--data", str(data), "--scenarios", str(ROOT / "scenarios"), *arguments]
    result = CliRunner().invoke(main, ["review", *options], catch_exceptions=False)
    return result.exit_code, result.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_a_patch_that_is_being_graded(tmp_path, how):
    """Ctrl-C, a service that is stopped, a terminal that is closed: no process is left, and no directory."""
    (tmp_path / "tmp").mkdir()
    environment = dict(os.environ, LAB_DATA=str(tmp_path), OF_THIS_TEST=str(tmp_path), PYTHONUNBUFFERED="1")
    environment["TMPDIR"] = str(tmp_path / "tmp")
    command = [str(Path(sys.executable).with_name("lab")), "review", "lost_update", "--web"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        parts = urlsplit(process.stdout.readline().removeprefix("Open ").strip())
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        headers = {"Cookie": f"lab_review={parts.query.partition('=')[2]}", "Origin": f"http://{parts.netloc}"}
        form = urlencode({"seed": 1, "hints": 0, "patch": "class UnsafeCounter: pass\nwhile True: pass\n"})
        connection.request("POST", "/exercise/lost_update/fix", form, headers)
        assert connection.getresponse().status == 303
        until = time.monotonic() + 60
        while not any((tmp_path / "tmp").iterdir()):  # the patch's own directory
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(how)
        assert process.wait(60) == (0 if how is signal.SIGINT else 128 + signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        connection.close()
    left = f"OF_THIS_TEST={tmp_path}".encode()
    assert [entry for entry in Path("/proc").glob("[0-9]*") if left in environment_of(entry)] == []
    assert list((tmp_path / "tmp").iterdir()) == []


def environment_of(entry):
    try:
        return (entry / "environ").read_bytes()
    except OSError:
        return b""
