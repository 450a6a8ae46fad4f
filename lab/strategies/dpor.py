"""Every schedule that matters, once: dynamic partial order reduction."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lab.carriers.actor import Actor, Event, Places, conflict_of, next_in_turn, operation
from lab.carriers.execution import Execution
from lab.strategies.races import Race, Races
from lab.strategies.reversals import Name, names_of


class Node:
    """A decision on the current path.

    ``sleep`` holds who need not go first here, because what they would do first was
    explored before and nothing since depends on it; ``wanted`` who has to, in order,
    each with who is to go on after that.
    """

    __slots__ = ("chosen", "done", "enabled", "number", "position", "sleep", "wanted")

    def __init__(
        self, number: int, position: int, enabled: tuple[int, ...], sleep: frozenset[int], chosen: int
    ) -> None:
        self.number = number  # of the choice, among all of the execution
        self.position = position  # of the operation that follows
        self.enabled = enabled
        self.sleep = sleep
        self.chosen = chosen
        self.done: list[int] = []
        self.wanted: dict[Name, Sequence[Name]] = {}


class SourceSets:
    """Source-DPOR with sleep sets and wakeup sequences: one execution for each Mazurkiewicz trace.

    Abdulla, Aronis, Jonsson and Sagonas, "Source Sets: A Foundation for Optimal
    Dynamic Partial Order Reduction", JACM 2017, algorithm 1.

    Where this differs: races are looked for when an execution has ended, and only
    among operations after the decision in which it differs from the one before;
    where nobody who could go first was enabled, all who were have to.  Only the
    current path is kept.

    As in algorithm 2 a race is reversed along all that has to come before its later
    operation, so that few executions end with everybody asleep.  But that only tells who
    goes on, not what is covered: who has to go first is decided by algorithm 1, so
    there is one sequence for each, and no tree; and of sleepers that would stay asleep
    it is not asked whether anything could wake them.  Algorithm 2 can ask, because what
    it has put off has the same addresses in every execution; here objects have other ids.
    """

    name = "dpor"
    _PATIENCE = 200  # decisions: then a loop may wait for somebody else
    _MOST_PATIENCE = 1_000  # decisions: then it may wait for somebody who is asleep, and would do so for ever

    def __init__(self) -> None:
        self.stayed_long = False  # an actor went on for so long that it may have waited in a loop
        self.restart()

    def restart(self) -> None:
        """Forget what was covered: a decision has been discovered that was none before."""
        self._path: list[Node] = []
        self._nodes: dict[int, Node] = {}  # the decision before the operation at a position
        self._races = Races(self._was_enabled, self._was_ready)
        self._begun = False
        self._choices: list[tuple[int, int]] = []  # of the path: who was chosen, and of how many
        self._made = 0  # choices of this execution
        self._sleeping: dict[int, Places] = {}  # who is asleep -> what they would do
        self._seen = 0
        self._until = sys.maxsize  # events from here on repeat what is covered
        self._ahead: Sequence[Name] = ()  # who goes on after the choice in which an execution differs from the last
        self._ahead_of = 0  # the position of the first of them
        self._stayed = 0
        self._waited = 0  # decisions since the last one at which nobody was asleep
        self.impatient = False  # an execution counted as one that repeats, as it seemed to wait for somebody asleep
        self.redundant = False  # the execution repeats a trace that is covered
        self.diverged = ""  # how an execution differed from the one before, where it had to be the same
        self._execution: Execution | None = None

    def begin(self, execution: Execution) -> bool:
        if self._begun and not self._path:
            return False
        self._execution = execution
        execution.log = True
        self._made = self._stayed = self._seen = self._waited = 0
        self._until = sys.maxsize
        self._sleeping = {}
        self.redundant = False
        return True

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        number = self._made
        self._made = number + 1
        if number < len(self._choices):
            who, width = self._choices[number]
            if width == len(enabled):
                for actor in enabled:
                    if actor.index == who:
                        return actor
            return self._diverge(number, enabled)
        chosen = self._decide(number, enabled, current)
        self._choices.append((chosen.index, len(enabled)))
        return chosen

    def _decide(self, number: int, enabled: list[Actor], current: Actor | None) -> Actor:
        """Choose where the path does not tell who goes on."""
        for actor in enabled:
            if not actor.begun:
                return actor  # what comes before its first operation concerns nobody
        execution = self._execution
        assert execution is not None
        assert execution.events is not None
        position = len(execution.events)
        if self._path and number == self._path[-1].number:
            node = self._path[-1]
            self._fall_asleep(node, execution.actors)
            self._seen = position
            chosen = next((actor for actor in enabled if actor.index == node.chosen), None)
            if chosen is None or node.position != position or len(enabled) != len(node.enabled):
                return self._diverge(number, enabled)
            return chosen
        awake = enabled
        if self._sleeping:
            self._wake(execution.events, position)
            awake = [actor for actor in enabled if actor.index not in self._sleeping]
            self._waited = 0 if len(awake) == len(enabled) else self._waited + 1
            if self._waited > self._MOST_PATIENCE:
                self.redundant = self.impatient = True
        if self.redundant or not awake:
            self._until = min(self._until, position)
            self.redundant = True
            return self._fair(enabled, current)
        chosen = self._planned(awake, position) if self._ahead else None
        if chosen is None:
            chosen = self._first_choice(awake, current)
        node = Node(
            number, position, tuple([actor.index for actor in enabled]), frozenset(self._sleeping), chosen.index
        )
        self._path.append(node)
        self._nodes[position] = node
        return chosen

    def _planned(self, awake: list[Actor], position: int) -> Actor | None:
        """Who is to go on next so that a race comes out the other way round; None if nobody in particular."""
        ahead = position - self._ahead_of
        if ahead < len(self._ahead):
            name = self._ahead[ahead]
            for actor in awake:
                if self._name(actor) == name:
                    return actor
        self._ahead = ()
        return None

    def _name(self, actor: Actor) -> Name:
        """The same in every schedule."""
        if actor.parent is None:
            return actor.index
        assert self._execution is not None
        return names_of(self._execution.actors)[actor.index]

    def _index(self, name: Name) -> int:
        """Of the actor of that name; -1 if there is none in this execution."""
        if type(name) is int:
            return name
        assert self._execution is not None
        names = names_of(self._execution.actors)
        return names.index(name) if name in names else -1

    def _diverge(self, number: int, enabled: list[Actor]) -> Actor:
        decision = len([node for node in self._path if node.number <= number])
        self.diverged = self.diverged or f"decision {max(1, decision)}"
        return enabled[0]

    def settle(self, execution: Execution) -> None:
        """Before the execution is repeated to note more: who sleeps is told by the ids of objects, and they change."""
        if self._sleeping:
            self._wake(execution.events or [], len(execution.events or []))
            self._sleeping = {}

    def end(self, execution: Execution) -> None:
        self._begun = True
        events = execution.events or []
        left, cut_off = execution.ended_with, execution.cut_off
        if self._sleeping:
            self._wake(events, len(events))
        if self.redundant:
            events, left, cut_off = events[: self._until], [], ()
        if self._path and self._made <= self._path[-1].number:
            self.diverged = self.diverged or f"decision {len(self._path)}"
        races = None if self.diverged else self._races.of(execution.actors, events, left, cut_off)
        if races is None:
            self.diverged = self.diverged or "an operation"
            return
        for race in races:
            self._reverse(race, events)
        path = self._path
        while path:
            node = path[-1]
            node.done.append(node.chosen)
            following = self._following(node)
            if following is not None:
                node.chosen = following
                del self._choices[node.number :]
                self._races.back_to(node.position)
                return
            path.pop()
            if path and path[-1].position == node.position:
                self._nodes[node.position] = path[-1]
            else:
                del self._nodes[node.position]

    def _was_enabled(self, position: int, who: int) -> bool:
        node = self._nodes.get(position)
        return node is not None and who in node.enabled

    def _was_ready(self, position: int, event: Event) -> bool | None:
        """Whether an operation that may have to wait need not have done so before the event at a position."""
        assert self._execution is not None
        place = event[1]
        known = None if place is None else self._execution.ready.get((position, place[0]))
        return None if known is None else event[4] in known

    def _reverse(self, race: Race, events: Sequence[Event]) -> None:
        """See to it that the operations of a race happen the other way round, too."""
        node = self._nodes.get(race[0])
        if node is None:
            return
        assert self._execution is not None
        actors = self._execution.actors
        reversal = self._races.reversal(race)
        for one in reversal.initials(events):
            if one in node.sleep or one in node.done or one == node.chosen or self._name(actors[one]) in node.wanted:
                return
        if not (self.redundant or self._execution.ended_with or self._execution.cut_off):
            others = (*node.sleep, *node.done, *map(self._index, node.wanted))
            if others and reversal.is_vain(events, others, self._races.at):
                return
        first, *following = reversal.sequence()
        if first in node.enabled:
            node.wanted[self._name(actors[first])] = [self._name(actors[one]) for one in following]
            return
        for one in node.enabled:
            if one != node.chosen and one not in node.done and one not in node.sleep:
                node.wanted.setdefault(self._name(actors[one]), ())

    def _following(self, node: Node) -> int | None:
        """Who is to go first next; None when all who have to have."""
        while node.wanted:
            who = self._first_wanted(node)
            if who not in node.done and who not in node.sleep:
                return who
        return None

    def _first_wanted(self, node: Node) -> int:
        """Take out who is to go first next, and remember how it is to go on."""
        name = next(iter(node.wanted))
        self._ahead, self._ahead_of = node.wanted.pop(name), node.position + 1
        return self._index(name)

    def _fall_asleep(self, node: Node, actors: list[Actor]) -> None:
        self._sleeping = {who: operation(actors[who]) for who in (*node.sleep, *node.done)}

    def _first_choice(self, awake: list[Actor], current: Actor | None) -> Actor:
        return self._fair(awake, current)

    def estimate(self, leaves: int) -> int:
        """How many classes there are, if what is left of the path's decisions is like what was explored."""
        share, scale = 0.0, 1.0
        for node in self._path:
            known = len(node.done) + (node.chosen not in node.done) + len(node.wanted)
            share += scale * len(node.done) / known
            scale /= known
        return round(leaves / share) if share else leaves

    def _wake(self, events: Sequence[Event], position: int) -> None:
        """Sleepers whose next operation depends on what has happened since are awake again.

        One that went on asleep, because nobody else could, repeats what is covered.
        """
        sleeping = self._sleeping
        for at in range(self._seen, position):
            event = events[at]
            if event[0].index in sleeping:
                self.redundant = True
                self._until = min(self._until, at)
                break
            places: Places = ((event[1], event[2]), *event[3]) if event[1] is not None else ()
            for who in [who for who, others in sleeping.items() if conflict_of(places, others)]:
                del sleeping[who]
            if not sleeping:
                break
        self._seen = position

    def _fair(self, enabled: list[Actor], current: Actor | None) -> Actor:
        """The actor that runs goes on, but not for ever."""
        self._stayed += 1
        if not self._path or current is None or current not in enabled:
            self._stayed = 0
            return enabled[0]
        if self._stayed > self._PATIENCE and len(enabled) > 1:
            self._stayed = 0
            self.stayed_long = True
            return next_in_turn(enabled, current) or current
        return current
