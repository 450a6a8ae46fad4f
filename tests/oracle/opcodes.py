"""A second oracle: real threads, of which only one runs, switched between any two bytecode instructions.

It shares no code with the lab.  ``sys.settrace`` reports every instruction before it
is executed, and there the thread may have to let another one go on.  Locks are the only
thing replaced (`locks`): everything that `threading` and `queue` build on them runs as
it is written, and may be interrupted as well.  So whatever is seen here can happen;
what is not seen may only be rare.
"""

from __future__ import annotations

import random
import sys
from _thread import allocate_lock, get_ident
from collections.abc import Callable

SOON = 10.0  # seconds: a shorter timeout may end while others could go on
LONGEST = 20_000  # instructions of one execution
PATIENCE = 3_000  # instructions: then nobody stays in front for good, as others may wait in a loop
STUCK = 20.0  # seconds of real time in which nothing happens


class Abandoned(BaseException):
    """Ends a thread whose execution is over."""


class Task:
    """One thread: what it waits for, and until when."""

    def __init__(self, number: int, daemon: bool) -> None:
        self.number = number
        self.daemon = daemon
        self.turn = allocate_lock()
        self.turn.acquire()
        self.over = False
        self.can_go: Callable[[], bool] | None = None  # None: whenever it likes
        self.deadline: float | None = None
        self.long = False
        self.priority = 0.0
        self.function: Callable[[], None] | None = None


class Execution:
    """One execution under a schedule that is drawn.

    ``switches`` is the chance to switch at an instruction; where it is 0 the thread
    with the highest priority runs, and at ``changes`` instructions it becomes the last
    (Burckhardt et al., ASPLOS 2010).  ``stepped`` says of a file whether its
    instructions count.
    """

    def __init__(self, draw: random.Random, switches: float, changes: set[int], stepped: Callable[[str], bool]) -> None:
        self.draw = draw
        self.switches = switches
        self.changes = changes
        self.stepped = stepped
        self.tasks: list[Task] = []
        self.of: dict[int, Task] = {}  # by thread
        self.ended = allocate_lock()
        self.ended.acquire()
        self.now = 1_000.0
        self.steps = 0
        self.abandoned = False
        self.result: str | None = None  # deadlock, endless or the name of an exception
        self._left = 0

    # ------------------------------------------------------------ threads

    def add(self, function: Callable[[], None], daemon: bool, start: Callable) -> Task:
        """A thread that has not had its turn yet."""
        task = Task(len(self.tasks), daemon)
        task.priority = self.draw.random()
        self.tasks.append(task)
        self._left += 1
        task.function = function
        start(self._body, (task,))
        return task

    def _body(self, task: Task) -> None:
        task.turn.acquire()
        self.of[get_ident()] = task
        try:
            if not self.abandoned:
                sys.settrace(self._enter)
                task.function()
        except Abandoned:
            pass
        except BaseException as error:  # what leaves an actor is a result
            self.failed(error)
        finally:
            sys.settrace(None)
            task.function = None  # what ends with it ends while it still has the turn
            task.over = True
            del self.of[get_ident()]
            self._hand_on_or_end()

    def failed(self, error: BaseException) -> None:
        """An exception left a thread."""
        if not self.abandoned and self.result is None:
            self.result = type(error).__name__
            self.abandoned = True

    def _hand_on_or_end(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.ended.release()
            return
        if not any(not task.over and not task.daemon for task in self.tasks):
            self.abandoned = True
        self._next(None).turn.release()

    def run(self) -> None:
        """Until every thread has ended."""
        self._next(None).turn.release()
        if not self.ended.acquire(timeout=STUCK):
            raise RuntimeError(f"nothing has happened for {STUCK} s: something blocks that is not replaced")

    # ------------------------------------------------------------ the schedule

    def _enter(self, frame, event, argument):
        if self.stepped(frame.f_code.co_filename):
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
            return self._instruction
        return None

    def _instruction(self, frame, event, argument):
        if event == "opcode" and not self.abandoned:
            self._step()
        return self._instruction

    def _step(self) -> None:
        task = self.of[get_ident()]
        self.steps += 1
        if self.steps > LONGEST:
            self.result, self.abandoned = "endless", True
            raise Abandoned
        if self.steps in self.changes or (not self.switches and not self.steps % PATIENCE):
            task.priority = -self.draw.random() - self.steps
        elif not self.switches or self.draw.random() >= self.switches:
            return
        self.let_go(task)

    def let_go(self, task: Task) -> None:
        """Somebody else may go on; raises Abandoned when the execution has ended meanwhile."""
        following = self._next(task)
        if following is not task:
            following.turn.release()
            task.turn.acquire()
        if self.abandoned:
            raise Abandoned

    def wait(self, can_go: Callable[[], bool], seconds: float | None) -> bool:
        """The running thread goes on when ``can_go`` says so; false when its time is up first."""
        task = self.of[get_ident()]
        task.can_go = can_go
        task.deadline = None if seconds is None else self.now + max(0.0, seconds)
        task.long = seconds is not None and seconds >= SOON
        try:
            self.let_go(task)
        finally:
            deadline, task.can_go, task.deadline = task.deadline, None, None
        if can_go():
            return True
        assert deadline is not None
        self.now = max(self.now, deadline)
        return False

    def _next(self, current: Task | None) -> Task:
        alive = [task for task in self.tasks if not task.over]
        if self.abandoned:
            return current if current in alive else alive[0]
        enabled = [task for task in alive if task.can_go is None or task.can_go()]
        timed = [task for task in alive if task.deadline is not None and task not in enabled]
        if timed:
            first = min(task.deadline for task in timed)
            enabled += [task for task in timed if task.deadline == first and not (task.long and enabled)]
        if not any(not task.daemon for task in enabled) and not any(task.daemon for task in enabled):
            self.result, self.abandoned = "deadlock", True
            return current if current in alive else alive[0]
        if self.switches:
            return self.draw.choice(enabled)
        return max(enabled, key=lambda task: task.priority)


CURRENT: list[Execution] = []
"""The execution that goes on, if any."""


def current() -> Execution | None:
    """The execution of the calling thread; None outside of it."""
    if CURRENT and get_ident() in CURRENT[0].of:
        return CURRENT[0]
    return None
