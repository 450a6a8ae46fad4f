"""filelock: one process takes a lock, another one puts a link to somebody's file in the place of the lock file.

Who locks where others may write looks first, and refuses a link.  Up to 3.20.0 ``FileLock`` looks once more, whether
there is a file, and then opens it by its name with O_TRUNC: a link that was put there in between is followed, and the
file behind it is emptied.  3.20.1 opens it with O_NOFOLLOW, and a link is an OSError (tox-dev/filelock#461,
CVE-2025-68146).

The look in ``alice`` is what makes this a race: without it 3.20.0 also follows a link that was there from the start, as
its own look follows links, too.  ``SoftFileLock`` is not concerned: it opens with O_EXCL, which follows no link.
"""

import contextlib
import os
from pathlib import Path

from filelock import FileLock

TRACE = ()
ON = "processes"
SCHEDULES = 100
check = None
teardown = None


def setup():
    Path("diary").write_text("what was written")


def alice(state):
    if not os.path.islink("shared.lock"):
        with contextlib.suppress(OSError), FileLock("shared.lock"):
            pass


def mallory(state):
    with contextlib.suppress(FileExistsError):
        os.symlink("diary", "shared.lock")


ACTORS = {"alice": alice, "mallory": mallory}


def outcome(state):
    return Path("diary").read_text()


ALLOWED = {"what was written": "the file that the link leads to is as it was"}
