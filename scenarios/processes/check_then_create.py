"""Check then create: both look for the lock file, neither finds it, and both do the work.

A file that exists stands for "somebody is at it".  To look for it and then to make it are two steps:

    alice   is there a claim?          no
    bob     is there a claim?          no
    alice   makes one, and sends the invoice
    bob     makes one, and sends the invoice

Looking a second time only makes the gap smaller.  The operating system can do both at once: opened with mode "x",
a file is created or it is an error, and of two processes one gets the error.
"""

import os
from pathlib import Path

from lab import Scenario


class UnsafeClaim:
    def __init__(self):
        os.mkdir("sent")

    def claim(self):
        if os.path.exists("claim"):
            return False
        Path("claim").touch()  # perhaps somebody has done so meanwhile
        return True

    def send(self, who):
        if self.claim():
            Path("sent", who).touch()


class StillUnsafeClaim(UnsafeClaim):
    def claim(self):
        if os.path.exists("claim") or os.path.exists("claim"):  # better look twice?
            return False
        Path("claim").touch()
        return True


class FixedClaim(UnsafeClaim):
    def claim(self):
        try:
            open("claim", "x").close()  # made here, or not at all
        except FileExistsError:
            return False
        return True


def alice(invoice):
    invoice.send("alice")


def bob(invoice):
    invoice.send("bob")


def invoices(invoice):
    return len(os.listdir("sent"))


SCENARIO = Scenario(
    bug_class="time of check, time of use",
    cwe=(367, 362),
    unsafe=UnsafeClaim,
    still_unsafe=StillUnsafeClaim,
    fixed=FixedClaim,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=invoices,
    allowed={1: "one invoice"},
    forbidden={2: "the invoice was sent twice"},
    seen_in=("the documentation of os.access(), which warns of asking before opening",),
    hint="Can two processes both find that the file is not there?",
    review=(
        "os.path.exists(), os.access() or a listing, followed by the creation of what was not there.",
        "A lock file that is made by anything but mode 'x' or O_EXCL.",
    ),
)
