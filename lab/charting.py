"""Explore all that can follow at every state of a program, and draw the graph of it.

Prefixes of schedules are one node where their operations have the same happens-before graph (`lab.histories`); whether
they look alike is compared each time.  Where that relation may not be known in full (there are event loops, random
numbers, something escapes control) every prefix is a node of its own.  In either case `Graph.merged` then takes for
one what has the same future; that is read off the graph, and needs no knowledge of the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.drawing import Drawing
from lab.engine import engine
from lab.errors import LabError
from lab.exploration import Escaped, Exploration
from lab.graph import Graph
from lab.program import Program
from lab.stopwatch import now, spent
from lab.trace import Step

NODES = 3_000
SECONDS = 10.0
"""Of the processor's time, its children's included: as much is drawn on a machine that is busy with something else."""
_SLOWER = 6  # real time that it may take for each second of the processor's
STEPS = 1_000
"""Of one execution: what is longer can be no part of a graph that a person looks at."""


class NoGraph(LabError):
    """There is no graph of the program; says why in one line."""


def chart(
    program: Program,
    *,
    trace: tuple[str, ...] = (),
    carrier: str = "auto",
    first: Sequence[Step] = (),
    nodes: int = NODES,
    seconds: float = SECONDS,
    steps: int = STEPS,
) -> Graph:
    """The graph of states of ``program``, with at most about so many nodes, drawn in about that much processor time.

    ``first`` are the steps of a witness.  Where there are more nodes, the graph is a part, of the schedules that
    differ least from that one, and `Graph.why` says so.

    Raises NoGraph where an execution cannot be told to its end.
    """
    why = ""
    for merging in (True, False):
        try:
            with engine(program, steps, trace, carrier, strict=True) as exploration:
                if merging and exploration.control.tasked:
                    continue
                exploration.profile()
                drawing = Drawing(exploration, merging, nodes, spent() + seconds, now() + _SLOWER * seconds, first)
                ended = drawing.run()
                exploration.put_back()
                gave_way = exploration.control.gave_way
                doubt = drawing.differs or next(_unknown(exploration), "")
        except Escaped as escaped:
            raise NoGraph(str(escaped)) from None
        if merging and doubt:
            why = doubt
            continue
        break
    if not drawing.nodes or drawing.differs:
        raise NoGraph(drawing.differs or ended or "no execution came to its end")
    if not ended and gave_way:
        ended = "an actor that waits in a loop is interrupted only now and then"
    drawing.leave_open()
    graph = Graph(drawing.nodes, not ended, ended or why)
    graph.classes = len(graph.endings)
    return graph.merged()


def _unknown(exploration: Exploration) -> Iterator[str]:
    """What may make operations depend on each other that the engine does not know of."""
    yield from exploration.discovery.uncontrolled
    if exploration.control.twins.memory.drew:
        yield exploration.control.twins.memory.drew
    yield from exploration.finalizers.found
    yield from exploration.leftovers.found
    yield from exploration.control.doubts
