"""Two appenders: two processes add a line to one log, and a line is gone.

To go to the end of a file and to write there are two steps.  Whoever comes in between makes the end another one:

    alice   goes to the end            position 0
    bob     goes to the end            position 0
    bob     writes "bob"
    alice   writes "alice"             over it

Opened for appending, the operating system goes to the end with each write, and nobody comes in between.  With each
write, though: a line that is written in two pieces can still be torn.
"""

import os

from lab import Scenario


class UnsafeLog:
    def __init__(self):
        open("log", "w").close()

    def add(self, who):
        file = os.open("log", os.O_WRONLY)
        os.lseek(file, 0, os.SEEK_END)
        os.write(file, f"{who}\n".encode())  # there may be something by now
        os.close(file)


class StillUnsafeLog(UnsafeLog):
    def add(self, who):
        with open("log", "ab", buffering=0) as file:
            file.write(who.encode())
            file.write(b"\n")  # perhaps behind somebody else's name


class FixedLog(UnsafeLog):
    def add(self, who):
        with open("log", "ab", buffering=0) as file:
            file.write(f"{who}\n".encode())


def alice(log):
    log.add("alice")


def bob(log):
    log.add("bob")


def lines(log):
    with open("log") as file:
        return tuple(sorted(file.read().splitlines()))


SCENARIO = Scenario(
    bug_class="atomicity violation in a file",
    cwe=(362,),
    unsafe=UnsafeLog,
    still_unsafe=StillUnsafeLog,
    fixed=FixedLog,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=lines,
    allowed={("alice", "bob"): "both lines"},
    forbidden={
        ("alice",): "bob's line is lost",
        ("bob", "e"): "alice's line is lost but for its end",
        ("", "alicebob"): "bob's line begins in alice's",
        ("", "bobalice"): "alice's line begins in bob's",
    },
    seen_in=("the logging cookbook: one file for several processes is not supported",),
    hint="Where is the end of the file when the write comes?",
    review=(
        "seek() to the end and write(), where mode 'a' would do both.",
        "A record that is written in several pieces, or that is longer than a buffer.",
    ),
)
