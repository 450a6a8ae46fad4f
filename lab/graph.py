"""The graph of states of a program: who can step where, what that does, and where it leads.

A node stands for all prefixes of schedules after which everything that can follow is the same; an edge is what one
actor does when it is chosen there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.trace import Step


@dataclass(frozen=True, slots=True)
class Standing:
    """How one actor stands at a node."""

    actor: str
    status: str  # "ready", "blocked" or "ended"
    why: str = ""  # of a blocked one: what it waits for, in words
    line: int = 0  # of a blocked one, in the file of the program; 0 where it is not known


@dataclass(frozen=True, slots=True)
class State:
    """What can be shown of a node."""

    actors: tuple[Standing, ...]
    values: tuple[tuple[str, str], ...] = ()  # shared places that were touched by then -> what is there
    held: tuple[tuple[str, str], ...] = ()  # lock -> who holds it


@dataclass(frozen=True, slots=True)
class Ending:
    """What an execution came to."""

    failure: str  # its kind; empty where nothing was wrong
    told: str  # the failure's message, or the outcome


@dataclass(slots=True)
class Move:
    """What is done when an actor is chosen: its step, and what follows before there is another choice."""

    actor: str
    word: str  # tells what happens to an actor from what it does; empty for the latter
    steps: tuple[Step, ...]
    to: int  # the node that it leads to; -1 where that was not explored


@dataclass(slots=True)
class Node:
    """One state; the last ones have an ending and no moves."""

    state: State
    moves: list[Move] = field(default_factory=list)
    ending: Ending | None = None


@dataclass
class Graph:
    """All nodes that were explored; the first one is where every execution begins."""

    nodes: list[Node]
    complete: bool = True
    why: str = ""  # it is not complete, or its prefixes were not merged
    classes: int = 0  # executions that differ in more than the order of operations that do not depend on each other

    @property
    def endings(self) -> list[Ending]:
        """Of each final node."""
        return [node.ending for node in self.nodes if node.ending is not None]

    def paths(self) -> Iterator[list[Move]]:
        """Every way from the first node to a final one; there may be very many."""
        pending: list[tuple[int, list[Move]]] = [(0, [])]
        while pending:
            number, path = pending.pop()
            node = self.nodes[number]
            if node.ending is not None:
                yield path
            pending += [(move.to, [*path, move]) for move in reversed(node.moves) if move.to >= 0]

    def to_failure(self) -> list[int]:
        """Of each node: how many choices a failure is away at least; -1 where none can be reached."""
        before: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            for move in node.moves:
                if move.to >= 0:
                    before[move.to].append(number)
        found = [-1] * len(self.nodes)
        reached = [number for number, node in enumerate(self.nodes) if node.ending is not None and node.ending.failure]
        for number in reached:
            found[number] = 0
        for number in reached:
            for earlier in before[number]:
                if found[earlier] < 0:
                    found[earlier] = found[number] + 1
                    reached.append(earlier)
        return found

    def merged(self) -> Graph:
        """The same with nodes as one that look the same and after which all is the same.

        The smallest such graph: the states of a deterministic automaton without circles are merged from the last ones
        backwards (D. Revuz, "Minimisation of acyclic deterministic automata in linear time", TCS 1992).
        """
        classes: dict[object, int] = {}
        nodes: list[Node] = []
        number_of: dict[int, int] = {}
        for number in self._backwards():
            node = self.nodes[number]
            moves = [
                Move(move.actor, move.word, move.steps, number_of[move.to] if move.to >= 0 else -1)
                for move in node.moves
            ]
            key = node.state, node.ending, tuple((move.actor, move.word, move.steps, move.to) for move in moves)
            if key not in classes:
                classes[key] = len(nodes)
                nodes.append(Node(node.state, moves, node.ending))
            number_of[number] = classes[key]
        last = len(nodes) - 1  # the first node comes last, and is to come first
        for node in nodes:
            for move in node.moves:
                if move.to >= 0:
                    move.to = last - move.to
        nodes.reverse()
        return Graph(nodes, self.complete, self.why, self.classes)

    def _backwards(self) -> list[int]:
        """All nodes, each after those that its moves lead to."""
        order: list[int] = []
        met = {0}
        pending: list[tuple[int, Iterator[Move]]] = [(0, iter(self.nodes[0].moves))]
        while pending:
            number, moves = pending[-1]
            following = next((move.to for move in moves if move.to >= 0 and move.to not in met), None)
            if following is None:
                order.append(number)
                pending.pop()
            else:
                met.add(following)
                pending.append((following, iter(self.nodes[following].moves)))
        return order
