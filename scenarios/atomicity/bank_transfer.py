"""Bank transfer: a hundred in two accounts, and the auditor counts ninety.

Alice moves 10 from savings to current, Bob moves 20 back, Carol adds up both:
it must make 100.  Without locks an update can get lost, and the money for good.
With a lock for each account no update is lost, but a transfer touches two of
them, and in between its amount is in neither.

    alice   savings.balance = 40       10 are on their way
    carol   savings.balance            reads 40
    carol   current.balance            reads 50: the total is 90
    alice   current.balance = 60       and the 10 have arrived

A lock guards a rule, not a variable.  The rule here is about both accounts.
"""

import threading

from lab import Scenario


class Account:
    def __init__(self, balance):
        self.balance = balance
        self.lock = threading.Lock()  # guards balance, where it is used


class UnsafeBank:
    def __init__(self):
        self.savings = Account(50)
        self.current = Account(50)
        self.audited = None  # what carol added up

    def transfer(self, source, target, amount):
        source.balance -= amount
        target.balance += amount

    def total(self):
        return self.savings.balance + self.current.balance


class StillUnsafeBank(UnsafeBank):
    def transfer(self, source, target, amount):
        with source.lock:
            source.balance -= amount
        with target.lock:  # every update counts, but the sum was wrong until here
            target.balance += amount

    def total(self):
        with self.savings.lock:
            savings = self.savings.balance
        with self.current.lock:
            return savings + self.current.balance


class FixedBank(UnsafeBank):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()  # guards "both balances together make 100"

    def transfer(self, source, target, amount):
        with self._lock:
            super().transfer(source, target, amount)

    def total(self):
        with self._lock:
            return super().total()


def alice(bank):
    bank.transfer(bank.savings, bank.current, 10)


def bob(bank):
    bank.transfer(bank.current, bank.savings, 20)


def carol(bank):
    bank.audited = bank.total()


def the_books(bank):
    if bank.total() != 100:
        return "money lost or made"
    return "balanced" if bank.audited == 100 else "wrong audit"


SCENARIO = Scenario(
    bug_class="atomicity violation",
    cwe=(366, 362),
    unsafe=UnsafeBank,
    still_unsafe=StillUnsafeBank,
    fixed=FixedBank,
    actors={"alice": alice, "bob": bob, "carol": carol},
    outcome=the_books,
    allowed={"balanced": "100 in the audit and 100 in the end"},
    forbidden={
        "wrong audit": "the books are right in the end, but carol saw another sum",
        "money lost or made": "an update was lost, and the books stay wrong",
    },
    seen_in=("Flexcoin, 2014: simultaneous transfers overdrew accounts; the wallet was emptied",),
    hint="Which lock, if any, is held while the sum of both accounts is wrong?",
    review=(
        "An invariant over two objects, and a lock for each of them alone.",
        "A reader that collects several values, each under its own lock.",
    ),
)
