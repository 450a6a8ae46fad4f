"""Mode mask: one thread closes the mask for its key, and the page of another one is closed, too.

`os.umask` says which rights new files do not get, and it says so for the whole process.  Alice takes all from group and
others, writes a private key and puts the mask back.  Bob knows nothing of it, and publishes a page meanwhile:

    alice   closes the mask
    bob     makes index.html           readable to nobody but himself
    alice   makes key, and puts the mask back

A lock that Alice takes keeps others who take it away.  Bob does not: he only opens a file.  And had he closed and put
back the mask as well, both might put back what the other one had set, and it would stay closed.

The rights of one file belong into the call that makes it: `os.open(name, flags, 0o600)`.
"""

import os
import shutil
import tempfile
from pathlib import Path
from threading import Lock

from lab import Scenario

CLOSED = 0o077


class UnsafeSite:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp())
        os.umask(0o022)

    def save_key(self):
        before = os.umask(CLOSED)
        with open(self.folder / "key", "w") as file:
            file.write("secret")
        os.umask(before)

    def publish(self):
        with open(self.folder / "index.html", "w") as file:
            file.write("welcome")


class StillUnsafeSite(UnsafeSite):
    def __init__(self):
        super().__init__()
        self.lock = Lock()

    def save_key(self):
        with self.lock:  # whoever opens a file elsewhere does not take it
            super().save_key()


class FixedSite(UnsafeSite):
    def save_key(self):
        file = os.open(self.folder / "key", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(file, b"secret")
        os.close(file)


def alice(site):
    site.save_key()


def bob(site):
    site.publish()


def rights(site):
    return tuple(f"{(site.folder / name).stat().st_mode & 0o777:o}" for name in ("key", "index.html"))


def remove(site):
    shutil.rmtree(site.folder)


SCENARIO = Scenario(
    bug_class="process-wide state changed for a while",
    cwe=(362, 277),
    unsafe=UnsafeSite,
    still_unsafe=StillUnsafeSite,
    fixed=FixedSite,
    actors={"alice": alice, "bob": bob},
    outcome=rights,
    allowed={("600", "644"): "a private key and a public page"},
    forbidden={("600", "600"): "nobody can read the page"},
    teardown=remove,
    seen_in=("tempfile.mkstemp of Python, which passes 0o600 to os.open rather than change the mask",),
    hint="Whose mask is it that Alice changes?",
    review=(
        "os.umask, os.chdir, locale.setlocale or os.environ that is changed and put back in a program with threads.",
        "A lock around the change: those who only go by what is changed do not take it.",
    ),
)
