"""Who waits for whom when nobody can go on: read from the lines that tell it, and laid out as a graph."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.report.html.state import Wait
from lab.report.lines import clip

_REST = re.compile(
    r"(?P<thing>.+) at (?P<file>\S+?):(?P<line>\d+)"
    r"(?:; (?:(?P<holder>.+) holds it since .+|it was taken before the actors began))?"
)
_LETTER = 7.8  # width of a letter, in the units of the drawing
_HIGH = 34  # of a node
_MARGIN = 12


def standing(lines: Iterable[str], actors: Sequence[str]) -> dict[str, Wait]:
    """What each actor waits for, from a failure's detail: "alice waits for a at x.py:3; bob holds it since x.py:2"."""
    found = {}
    for line in lines:
        for actor in sorted(actors, key=len, reverse=True):  # a name may begin like another
            rest = _REST.fullmatch(line.removeprefix(f"{actor} waits for "))
            if rest is not None and line.startswith(f"{actor} waits for "):
                holder = rest["holder"] or _ended_by(rest["thing"], actors)
                found[actor] = Wait(rest["thing"], rest["file"], int(rest["line"]), holder if holder in actors else "")
                break
    return found


def _ended_by(thing: str, actors: Sequence[str]) -> str:
    """Whose end is waited for."""
    return thing.removeprefix("the end of ") if thing.startswith("the end of ") else ""


@dataclass(frozen=True)
class Node:
    """An actor, or a thing that nobody is left to provide."""

    label: str
    title: str
    x: float  # of its middle
    y: float
    width: float
    lane: int  # the actor's number; -1 for a thing
    height: float = _HIGH

    def border(self, toward: tuple[float, float], gap: float = 5) -> tuple[float, float]:
        """Where a line from the middle in a direction leaves the node."""
        across, down = toward
        half_width, half_height = self.width / 2 + gap, self.height / 2 + gap
        scale = min(
            half_width / abs(across) if across else math.inf,
            half_height / abs(down) if down else math.inf,
        )
        return self.x + across * scale, self.y + down * scale


