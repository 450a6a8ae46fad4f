"""Ask a process of its own, and see to it that nothing of it is left: no process, no file, no flood of output.

The process has a private directory, bounds on its time, its memory and the size of its files, and a session of its own;
at its end everything that descends from it is killed.  That keeps accidents from doing harm.  It is **not a security
sandbox**: the code has the rights of whoever runs the lab.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from lab.errors import LabError
from lab.report.lines import clip, printable
from lab.training.subject import Subject

MEMORY = 2 << 30
"""Bytes of address space."""
PATIENCE = 60.0
"""Seconds that a question may take unless it says otherwise."""
_TO_BEGIN = 60.0  # seconds, to load the engine, which are not the code's
_MOST_OUTPUT = 8_000  # bytes that are kept of what the code prints
_MOST_ANSWER = 32 << 20  # bytes
_MARK = "LAB_TRAINING"  # in the environment of all that descends from it
_SWEEPS = 50


@dataclass(frozen=True)
class Reply:
    """What came back: an answer, or why there is none; and the beginning of what the code printed."""

    answer: dict[str, Any] | None
    trouble: str = ""  # error, refused, too long, ended
    reason: str = ""  # one line
    output: str = ""


def ask(
    what: str,
    subject: Subject,
    *,
    seconds: float = PATIENCE,
    memory: int = MEMORY,
    progress: Callable[[str], None] | None = None,
    stopped: Event | None = None,
    **question: Any,
) -> Reply:
    """Ask ``what`` about a subject in a process that may take so many seconds and bytes.

    ``progress`` hears lines while it goes on; once ``stopped`` is set there is no answer any more.  Whatever is raised
    meanwhile (Ctrl-C), nothing is left behind.
    """
    question |= {
        "ask": what,
        "subject": subject.to_json(),
        "seconds": seconds,
        "memory": memory,
        "paths": [str(Path(__file__).resolve().parent.parent.parent), os.getcwd()],
    }
    mark = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="race-lab-training-", ignore_cleanup_errors=True) as private:
        os.chmod(private, 0o711)  # a server that the code needs may have to run as somebody else
        ours, theirs = os.pipe()
        try:
            process = _started(private, mark, theirs)
        except OSError as error:
            os.close(ours)
            raise LabError(f"no process can be started ({error.strerror}); let fewer processes run") from None
        finally:
            os.close(theirs)
        try:
            return _Talk(process, ours, seconds, progress, stopped or Event()).reply(json.dumps(question).encode())
        finally:
            _end(process, mark)
            os.close(ours)


def required(reply: Reply, subject: Subject) -> dict[str, Any]:
    """The answer; raises LabError with the reason where there is none."""
    if reply.answer is None:
        # An error says itself where it is.
        raise LabError(reply.reason if reply.trouble in ("error", "stopped") else f"{subject.path}: {reply.reason}")
    return reply.answer


def _started(private: str, mark: str, fd: int) -> subprocess.Popen[bytes]:
    environment = dict(os.environ, HOME=private, TMPDIR=private, PYTHONDONTWRITEBYTECODE="1", PYTHONSAFEPATH="1")
    environment |= {_MARK: mark, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "lab.training.child", str(fd), str(os.getpid())],
        cwd=private,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(fd,),
        start_new_session=True,
    )


class _Talk:
    """Hears what a process answers and what it prints, until it ends or its time is up."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        answers: int,
        seconds: float,
        progress: Callable[[str], None] | None,
        stopped: Event,
    ) -> None:
        self._process = process
        self._answers = answers
        self._seconds = seconds
        self._until = time.monotonic() + seconds + _TO_BEGIN
        self._progress = progress
        self._stopped = stopped
        self._output = b""
        self._flooded = False
        self._lines = b""
        self._said: dict[str, Any] = {}

    def reply(self, question: bytes) -> Reply:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(question)
            self._process.stdin.close()
        in_time = self._hear()
        output = self._output.decode("utf-8", "replace")
        if self._flooded:
            output += "\n... cut off: it printed more ..."
        if "answer" in self._said and isinstance(self._said["answer"], dict):
            return Reply(self._said["answer"], output=output)
        if "refused" in self._said:
            return Reply(None, "refused", f"it was stopped before {self._said['refused']}", output)
        if "error" in self._said:
            return Reply(None, "error", str(self._said["error"]), output)
        if self._stopped.is_set():
            return Reply(None, "stopped", "the training has ended", output)
        if not in_time:
            return Reply(
                None, "too long", f"it was stopped, as it did not come to an end in {self._seconds:g} s", output
            )
        last = next((printable(line.strip()) for line in reversed(output.splitlines()) if line.strip()), "")
        reason = f"its process ended before it had answered ({self._how()})"
        return Reply(None, "ended", f"{reason}: {clip(last, 100)}" if last else reason, output)

    def _how(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"exit code {code}"
        if -code == signal.SIGXCPU:
            return "its time on the processor was up"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def _hear(self) -> bool:
        """Until the answer is there or the process has ended; false if its time was up before."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ, self._take_answer)
            selector.register(self._process.stdout, selectors.EVENT_READ, self._take_output)
            while selector.get_map():
                left = self._until - time.monotonic()
                if left <= 0 or self._stopped.is_set():
                    return False
                for key, _ in selector.select(min(left, 0.2)):
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    key.data(data)
                if {"answer", "refused", "error"} & set(self._said) or self._process.poll() is not None:
                    self._drain()
                    return True
        return True

    def _drain(self) -> None:
        """What is in the pipes already: what the process wrote last."""
        assert self._process.stdout is not None
        for fd, take in ((self._answers, self._take_answer), (self._process.stdout.fileno(), self._take_output)):
            os.set_blocking(fd, False)
            for _ in range(64):  # who floods is not waited for
                try:
                    data = os.read(fd, 1 << 16)
                except BlockingIOError:
                    break
                if not data:
                    break
                take(data)

    def _take_output(self, data: bytes) -> None:
        room = _MOST_OUTPUT - len(self._output)
        self._output += data[:room]
        self._flooded = self._flooded or len(data) > room

    def _take_answer(self, data: bytes) -> None:
        *lines, self._lines = (self._lines + data).split(b"\n")
        if len(self._lines) > _MOST_ANSWER:
            self._said["error"] = "it answered without end"
        for line in lines:
            with suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    self._take(said)

    def _take(self, said: dict[str, Any]) -> None:
        if "progress" in said:
            if self._progress is not None:
                self._progress(str(said["progress"]))
            return
        if "ready" in said and "ready" not in self._said:
            self._until = time.monotonic() + self._seconds
        for word, value in said.items():
            self._said.setdefault(word, value)


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Let no process be left of those that carry the mark, wherever they have moved to."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    for _ in range(_SWEEPS):  # one that forks meanwhile is met the next time
        found = list(_marked(mark))
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _marked(mark: str) -> list[int]:
    """The living processes that have the mark in their environment; none where the system does not tell."""
    wanted = f"{_MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            environment = (entry / "environ").read_bytes()
            if (
                wanted in environment.split(b"\0")
                and (entry / "stat").read_bytes().rsplit(b")", 1)[1].split()[0] != b"Z"
            ):
                found.append(int(entry.name))
    return found
