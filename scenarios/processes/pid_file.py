"""Pid file: a service that was killed has left its pid file behind, and nobody can start it again.

The file is there while the service runs, so a second one refuses to start. But who removes it is the service, and one
that is killed removes nothing:

    alice   creates service.pid, writes her number
    alice   is killed
    bob     finds service.pid, and refuses to start; so does everybody after him

To ask whether the process of that number still runs helps, until it is killed between creating the file and writing the
number: then there is a file and no number, and whoever starts stumbles over that. (A number may also have been given
to another process since.) A lock on the file ends with its process, however that ends: hold it for as long as the
service runs, and let the file lie.
"""

import fcntl
import os
from pathlib import Path

from lab import Scenario

PID = Path("service.pid")


class UnsafeService:
    def start(self):
        try:
            self.file = os.open(PID, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        os.write(self.file, str(os.getpid()).encode())
        return True

    def stop(self):
        os.close(self.file)
        PID.unlink()


class StillUnsafeService(UnsafeService):
    def start(self):
        try:
            os.kill(int(PID.read_text()), 0)  # what is read may be nothing yet
        except FileNotFoundError:
            pass
        except ProcessLookupError:
            PID.unlink(missing_ok=True)
        return super().start()


class FixedService(UnsafeService):
    def start(self):
        self.file = os.open(PID, os.O_CREAT | os.O_WRONLY)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.file)
            return False
        os.write(self.file, str(os.getpid()).encode())
        return True

    def stop(self):
        os.close(self.file)  # and the lock is free


def serve(service):
    if service.start():
        service.stop()


def look(service):
    PID.exists()


def can_start(service):
    try:
        started = service.start()
    except ValueError:
        return "breaks"
    if started:
        service.stop()
    return "starts" if started else "refuses"


SCENARIO = Scenario(
    bug_class="stale lock after a crash",
    cwe=(459, 667),
    unsafe=UnsafeService,
    still_unsafe=StillUnsafeService,
    fixed=FixedService,
    actors={"alice": serve, "bob": look},
    on="processes",
    crash=("alice",),
    outcome=can_start,
    allowed={"starts": "the service can be started again"},
    forbidden={
        "refuses": "it refuses to start, though none runs",
        "breaks": "it breaks on a pid file without a number",
    },
    seen_in=("daemons whose pid file has to be removed by hand after a crash of the machine",),
    hint="Who removes the file if the service is killed?",
    review=(
        "A file whose mere existence is the lock, and nothing that removes it after a crash.",
        "A number read from a pid file and given to kill(): it may be missing, or another process's by now.",
    ),
)