@dataclass(frozen=True)
class Edge:
    """One actor waits; ``path`` is drawn, and the label stands at x, y."""

    path: str
    label: str
    title: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class Graph:
    """A drawing, and the same in words."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    told: str


def wait_for_graph(waits: Mapping[str, Wait], actors: Sequence[str]) -> Graph | None:
    """Actors in a circle, each with an arrow to the one who has what it waits for; None where nobody waits."""
    if not waits:
        return None
    names = [actor for actor in actors if actor in waits or any(one.holder == actor for one in waits.values())]
    names = _in_circle(names, waits)
    things = list(dict.fromkeys(one.thing for one in waits.values() if not one.holder))
    labels = [*names, *things]  # a thing may be called as an actor is
    sizes = [max(64.0, _LETTER * len(clip(label, 30)) + 24) for label in labels]
    spots = _spots(len(labels), max(sizes), max(len(clip(one.thing, 30)) for one in waits.values()) * _LETTER)
    nodes = [
        Node(clip(label, 30), label, x, y, size, actors.index(label) if number < len(names) else -1)
        for number, (label, size, (x, y)) in enumerate(zip(labels, sizes, spots, strict=True))
    ]
    actor_at = dict(zip(names, nodes, strict=False))
    thing_at = dict(zip(things, nodes[len(names) :], strict=True))
    edges = [
        _edge(actor_at[actor], actor_at[one.holder], one.thing, len(labels) == 2)
        if one.holder
        else _edge(actor_at[actor], thing_at[one.thing], "", len(labels) == 2)
        for actor, one in waits.items()
    ]
    return _framed(nodes, edges, "; ".join(_told(actor, one) for actor, one in waits.items()))


def _told(actor: str, wait: Wait) -> str:
    who = "it has itself" if wait.holder == actor else f"{wait.holder} has"
    ending = not wait.holder or wait.thing == f"the end of {wait.holder}"
    return f"{actor} waits for {wait.thing}" + ("" if ending else f", which {who}")


def _in_circle(names: list[str], waits: Mapping[str, Wait]) -> list[str]:
    """Everybody next to the one they wait for, as far as that goes."""
    order: list[str] = []
    for name in names:
        while name and name not in order:
            order.append(name)
            name = waits[name].holder if name in waits else ""
    return order


def _spots(count: int, widest: float, label: float) -> list[tuple[float, float]]:
    if count == 1:
        return [(0.0, 0.0)]
    if count == 2:
        apart = max(widest + 60, label + 40, 190)
        return [(-apart / 2, 0.0), (apart / 2, 0.0)]
    across = max(150.0, (widest + 70) * count / 6, (widest + label) / 2 + 40)
    down = max(110.0, 46.0 * count)
    turns = [math.tau * position / count - math.pi / 2 for position in range(count)]
    return [(across * math.cos(turn), down * math.sin(turn)) for turn in turns]


def _edge(source: Node, target: Node, thing: str, pair: bool) -> Edge:
    label = clip(thing, 30)
    if source is target:
        x, y = source.x, source.y - source.height / 2 - 4
        path = f"M{x - 18:.1f},{y:.1f} C{x - 46:.1f},{y - 52:.1f} {x + 46:.1f},{y - 52:.1f} {x + 18:.1f},{y:.1f}"
        return Edge(path, label, thing, x, y - 48, "middle")
    across, down = target.x - source.x, target.y - source.y
    length = math.hypot(across, down)
    aside = 46.0 if pair else 26.0
    turn = (down / length * aside, -across / length * aside)  # so that there and back are two lines
    middle = ((source.x + target.x) / 2 + turn[0], (source.y + target.y) / 2 + turn[1])
    start = source.border((middle[0] - source.x, middle[1] - source.y))
    end = target.border((middle[0] - target.x, middle[1] - target.y))
    path = f"M{start[0]:.1f},{start[1]:.1f} Q{middle[0]:.1f},{middle[1]:.1f} {end[0]:.1f},{end[1]:.1f}"
    if abs(turn[1]) > abs(turn[0]):
        y = middle[1] + (-2 if turn[1] < 0 else 12)
        return Edge(path, label, thing, middle[0], y, "middle")
    return Edge(
        path, label, thing, middle[0] + (4 if turn[0] > 0 else -4), middle[1], "start" if turn[0] > 0 else "end"
    )


def _framed(nodes: Sequence[Node], edges: Sequence[Edge], told: str) -> Graph:
    """All moved so that the drawing begins at 0, 0 and nothing sticks out."""
    left = [node.x - node.width / 2 for node in nodes] + [_reach(edge)[0] for edge in edges]
    right = [node.x + node.width / 2 for node in nodes] + [_reach(edge)[1] for edge in edges]
    top = [node.y - node.height / 2 for node in nodes] + [edge.y - 16 for edge in edges]
    bottom = [node.y + node.height / 2 for node in nodes] + [edge.y + 8 for edge in edges]
    x, y = _MARGIN - min(left), _MARGIN - min(top)
    moved = tuple(
        Node(one.label, one.title, round(one.x + x, 1), round(one.y + y, 1), round(one.width, 1), one.lane)
        for one in nodes
    )
    drawn = tuple(
        Edge(_moved(edge.path, x, y), edge.label, edge.title, round(edge.x + x, 1), round(edge.y + y, 1), edge.anchor)
        for edge in edges
    )
    return Graph(round(max(right) + x + _MARGIN, 1), round(max(bottom) + y + _MARGIN, 1), moved, drawn, told)


def _reach(edge: Edge) -> tuple[float, float]:
    long = len(edge.label) * _LETTER
    start = {"middle": edge.x - long / 2, "start": edge.x, "end": edge.x - long}[edge.anchor]
    return start, start + long


def _moved(path: str, x: float, y: float) -> str:
    def shift(match: re.Match[str]) -> str:
        return f"{float(match[1]) + x:.1f},{float(match[2]) + y:.1f}"

    return re.sub(r"(-?[\d.]+),(-?[\d.]+)", shift, path)
