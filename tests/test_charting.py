"""Graphs of states: what they show, what they merge, and what they say where they are not all there is."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path

import pytest

from lab.catalogue import find
from lab.charting import NoGraph, chart
from lab.graph import Ending, Graph, Move, Node, Standing, State
from lab.program import Program

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"


def graph_of(name, variant="unsafe", **options):
    scenario = find(SCENARIOS, name).scenario
    (one,) = [each for each in scenario.every_variant() if each.name == variant]
    return chart(scenario.program(one), trace=scenario.trace, carrier=scenario.carrier, **options)


def walk(graph, *actors):
    """The node that is reached by choosing these actors, and the last move."""
    number, last = 0, None
    for actor in actors:
        (last,) = [move for move in graph.nodes[number].moves if f"{move.actor} {move.word}".strip() == actor]
        number = last.to
    return graph.nodes[number], last


def told(graph):
    return {(ending.failure, ending.told) for ending in graph.endings}


def test_a_lost_update_is_lost_on_the_paths_on_which_both_read_before_one_writes():
    graph = graph_of("lost_update")
    assert (graph.complete, graph.why, graph.classes) == (True, "", 4)
    lost = [path for path in graph.paths() if graph.nodes[path[-1].to].ending.failure]
    for path in lost:
        steps = [f"{step.actor} {step.word}" for move in path for step in move.steps]
        assert max(map(steps.index, ("alice reads", "bob reads"))) < min(
            map(steps.index, ("alice writes", "bob writes"))
        )
    assert len(lost) == 4
    assert len(list(graph.paths())) == 6
    assert graph.to_failure()[0] == 3 + 1


def test_a_node_shows_values_locks_and_who_waits_for_whom():
    graph = graph_of("lost_update", "fixed")
    node, move = walk(graph, "alice", "alice")
    assert [step.what for step in move.steps] == ["reads counter.value 0"]
    alice, bob = node.state.actors
    assert alice == Standing("alice", "ready")
    assert (bob.status, bob.why) == ("blocked", "waits for counter._lock, which alice holds")
    assert bob.line > 0
    assert node.state.values == (("counter.value", "0"),)
    assert node.state.held == (("counter._lock", "alice"),)
    assert not any(ending.failure for ending in graph.endings)


def test_the_last_node_of_a_deadlock_shows_the_circle():
    graph = graph_of("lock_order")
    (node,) = [one for one in graph.nodes if one.ending is not None and one.ending.failure]
    assert node.ending.failure == "deadlock"
    assert [one.status for one in node.state.actors] == ["blocked", "blocked"]
    assert graph.to_failure()[0] == 2


def test_what_happens_to_tasks_is_a_move_of_its_own():
    graph = graph_of("cancelled_half_way")
    assert graph.complete
    words = {move.word for node in graph.nodes for move in node.moves}
    assert {"", "is cancelled"} <= words
    assert graph.to_failure()[0] > 0


def test_processes_show_their_files():
    graph = graph_of("file_counter")
    assert (graph.complete, graph.classes) == (True, 4)
    assert any(failure for failure, _ in told(graph))
    assert {dict(node.state.values).get("visitors") for node in graph.nodes} >= {"'0'", "'1'"}


class Box:
    def __init__(self):
        self.value = 0


def toss(box):
    box.value += random.randrange(2) + 1


def test_where_dependencies_are_not_known_no_histories_are_merged():
    graph = chart(Program.of(Box, {"alice": toss, "bob": toss}, outcome=lambda box: box.value))
    assert graph.complete
    assert graph.why.endswith("calls random.randrange()")
    assert graph.classes == 6


def count(box):
    for _ in range(4):
        box.value += 1


def test_a_part_of_a_graph_says_that_it_is_one():
    program = Program.of(Box, {"alice": count, "bob": count}, outcome=lambda box: box.value)
    graph = chart(program, nodes=100)
    assert (graph.complete, graph.why) == (False, "it has more than 100 states")
    open_moves = [move for node in graph.nodes for move in node.moves if move.to < 0]
    assert open_moves
    assert not any(move.steps for move in open_moves)
    for node in graph.nodes:  # nobody who can go on is left out
        assert {one.actor for one in node.state.actors if one.status == "ready"} == {move.actor for move in node.moves}


def test_a_part_of_a_graph_holds_the_witness():
    import lab

    program = Program.of(Box, {"alice": count, "bob": count}, outcome=lambda box: box.value, allowed={8})
    verdict = lab.explore(Box, {"alice": count, "bob": count}, outcome=lambda box: box.value, allowed={8})
    graph = chart(program, nodes=20, first=verdict.witness.trace.steps)
    assert not graph.complete
    assert graph.to_failure()[0] > 0


def spin(box):
    while not box.value:
        pass


def test_a_program_that_waits_in_a_loop_has_no_end_and_is_cut():
    graph = chart(Program.of(Box, {"alice": spin, "bob": count}), nodes=200, steps=200)
    assert not graph.complete


def different(box, seen=[]):  # noqa: B006  # that it goes on from one execution to the next is the point
    seen.append(None)
    if len(seen) % 2:
        box.value += 1
    box.value += 1


def test_a_program_that_is_not_the_same_every_time_has_no_graph():
    with pytest.raises(NoGraph) as caught:
        chart(Program.of(Box, {"alice": different, "bob": count}))
    assert "alike" in str(caught.value) or "not the same in every execution" in str(caught.value)


def test_merging_keeps_what_differs_later():
    here, there = State((Standing("alice", "ready"),)), State((Standing("alice", "ended"),))
    good, bad = Ending("", "outcome 1"), Ending("check", "wrong")
    nodes = [
        Node(here, [Move("alice", "", (), 1), Move("bob", "", (), 2), Move("carol", "", (), 3)]),
        Node(here, [Move("alice", "", (), 4)]),
        Node(here, [Move("alice", "", (), 5)]),
        Node(here, [Move("alice", "", (), 6)]),
        Node(there, ending=good),
        Node(there, ending=bad),
        Node(there, ending=good),
    ]
    graph = Graph(nodes).merged()
    first, second, third = (move.to for move in graph.nodes[0].moves)
    assert first == third != second
    assert len(graph.nodes) == 5
    assert sorted(told(graph)) == [("", "outcome 1"), ("check", "wrong")]


async def add(box):
    value = box.value
    await asyncio.sleep(0)
    box.value = value + 1


def test_tasks_are_told_apart_by_schedules():
    graph = chart(Program.of(Box, {"alice": add, "bob": add}, outcome=lambda box: box.value))
    assert graph.complete
    assert {ending.told for ending in graph.endings} == {"outcome 1", "outcome 2"}


def start_and_join(box):
    child = threading.Thread(target=count, args=(box,))
    child.start()
    child.join()


def test_who_waits_for_the_end_of_another_is_shown():
    graph = chart(Program.of(Box, {"alice": start_and_join, "bob": toss_once}, outcome=lambda box: box.value))
    whys = {one.why for node in graph.nodes for one in node.state.actors}
    assert "waits for the end of child" in whys


def toss_once(box):
    box.value = 7
