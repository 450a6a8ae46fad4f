"""The graphs of generated programs are those that the oracle knows."""

from __future__ import annotations

import ast

import pytest

from lab.charting import chart
from lab.graph import Graph
from lab.program import Program as Given

from .brute import Answer, every
from .families import FAMILIES
from .language import Program, waiting_for_time
from .many import small
from .model import DEADLOCK, EXCEPTION
from .running import module_of
from .show import page
from .test_explore import FAILURES

PROGRAMS = 24
FIRST = 700_000


def graph_of(program: Program) -> Graph:
    with module_of(program) as module:
        return chart(Given.of(module["setup"], module["ACTORS"], outcome=module["outcome"]), nodes=20_000, seconds=60)


def endings_of(graph: Graph) -> set[object]:
    """What its executions come to, a failure by the oracle's name."""
    return {
        FAILURES[one.failure] if one.failure else ast.literal_eval(one.told.removeprefix("outcome "))
        for one in graph.endings
    }


def disagreement(program: Program, answer: Answer) -> str:
    """How the graph differs from what the oracle knows, if it does."""
    graph = graph_of(program)
    possible = set(answer.outcomes)
    endings = endings_of(graph)
    if not graph.complete:
        return graph.why
    if waiting_for_time(program) > 1:  # not every time that may be up is a choice at every moment
        return f"impossible: {endings - possible}" if endings - possible else ""
    if answer.outcomes <= {DEADLOCK, EXCEPTION}:  # nobody has seen that actors share what one of them never comes to
        return "" if endings and endings <= possible else f"impossible: {endings - possible}"
    if endings != possible:
        return f"impossible: {endings - possible}; missed: {possible - endings}"
    if (graph.to_failure()[0] >= 0) != answer.fails:
        return "whether it can fail"
    wrong = graph.classes > answer.classes if answer.fails else graph.classes != answer.classes
    if wrong and not graph.why:  # with a reason each schedule is a path of its own
        return f"{graph.classes} classes instead of {answer.classes}"
    return ""


def test_the_paths_of_a_graph_end_as_the_program_can():
    wrong = []
    for name, program, answer in small(FIRST, PROGRAMS):
        found = disagreement(program, answer)
        if found:
            wrong.append(f"{page(program)}\n# {name}: {found}")
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize(
    "family", [one for one in FAMILIES if every(one.program, 40_000).classes <= 400], ids=lambda one: one.name
)
def test_the_graph_of_a_known_program_has_an_ending_for_each_class(family):
    assert disagreement(family.program, every(family.program, limit=40_000)) == ""
