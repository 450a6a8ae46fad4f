"""Lock order: one cook holds the knife, the other the board, and nobody cooks.

Alice takes the knife and reaches for the board.  Bob takes the board and
reaches for the knife.  Each waits for what the other holds, and will not let
go of what they have.

    alice   takes the knife
    bob     takes the board
    alice   wants the board            bob has it: wait
    bob     wants the knife            alice has it: wait, for ever

A popular way out is politeness: if the second tool is taken, put the first one
down and start with the other.  When both are polite at once they have merely
swapped places, and now Alice holds the board and Bob the knife.  What helps is
one order for everybody.
"""

import threading

from lab import Scenario


class UnsafeKitchen:
    def __init__(self):
        self.tools = {"board": threading.Lock(), "knife": threading.Lock()}
        self.dishes = []

    def cook(self, dish, first, second):
        with self.tools[first]:
            with self.tools[second]:  # waits here with the first one in hand
                self.dishes.append(dish)


class StillUnsafeKitchen(UnsafeKitchen):
    def cook(self, dish, first, second):
        self.tools[first].acquire()
        if not self.tools[second].acquire(blocking=False):
            self.tools[first].release()  # polite, so far
            self.tools[second].acquire()
            self.tools[first].acquire()  # and again waits with one in hand
        self.dishes.append(dish)
        self.tools[second].release()
        self.tools[first].release()


class FixedKitchen(UnsafeKitchen):
    def cook(self, dish, first, second):
        first, second = sorted((first, second))  # one order, whatever the caller says
        super().cook(dish, first, second)


def alice(kitchen):
    kitchen.cook("soup", "knife", "board")


def bob(kitchen):
    kitchen.cook("salad", "board", "knife")


def dishes_cooked(kitchen):
    return tuple(sorted(kitchen.dishes))


SCENARIO = Scenario(
    bug_class="deadlock",
    cwe=(833, 667),
    unsafe=UnsafeKitchen,
    still_unsafe=StillUnsafeKitchen,
    fixed=FixedKitchen,
    actors={"alice": alice, "bob": bob},
    outcome=dishes_cooked,
    allowed={("salad", "soup"): "both dishes cooked"},
    forbidden={},  # when it goes wrong there is no outcome at all
    symptoms={"deadlock": "each holds one tool and waits for the other"},
    seen_in=(
        "circular imports in two threads: importlib has to detect crossed module locks",
        "database transactions that update the same rows in opposite order",
    ),
    hint="Draw an arrow from each held lock to the lock its holder wants. Is there a ring?",
    review=(
        "Two locks taken in an order that the caller, the data or the time of day decides.",
        "A helper that takes a lock, called by code that already holds one.",
    ),
)
