"""Killed while saving: the lock is free again, and the file is half.

A lock keeps readers away while the settings are written. It does nothing about a writer that is killed in the middle:
the system gives its lock back, and lets everybody read what there is.

    alice   takes the lock, empties the file
    alice   is killed, and the lock is free
    bob     takes the lock, and reads nothing

What is written beside and renamed is there as a whole or not at all. But the file beside must not stand in the way
either: a temporary file that has to be new, by a name that is always the same, is left behind by the first crash, and
no save succeeds after it.
"""

import fcntl
import os
from pathlib import Path

from lab import Scenario

SETTINGS, BESIDE = Path("settings"), Path("settings.new")


class UnsafeSettings:
    def __init__(self):
        SETTINGS.write_text("old")

    def save(self, text):
        with open("lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            SETTINGS.write_text(text)

    def load(self):
        with open("lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            return SETTINGS.read_text()


class StillUnsafeSettings(UnsafeSettings):
    def save(self, text):
        with open(BESIDE, "x") as file:  # has to be new, and is not after a crash
            file.write(text)
        os.replace(BESIDE, SETTINGS)


class FixedSettings(UnsafeSettings):
    def save(self, text):
        with open(BESIDE, "w") as file:
            file.write(text)
        os.replace(BESIDE, SETTINGS)


def saver(settings):
    settings.save("new")


def reader(settings):
    settings.load()


def what_is_left(settings):
    if settings.load() not in ("old", "new"):
        return "half"
    try:
        settings.save("newer")
    except FileExistsError:
        return "stuck"
    return "whole"


SCENARIO = Scenario(
    bug_class="non-atomic write, cut by a crash",
    cwe=(459, 662),
    unsafe=UnsafeSettings,
    still_unsafe=StillUnsafeSettings,
    fixed=FixedSettings,
    actors={"alice": saver, "bob": reader},
    on="processes",
    crash=("alice",),
    outcome=what_is_left,
    allowed={"whole": "the settings are the old or the new ones, and can be saved"},
    forbidden={"half": "the settings are lost", "stuck": "nothing can be saved any more"},
    seen_in=("configuration files of no length after a crash",),
    hint="What has happened to the file when the lock is given back by nobody?",
    review=(
        "A file that is emptied and written in place, whoever is locked out meanwhile.",
        'A temporary file of a fixed name opened with "x" or O_EXCL, and nothing that removes it after a crash.',
    ),
)
