"""Cover programs of tasks on the lab's engines, each schedule or each class, and without a word on whether it holds."""

import time

from lab.engine import engine
from lab.exhaustion import Exhaustion
from lab.program import Program
from lab.strategies.walk import Walk

SECONDS = 100


def covered(setup, actors, outcome, cancel=False, *, classes=False, walk=False, most=1_000, seconds=SECONDS):
    """The first failure, if there is one, and what was covered.

    With ``classes`` on the freer engine that tells stretches apart, and there with ``walk`` each schedule all the same.
    """
    program = Program.of(setup, actors, None, outcome).with_tasks("fifo", cancel)
    with engine(program, 3_000, (), "auto", strict=classes, classes=classes) as exploration:
        failed = exploration.profile()
        if failed is not None:
            return failed[2], None
        found = Exhaustion(exploration, classes=classes)
        if walk:
            found._strategy = Walk()
        found.go_on(most, time.monotonic() + seconds)
        found.doubts.update(dict.fromkeys(exploration.discovery.uncontrolled))
        return found.failure, found
