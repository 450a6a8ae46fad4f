"""What is known of the execution that is going on; the part of the engine without behaviour."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from threading import get_ident
from types import GeneratorType
from typing import Any, Protocol

from lab.carriers.actor import Actor, Event, Wait
from lab.discovery import Discovery
from lab.instrument import Site
from lab.virtual.local import RealLocals, ThreadLocals

LOOK = 1_000  # steps between two looks at the real time
_FIRST_MOMENT = 1_700_000_000.0  # virtual seconds: the same date in every execution


class Stopped(BaseException):
    """Unwinds an actor whose execution has ended."""


class Recorder(Protocol):
    """Sees every step of one execution at shared objects."""

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None: ...

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None: ...

    def waits(self, actor: Actor, owner: object, site: Site) -> None: ...

    def awaits(self, actor: Actor, found: Any, other: Actor | None) -> None: ...


class Sharing(Protocol):
    """Sees every access of one execution, to tell which sites touch shared objects."""

    def note(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None: ...


Choose = Callable[[list[Actor], Actor | None], Actor]


def _first_enabled(enabled: list[Actor], current: Actor | None) -> Actor:
    return enabled[0]


class Execution:
    """The engine's memory.  One object serves all executions of an exploration: `_clear` begins the next."""

    tasked = False  # there is an event loop
    cut_off: Sequence[tuple[Actor, int]] = ()  # processes that an actor has killed, and the position of that event
    met_threads = False  # beside the tasks of an event loop, in some execution

    __slots__ = (  # which are read faster: every hook reads a dozen of them
        (
            "_declared",
            "actors",
            "asked_for_ends",
            "busy",
            "choices",
            "choose",
            "class_names",
            "clock_reads",
            "closing",
        )
        + (
            "counting",
            "current",
            "daemons",
            "discovery",
            "doubts",
            "ended",
            "ended_with",
            "era",
            "escaped",
            "events",
            "fewest",
            "findings",
        )
        + (
            "gave_way",
            "going_on",
            "going_round",
            "halted",
            "held",
            "hot",
            "identity",
            "interrupted",
            "joining",
            "kept",
            "last",
        )
        + ("last_decision", "left_behind", "live", "locals", "log", "main", "next_index", "noted", "notes", "now")
        + ("behind", "deadline", "enough", "generators", "last_chance", "next_look", "overdue", "passed_over_sleepers")
        + ("passed_over", "passed_over_timers", "patience", "quiet", "quiet_steps", "read_time", "ready", "recorder")
        + ("sharing", "standstill", "starving", "step_limit", "steps", "steps_before", "stubborn_steps")
        + ("suspicious", "takes_signals", "teardown_error", "timers", "touched", "unfinished", "unwinding")
        + ("late", "texts", "waiting", "was_set", "watched", "watchful", "watching", "writes")
    )

    is_of_processes = False
    waits = False  # whether it asks actors in processes of their own if they have gone round a loop for nothing
    shares_thread = False  # whether all actors run on one OS thread

    def __init__(self, discovery: Discovery, steps: int) -> None:
        self.discovery = discovery
        self.step_limit = steps
        self.deadline: float | None = None  # in real time: no execution may go on after it
        self.era = object()  # tells this exploration from others, for those who must not keep it
        self.hot: set[Site] = set()  # sites where a shared object was touched: the decision points
        self.class_names: set[object] = set()  # attribute names stored on classes while actors ran
        self.locals: ThreadLocals = ThreadLocals() if self.shares_thread else RealLocals()
        self.identity = get_ident()
        self.main = Actor(0, "main", lambda: None, ())
        self.interrupted: BaseException | None = None  # what a signal's handler raised
        self.takes_signals = False  # SIGINT comes to a handler that knows of `overdue`
        self.overdue = False  # the running actor is to be taken off, though it does not come by the lab
        self.escaped = ""  # where an actor did not come by the lab any more
        self.standstill: list[tuple[Actor, Wait]] = []
        self.held: dict[int, Actor | str] = {}
        self.was_set: frozenset[int] = frozenset()
        self.passed_over_timers = False  # in some execution: a long timeout could not end before others had gone on
        self.passed_over_sleepers = False  # in some execution: sleeps could not go on ending before others went on
        self.asked_for_ends = False  # in some execution: whether a thread has ended, which is no step of its own
        self.read_time = ""  # in some execution an actor read the clock: which clock, and where
        self.findings: list[tuple[str, str, tuple[str, ...]]] = []  # kind, message and detail of what nobody raised
        self.notes: dict[str, None] = {}  # what a person may want to know besides
        self.doubts: dict[str, None] = {}  # what else stands against a proof, noted by a carrier that is watched
        self.log = False  # a strategy asks for the events
        self.fewest = 2  # among so many and more the strategy chooses; 1 where it is to see who goes on alone, too
        self.closing: Callable[[], object] | None = None  # called when the last step was taken, before all is undone
        self.counting: Any = None  # what the actors change, where somebody asks for it
        self.watched = False  # in the execution before: functions were reported as they started
        self.patience = 0  # how many stretches of a loop that does not wait for anybody others stand still
        self.main.begun = True
        self._declared: list[Actor] = []
        self.next_index = 1  # of the next child thread
        self.kept: list[object] = []  # what the events are about
        self.ready: dict[tuple[int, int], Sequence[str]] = {}  # event, object id -> what need not have waited before
        self.texts: dict[Any, Any] = {}  # with an entry where somebody is in the middle of making a text
        self.behind: dict[int, weakref.ref[Any]] = {}  # by id of a dictionary: the object whose attributes are in it
        self.generators: dict[int, weakref.ref[GeneratorType[Any, Any, Any]]] = {}  # by id of the frame
        self.passed_over: dict[Actor, tuple[int, float, int]] = {}  # when it was last chosen, and how often it was not
        self.timers: set[int] = set()  # actors that waited for a moment that was still to come
        self.ended_with: list[Actor] = []  # who had not ended
        self._clear()

    def _clear(self) -> None:
        self.events: list[Event] | None = [] if self.log else None
        if self.kept:
            self.kept = []
        if self.behind:
            self.behind = {}
        if self.generators:
            self.generators = {}
        if self.timers:
            self.timers = set()
        if self.passed_over:
            self.passed_over = {}
        if self.ready:
            self.ready = {}
        if self.ended_with:
            self.ended_with = []
        self.recorder: Recorder | None = None
        self.sharing: Sharing | None = None
        self.writes: Any = None  # sees what is written for the first time
        self.late = False  # what belongs to one thread was exchanged too late
        self.watching = False  # functions are reported as they start, where that is not always so
        self.noted = bool(self.class_names)  # a step is more than its place in ``touched``
        self.actors: list[Actor] = [self.main]
        self.live: list[Actor] = [self.main]
        self.choose: Choose = _first_enabled
        self.current = self.main
        self.waiting = 0
        self.quiet = True  # only the main actor may run: nothing to decide, nothing to note
        self.joining = False
        self.unfinished = 0
        self.steps = 0
        # at how many steps to ask whether that is enough
        self.next_look = LOOK if self.step_limit > LOOK else self.step_limit
        self.quiet_steps = 0
        self.last_decision = 0  # how many quiet steps there had been at the last decision
        self.steps_before = 0  # before the last stretch of quiet steps without a decision
        self.busy = self.watchful = 0  # such stretches in a row, without any step and with some
        self.stubborn_steps = 0  # taken by actors that were told to stop
        self.choices: list[int] = []
        self.touched: dict[tuple[int, object], int] = {}  # (object, key) -> who read and wrote it
        self.last_chance = 0  # steps until which everybody has turns, as the strategy did not give them
        self.enough = False  # it is known to have no end
        self.going_round: tuple[str, ...] = ()  # who was seen to do the same for ever
        self.gave_way = False  # somebody who spun had to let another go on
        self.suspicious = False  # a place turned out to be shared at a site that is not hot
        self.last = ""  # who ran when the execution was cut short
        self.going_on = True  # not between executions, when the lab itself may be busy
        self.halted = ""  # why the execution was cut short
        self.left_behind = False  # a thread that is no daemon waits for ever, though the execution is over
        self.unwinding = False
        self.teardown_error: Exception | None = None
        self.now = _FIRST_MOMENT
        self.daemons = False  # a daemon was started
        self.ended: Actor | None = None  # while there are daemons: who ended last of all others
        self.starving: Actor | None = None  # stood still, though it could go on, while sleepers woke again and again
        self.clock_reads = 0
