"""If instead of while: Alice is woken for a loaf that Bob has just bought.

Alice finds the shelf empty and waits.  Carol bakes a loaf and notifies her.  To
be notified is not to be served: Alice must first get the lock back, and Bob,
who has just walked in, may get it before her.  He takes the loaf.  She checked
with `if`, so she never looks again, and grabs into an empty shelf.

    alice   shelf is empty: wait()
    carol   bakes rye; notify()        alice may go on, once she has the lock
    bob     shelf is not empty: pop()  he was quicker
    alice   pop()                      IndexError: pop from empty list

Waking everybody does not help: then two of them run for the one loaf.  The
answer is to look again after each wait, and that is what `while` does.
"""

import threading

from lab import Scenario


class UnsafeShelf:
    def __init__(self):
        self.loaves = []
        self.sold = []
        self.baked = threading.Condition()  # guards loaves and sold

    def bake(self, loaf):
        with self.baked:
            self.loaves.append(loaf)
            self.baked.notify()

    def buy(self):
        with self.baked:
            if not self.loaves:
                self.baked.wait()
            self.sold.append(self.loaves.pop())  # was there a loaf, or is there one?


class StillUnsafeShelf(UnsafeShelf):
    def bake(self, loaf):
        with self.baked:
            self.loaves.append(loaf)
            self.baked.notify_all()  # now everybody is told of one loaf


class FixedShelf(UnsafeShelf):
    def buy(self):
        with self.baked:
            while not self.loaves:  # woken means "look again", not "it is yours"
                self.baked.wait()
            self.sold.append(self.loaves.pop())


def customer(shelf):
    shelf.buy()


def baker(shelf):
    shelf.bake("rye")
    shelf.bake("spelt")  # enough for both customers in the end


def loaves_sold(shelf):
    return tuple(sorted(shelf.sold))


SCENARIO = Scenario(
    bug_class="order violation",
    cwe=(821, 662),
    unsafe=UnsafeShelf,
    still_unsafe=StillUnsafeShelf,
    fixed=FixedShelf,
    actors={"alice": customer, "bob": customer, "carol": baker},
    outcome=loaves_sold,
    allowed={("rye", "spelt"): "a loaf for each customer"},
    forbidden={},  # when it goes wrong an actor dies
    symptoms={"exception": "IndexError: pop from empty list"},
    seen_in=("a tutorial's consumer, once its inner loop was dropped (laurentluce/python-tutorials 2)",),
    hint="Who can run after notify() and before wait() has returned?",
    review=(
        "`if` before `wait()`. Use `while`, or `wait_for` with the condition.",
        "Code that takes a wakeup for a promise that the awaited thing is still there.",
    ),
)
