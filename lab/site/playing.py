"""A graph of states as the game reads it: texts, steps and states are numbered, and each stands there once.

The document holds

- ``actors``: names; ``labels``: what can be chosen, as [actor, word], the word empty for what the actor does itself;
- ``steps``: [actor, line, what], the line 0 where it is in another file than the scenario's;
- ``standings``: [status, why, line]; ``values`` and ``held``: [name, text];
- ``states``: [standing of each actor (-1: not there yet), values, held], all by number;
- ``nodes``: [state, moves, ending] with moves as [label, steps, node (-1: not explored)] and the ending null or
  [kind of failure (empty: it passes), in words]; play begins at the first;
- ``complete`` and ``why``, as `lab.graph.Graph` has them.
"""

from __future__ import annotations

from typing import Any

from lab.graph import Graph, Node
from lab.report.lines import clip, printable, without_addresses

_LONGEST = 200


class _Table:
    """Numbers for what has to be told often."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, row: Any) -> int:
        key = repr(row)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = len(self.rows)
            self.rows.append(row)
        return known


def document_of(graph: Graph, file: str) -> dict[str, Any]:
    """The JSON document of a graph; ``file`` is that of the scenario."""
    tables = {name: _Table() for name in ("actors", "labels", "steps", "standings", "values", "held", "states")}
    for node in graph.nodes:
        for one in node.state.actors:
            tables["actors"].number(_told(one.actor))
    nodes = [_node(node, tables, file) for node in graph.nodes]
    return {
        **{name: table.rows for name, table in tables.items()},
        "nodes": nodes,
        "complete": graph.complete,
        "why": _told(graph.why),
        "classes": graph.classes,
    }


def lines_of(document: dict[str, Any]) -> list[int]:
    """The lines of the scenario's file at which somebody steps or waits."""
    lines = {line for _, line, _ in document["steps"]} | {line for _, _, line in document["standings"]}
    return sorted(lines - {0})


def _node(node: Node, tables: dict[str, _Table], file: str) -> list[Any]:
    moves: list[Any] = [
        [
            tables["labels"].number([tables["actors"].number(_told(move.actor)), _told(move.word)]),
            [
                tables["steps"].number(
                    [
                        tables["actors"].number(_told(step.actor)),
                        step.place.line if step.place.file == file else 0,
                        _told(step.what),
                    ]
                )
                for step in move.steps
            ],
            move.to,
        ]
        for move in node.moves
    ]
    moves.sort(key=lambda move: tables["labels"].rows[move[0]])
    ending = None if node.ending is None else [node.ending.failure, _told(node.ending.told)]
    return [_state(node, tables), moves, ending]


def _state(node: Node, tables: dict[str, _Table]) -> int:
    state = node.state
    standing: dict[int, int] = {}
    for one in state.actors:
        row = [one.status, _told(one.why), one.line]
        standing[tables["actors"].number(_told(one.actor))] = tables["standings"].number(row)
    by_actor = [standing.get(number, -1) for number in range(max(standing, default=-1) + 1)]
    values = [tables["values"].number([_told(name), _told(text)]) for name, text in state.values]
    held = [tables["held"].number([_told(name), _told(text)]) for name, text in state.held]
    return tables["states"].number([by_actor, values, held])


def _told(text: str) -> str:
    return clip(printable(without_addresses(text)), _LONGEST)
