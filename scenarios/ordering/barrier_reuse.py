"""Barrier reuse: the fast one is through the next gate before the slow one has left the first.

A barrier lets nobody on until everybody is there.  This one counts arrivals, and
the last to arrive sets the count back, for the next round, and wakes the others.
They look once more at the count, to see whether the round is over:

    alice   arrived = 1; waits
    bob     arrived = 2: all there; arrived = 0; wakes alice
    bob     walks on to the next gate: arrived = 1; waits
    alice   wakes up; arrived is 1     "not all here yet": waits, for ever

One number tells two things, who has come now and whether the last round is over,
and the second is forgotten too early.  To hand out tickets in place of the look,
one for each who may pass, is no better.  Nobody checks who uses them:

    bob     two tickets; takes one; walks on to the next gate
    bob     takes the other, and is through; it was alice's, who waits for ever

What a waiter has to see is that *its* round is over: a number of the round, which
only grows.
"""

import threading

from lab import Scenario

WALKERS = 2
GATES = 2


class UnsafeGate:
    def __init__(self):
        self.arrived = 0
        self.all_here = threading.Condition()  # guards arrived
        self.stages = []  # which stage of the walk was entered, in the order of entering

    def pass_together(self):
        with self.all_here:
            self.arrived += 1
            if self.arrived == WALKERS:
                self.arrived = 0  # ready for the next round, while the last one is still ending
                self.all_here.notify_all()
            else:
                while self.arrived:
                    self.all_here.wait()


class StillUnsafeGate(UnsafeGate):
    def __init__(self):
        super().__init__()
        self.tickets = threading.Semaphore(0)

    def pass_together(self):
        with self.all_here:
            self.arrived += 1
            if self.arrived == WALKERS:
                self.arrived = 0
                self.tickets.release(WALKERS)  # one for each, but they bear no name
        self.tickets.acquire()


class FixedGate(UnsafeGate):
    def __init__(self):
        super().__init__()
        self.round = 0

    def pass_together(self):
        with self.all_here:
            mine = self.round
            self.arrived += 1
            if self.arrived == WALKERS:
                self.arrived = 0
                self.round += 1
                self.all_here.notify_all()
            else:
                while self.round == mine:  # what has happened since cannot make it true again
                    self.all_here.wait()


class LibraryGate(UnsafeGate):
    def __init__(self):
        super().__init__()
        self.barrier = threading.Barrier(WALKERS)

    def pass_together(self):
        self.barrier.wait()  # the library's own, which may be used again


def walk(gate):
    for stage in range(GATES):
        gate.stages.append(stage)
        gate.pass_together()
    gate.stages.append(GATES)


def kept_together(gate):
    return gate.stages == sorted(gate.stages)


SCENARIO = Scenario(
    bug_class="order violation",
    cwe=(821, 833, 662),
    unsafe=UnsafeGate,
    still_unsafe=StillUnsafeGate,
    fixed=FixedGate,
    variants={"fixed_library": LibraryGate},
    actors={"alice": walk, "bob": walk},
    outcome=kept_together,
    allowed={True: "nobody entered a stage before all had ended the one before"},
    forbidden={},  # when it goes wrong one of them never arrives
    symptoms={
        "lost wakeup": "one waits for the end of a round that is over",
        "deadlock": "one has used both tickets, and the other waits for hers",
    },
    seen_in=(
        "OSv: a thread of the next round met a barrier of which the last one was not over (issue 857)",
        "Zephyr: woken threads looked at a count that the next round had raised again (pull request 119000)",
        "The Little Book of Semaphores (A. Downey): two non-solutions before the reusable barrier",
    ),
    hint="What does the count say to one who wakes up after the next round has begun?",
    review=(
        "A count that is set back by one thread while others still have to read it.",
        "`while` around a wait on a condition that can become false again before the waiter looks.",
        "A barrier of one's own: there is threading.Barrier.",
    ),
)
