"""Temporary name: a program writes to a name that anybody could guess, and into another file.

A program with many rights makes a file in a directory that all may write to. Between its question whether the name is
free and the opening, another one puts a link there, and the program writes through it, over a file that the other one
may not touch:

    alice   finds report.tmp free
    bob     makes report.tmp a link to passwords
    alice   opens report.tmp, and writes into passwords

To unlink the name before opening it only moves the gap. `O_EXCL` makes the file or fails, and follows no link: that is
what `tempfile` uses, with a name that cannot be guessed on top.
"""

import os
from contextlib import suppress
from pathlib import Path

from lab import Scenario

NAME, PASSWORDS = Path("report.tmp"), Path("passwords")


class UnsafeReport:
    def __init__(self):
        PASSWORDS.write_text("secret")

    def write(self):
        if not os.path.lexists(NAME):
            NAME.write_text("report")


class StillUnsafeReport(UnsafeReport):
    def write(self):
        NAME.unlink(missing_ok=True)
        NAME.write_text("report")


class FixedReport(UnsafeReport):
    def write(self):
        try:
            file = os.open(NAME, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return  # whoever put that there gets nothing written
        os.write(file, b"report")
        os.close(file)


def alice(report):
    report.write()


def bob(report):
    with suppress(FileExistsError):
        os.symlink(PASSWORDS, NAME)


def passwords(report):
    return PASSWORDS.read_text()


SCENARIO = Scenario(
    bug_class="link followed after a check",
    cwe=(377, 59, 367),
    unsafe=UnsafeReport,
    still_unsafe=StillUnsafeReport,
    fixed=FixedReport,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=passwords,
    allowed={"secret": "the passwords are as they were"},
    forbidden={"report": "the report was written over the passwords"},
    seen_in=("CWE-377 and its long list of programs that wrote to a guessable name in /tmp",),
    hint="What can be at that name when it is opened?",
    review=(
        "A name in a shared directory that is looked at, or removed, and then opened without O_EXCL.",
        "tempfile.mktemp(): it gives a name, and not a file.",
    ),
)
