"""Half written: a reader opens the settings while they are being saved, and finds half of them.

Writing a file is not one step.  Opened with mode "w" it is empty first, and then filled, piece by piece:

    alice   opens the settings, which empties them
    bob     reads the settings         there are none
    alice   writes the settings

To write everything in one call shortens the time in which the file is incomplete, and leaves it empty for a moment.
A file that has another name while it is written, and is renamed when it is complete, is old or new, and nothing
in between.
"""

import os
from pathlib import Path

from lab import Scenario

OLD, NEW = "colour=red\nsize=1\n", "colour=blue\nsize=2\n"


class UnsafeSettings:
    def __init__(self):
        Path("settings").write_text(OLD)

    def save(self):
        with open("settings", "wb", buffering=0) as file:
            for line in NEW.splitlines(keepends=True):
                file.write(line.encode())  # whoever reads now sees the lines so far


class StillUnsafeSettings(UnsafeSettings):
    def save(self):
        Path("settings").write_text(NEW)  # one write, but to open the file has emptied it


class FixedSettings(UnsafeSettings):
    def save(self):
        Path("settings.new").write_text(NEW)
        os.replace("settings.new", "settings")  # the old ones until now, the new ones from now on


def alice(settings):
    settings.save()


def bob(settings):
    file = os.open("settings", os.O_RDONLY)
    Path("seen").write_bytes(os.read(file, 100))
    os.close(file)


def seen(settings):
    return {OLD: "old", NEW: "new"}.get(Path("seen").read_text(), "neither")


SCENARIO = Scenario(
    bug_class="non-atomic write",
    cwe=(367, 362),
    unsafe=UnsafeSettings,
    still_unsafe=StillUnsafeSettings,
    fixed=FixedSettings,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=seen,
    allowed={"old": "the settings as they were", "new": "the settings as they are now"},
    forbidden={"neither": "something incomplete"},
    seen_in=("CPython wrote its .pyc files in place until issue 13146, and other processes read half of them",),
    hint="What does the file hold between open() and the last write()?",
    review=(
        "A file that others read, opened with mode 'w'.",
        "A temporary file that is renamed before it is closed: what stands in its buffer comes later.",
    ),
)
