"""Draw a graph of states: execute the program again and again, each time along a move that was not made yet."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.execution import Stopped
from lab.carriers.task_actor import Outside
from lab.crossing import Crossing
from lab.errors import OutOfTime
from lab.exploration import Exploration
from lab.graph import Ending, Move, Node, State
from lab.histories import Histories, History, clockwork
from lab.leftovers import FirstWrites, Writes
from lab.operations import SYNC
from lab.program import NOTHING, Failure, Program, told
from lab.standings import Observing, state_of
from lab.stopwatch import now, spent
from lab.strategies.replay import Choices
from lab.trace import Step

_MOST_RESTARTS = 50
_MOST_HALTS = 20  # executions that were cut short, and others, from which it is learned what actors share

_Label = tuple[str, str]
"""Of a move: the actor's name, and a word where it is something that happens to it."""

_Open = tuple[int, int, int, _Label]
"""A move that was not made yet: how far the way there strays, a number of its own, the node, the move."""


@dataclass(eq=False)
class Drawing:
    """A graph that is being drawn, and the executions that do it; `run` draws it."""

    exploration: Exploration
    merging: bool
    most: int  # nodes
    until: float  # of the processor's time
    deadline: float  # of real time
    first: Sequence[Step] = ()  # of a witness, which is to be in the graph whatever else is

    beginning: bool = False  # whether to let an actor begin is a move: somebody fails before its first operation

    def __post_init__(self) -> None:
        self._crossing = Crossing()
        self._writes = FirstWrites()
        self._everything = False  # is noted in each execution, rather than only where something seems to be shared
        self._halts = 0  # executions that were cut short
        self._ends = 0  # those that were not, since the first one that was
        self.begin()

    def begin(self) -> None:
        """Draw afresh: a decision has been discovered that was none before."""
        self.nodes: list[Node] = []
        self._keys: dict[object, int] = {}
        self._ways: list[tuple[int, _Label] | None] = []  # of each node: from which node and by which move it was met
        self._open: list[_Open] = []
        self._histories = Histories()
        self.differs = ""  # how prefixes differed that were taken for one

    def run(self) -> str:
        """Explore until nothing is left to do; why it ended before, or nothing."""
        restarts = 0
        path: list[_Label] = []
        deviations = 0
        while True:
            try:
                changed = self._execute(path, deviations)
            except OutOfTime:
                return "an execution takes too long"
            if changed:
                restarts += 1
                if restarts > _MOST_RESTARTS:
                    return "something new turned out to be shared again and again"
                self.begin()
                path, deviations = [], 0
                continue
            if self.differs:
                return self.differs
            following = self._following()
            if following is None:
                return ""
            path, deviations, move = following
            bound = self._bound()
            if bound:
                heapq.heappush(self._open, move)
                return bound

    def _bound(self) -> str:
        """Which bound has been reached, in words."""
        if len(self.nodes) > self.most:
            return f"it has more than {self.most:,} states"
        if spent() > self.until or now() > self.deadline:
            return "to explore all of its states takes too long"
        return ""

    def leave_open(self) -> None:
        """Draw the moves that were not made as leading nowhere."""
        for _, _, number, (actor, word) in self._open:
            moves = self.nodes[number].moves
            if not any((move.actor, move.word) == (actor, word) for move in moves):
                moves.append(Move(actor, word, (), -1))

    def _following(self) -> tuple[list[_Label], int, _Open] | None:
        """The way to a move that was not made yet, how far it strays, and its entry; None if there is none."""
        while self._open:
            entry = heapq.heappop(self._open)
            deviations, _, node, label = entry
            if any((move.actor, move.word) == label for move in self.nodes[node].moves):
                continue
            path = [label]
            way = self._ways[node]
            while way is not None:
                path.append(way[1])
                way = self._ways[way[0]]
            return path[::-1], deviations, entry
        return None

    # ------------------------------------------------------------ one execution

    def _execute(self, path: list[_Label], deviations: int) -> bool:
        """Follow ``path``, then go on; whether something was learned that makes all that was drawn worthless."""
        control: Any = self.exploration.control
        self._path, self._deviations = path, deviations
        self._chosen: tuple[int, _Label] | None = None  # the move that is being made
        self._since = 0  # steps before it
        self._depth = 0
        self._over = False
        self._last_state: State | None = None  # when the last step had been taken
        self._seen = Observing()
        self._history = History(self._histories)
        self._labels: list[_Label] = []
        control.log, control.fewest, control.closing = not control.tasked, 1, self._close
        try:
            return self._run_and_learn()
        finally:
            control.log, control.fewest, control.closing = False, 2, None

    def _run_and_learn(self) -> bool:
        """One execution, and another one in which everything is noted where something seems to be shared."""
        exploration = self.exploration
        control: Any = exploration.control
        known = len(control.hot), len(control.class_names)
        plain = not control.tasked and exploration.carrier in ("greenlet", "thread")
        everything = self._everything or not plain
        sharing, writes = (Writes(), None) if everything else (None, self._writes)
        self._writes.clear()
        outcome, failure = NOTHING, None
        try:
            outcome, failure = exploration.execute(
                self._choose, self._seen, sharing=sharing, setup=exploration.leftovers.setup, writes=writes
            )
        except OutOfTime:
            if not self._over:
                raise
            control.halted = ""
        if control.late:  # what each thread has for itself was not known to be in use
            changed, self._everything = not self._everything, True
            if changed:
                return True
        if not self._over:
            self._end(outcome, failure)
        if control.halted and not control.tasked and not all(one.begun for one in control._declared):
            changed, self.beginning = not self.beginning, True
            if changed:
                return True
        if sharing is not None:
            exploration.take_in(sharing)
            exploration.leftovers.take_in(sharing)
        else:
            exploration.leftovers.take_in_first(self._writes, control.touched)
            if control.suspicious:
                control.closing = None
                exploration.learn(control.choices)
        self._learn_from_halt(sharing)
        return bool(exploration.discovery.take_found()) or known != (len(control.hot), len(control.class_names))

    def _learn_from_halt(self, sharing: Writes | None) -> None:
        """An execution that is cut short does not show what actors would come to; so several are put together."""
        control: Any = self.exploration.control
        if control.tasked or self._over or not (control.halted or self._halts):
            return
        if control.halted:
            self._halts += 1
        else:
            self._ends += 1
        if (self._halts if control.halted else self._ends) > _MOST_HALTS:
            return
        standstill = list(control.standstill) if control.halted == "stuck" else []
        if sharing is None:
            sharing = Writes()
            control.closing = None
            follow = Choices(control.choices)
            self._crossing.names = None
            self.exploration.execute(
                follow.choose, sharing=sharing, setup=self._crossing.naming(self.exploration.leftovers.setup)
            )
            standstill = list(control.standstill) if control.halted == "stuck" else []
        for actor, wait in standstill:
            if wait.owner is not None and wait.site is not None:  # it touches what it waits for as well
                sharing.note(actor, wait.owner, SYNC, True, wait.site)
        self.exploration.take_in(sharing)
        self._crossing.take_in(control.hot, sharing)

    def _choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        control: Any = self.exploration.control
        if not control.tasked and not self.beginning:
            for actor in enabled:
                if not actor.begun:
                    return actor  # what comes before its first operation concerns nobody
        labels = _labels(enabled)
        if self._over:
            self._leave(current)
            return enabled[_stay(labels, enabled, current)]
        number, new = self._meet(self._key(labels), enabled)
        self._close_move(number)
        if self._depth < len(self._path):
            label = self._path[self._depth]
            if label not in labels:
                self.differs = "the program is not the same in every execution"
                self._leave(current)
                return enabled[0]
        elif not new:
            self._leave(current)
            return enabled[0]
        else:
            label = labels[self._preferred(labels, enabled, current)]
            for other in labels:
                if other != label:
                    self._put_off(number, other, self._deviations + 1)
        self._depth += 1
        self._seen.again = self._depth < len(self._path)
        self._chosen, self._since = (number, label), len(self._seen.steps)
        self._labels.append(label)
        return enabled[labels.index(label)]

    def _preferred(self, labels: list[_Label], enabled: list[Actor], current: Actor | None) -> int:
        """Who goes on past the path: as the witness does, or else as before."""
        taken = len(self._seen.steps)
        if self.first and not self._path and taken < len(self.first):
            step = self.first[taken]
            for position, actor in enumerate(enabled):
                if actor.name == step.actor and actor.comes_to(step.word):
                    return position
        return _stay(labels, enabled, current)

    def _put_off(self, node: int, label: _Label, deviations: int) -> None:
        heapq.heappush(self._open, (deviations, len(self._open) + len(self.nodes) * 100, node, label))

    def _leave(self, current: Actor | None) -> None:
        """What follows is known, so the execution need not go on."""
        self._over = True
        control: Any = self.exploration.control
        control.recorder = None
        if self.exploration.program.processes:
            raise Stopped  # in the runner, where nothing has to be unwound
        if current is not None and not control.tasked:
            control.halt("out of time")

    # ------------------------------------------------------------ nodes

    def _key(self, labels: object) -> object:
        control: Any = self.exploration.control
        if not self.merging:
            return tuple(self._labels)
        self._history.take_in(control.events, control.actors)
        begun = tuple(actor.begun for actor in control._declared) if self.beginning else ()
        return self._history.key(control.actors), clockwork(control), begun

    def _meet(self, key: object, enabled: list[Actor]) -> tuple[int, bool]:
        """The node of that name, and whether it is new."""
        number = self._keys.get(key)
        if number is not None and self._depth < len(self._path):
            return number, False
        state = state_of(self.exploration, self._seen, enabled)
        if number is None:
            self._enter(key, state)
            return len(self.nodes) - 1, True
        if _look(state) != _look(self.nodes[number].state):
            self.differs = "two prefixes that should be alike lead to different states"
        return number, False

    def _enter(self, key: object, state: State, ending: Ending | None = None) -> int:
        self._keys[key] = number = len(self.nodes)
        self.nodes.append(Node(state, ending=ending))
        self._ways.append(self._chosen)
        return number

    def _close_move(self, to: int) -> None:
        """The move that was being made has led to a node."""
        if self._chosen is None:
            return
        number, (actor, word) = self._chosen
        moves = self.nodes[number].moves
        if not any((move.actor, move.word) == (actor, word) for move in moves):
            moves.append(Move(actor, word, tuple(self._seen.steps[self._since :]), to))

    def _close(self) -> None:
        """The last step has been taken, and nothing has been undone yet."""
        if not self._over and self._last_state is None:
            self._last_state = state_of(self.exploration, self._seen, ())

    def _end(self, outcome: Any, failure: Failure | None) -> None:
        ending = _ending(self.exploration.program, outcome, failure)
        control: Any = self.exploration.control
        if self.merging:
            self._history.take_in(control.events, control.actors)
        key = ("end", self._history.last() if self.merging else self._key(()))
        number = self._keys.get(key)
        if number is None:
            number = self._enter(key, self._last_state or State(()), ending)
        elif self.nodes[number].ending != ending:
            self.differs = "two prefixes that should be alike end differently"
        self._close_move(number)


def _labels(enabled: list[Actor]) -> list[_Label]:
    """One for each, the same in every execution; two threads of one name are told apart by their order."""
    found: list[_Label] = []
    for actor in enabled:
        label = (actor.name, actor.word if isinstance(actor, Outside) else "")
        while label in found:
            label = (label[0], f"{label[1]}'")
        found.append(label)
    return found


def _stay(labels: list[_Label], enabled: list[Actor], current: Actor | None) -> int:
    return enabled.index(current) if current is not None and current in enabled else 0


def _look(state: State) -> object:
    """What has to be the same of two prefixes that are one node; names of objects depend on who met them first."""
    return (
        frozenset((one.actor, one.status, one.line) for one in state.actors),
        sorted(value for _, value in state.values),
    )


def _ending(program: Program, outcome: Any, failure: Failure | None) -> Ending:
    if failure is not None:
        return Ending(failure.kind, failure.message)
    if outcome is NOTHING:
        return Ending("", "")
    description = program.descriptions.get(outcome)
    return Ending("", f"outcome {told(outcome)}" + (f": {description}" if description else ""))
