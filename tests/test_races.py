"""What is known of an execution's beginning is kept for the next one: it must make no difference to the races."""

import random
import threading

import pytest

from lab.carriers.actor import Actor, event_of
from lab.engine import engine
from lab.exhaustion import Exhaustion
from lab.exploration import Exploration
from lab.operations import SYNC
from lab.program import Program
from lab.strategies.races import Races

KEYS = ("left", "right", SYNC, "more")


def actors_of(count):
    return [Actor(index, str(index), print, ()) for index in range(count + 1)]


def some_events(draw, count, actors, sites):
    """Operations as (actor index, key, writes, also, site)."""
    events = []
    for _ in range(count):
        key = draw.choice(KEYS)
        also = ((draw.choice(KEYS[:2]), draw.random() < 0.5),) if key == "more" else ()
        events.append(
            (draw.randrange(1, actors + 1), key, key == SYNC or draw.random() < 0.4, also, draw.choice(sites))
        )
    return events


def made(events, actors, ids):
    """The same as events of one execution, in which the objects have these ids."""
    found = []
    for index, key, writes, also, site in events:
        actor = actors[index]
        actor.place, actor.writes, actor.site = (ids[key], key), writes, site
        actor.more = tuple(((ids[name], name), wrote) for name, wrote in also)
        found.append(event_of(actor, "lock" if key == SYNC else "", key == SYNC))
    return found


def races_of():
    return Races(lambda position, who: True, lambda position, event: None)


def found_by(races, actors, events):
    """The races, and of each what has to come first for the other way round."""
    found = races.of(actors, events, [])
    reversals = [races.reversal(race) for race in found]
    return [
        (*race, sorted(reversal.initials(events)), reversal.sequence())
        for race, reversal in zip(found, reversals, strict=True)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_races_are_those_of_the_whole_execution_whatever_the_ids_of_its_objects(seed):
    draw = random.Random(seed)
    sites = [object() for _ in range(3)]
    kept, events, position = races_of(), [], 0
    races = 0
    for _ in range(30):
        events = events[:position] + some_events(draw, draw.randrange(1, 12), 3, sites)
        kept.back_to(position)
        actors = actors_of(3)
        happened = made(events, actors, dict(zip(KEYS, draw.sample(range(100), 4), strict=True)))
        whole = races_of()
        whole.of(actors, happened[:position], [])
        expected = found_by(whole, actors, happened)
        assert found_by(kept, actors, happened) == expected
        races += len(expected)
        position = draw.randrange(len(events))
    assert races > 30


@pytest.mark.parametrize(("before", "now"), [((1, 2), (1, 1)), ((1, 1), (1, 2))])
def test_an_id_that_was_used_again_in_one_execution_only(before, now):
    """Two objects, of which the second may have taken the place of the first in memory."""
    actors = actors_of(2)
    sites = [object() for _ in range(3)]
    first, second = ((1, "x", True, (), sites[0]), (1, "y", True, (), sites[1]))
    later = (2, "y", True, (), sites[2])

    def executed(ids):
        told = [(index, "value", writes, also, site) for index, _, writes, also, site in (first, second, later)]
        places = (ids[0], ids[1], ids[0])
        return [
            (*event[:1], (place, "value"), *event[2:])
            for event, place in zip(made(told, actors, {"value": 0}), places, strict=True)
        ]

    kept = races_of()
    kept.of(actors, executed(before), [])
    kept.back_to(2)
    whole = races_of()
    whole.of(actors, executed(now)[:2], [])
    assert kept.of(actors, executed(now), []) == whole.of(actors, executed(now), []) != []


def test_an_operation_at_another_site_is_another_one():
    actors, sites = actors_of(2), [object(), object()]
    events = [(1, "left", True, (), sites[0]), (2, "left", True, (), sites[0])]
    kept = races_of()
    kept.of(actors, made(events, actors, {"left": 1}), [])
    kept.back_to(2)
    assert kept.of(actors, made(events, actors, {"left": 5}), []) == []
    assert kept.of(actors, made([events[0], (*events[1][:4], sites[1])], actors, {"left": 1}), []) is None
    assert kept.of(actors, made([events[0], (1, *events[1][1:])], actors, {"left": 1}), []) is None
    assert kept.of(actors, made(events[:1], actors, {"left": 1}), []) is None


@pytest.mark.parametrize("strict", [False, True], ids=["plain", "strict"])
@pytest.mark.parametrize(("actors", "classes"), [(2, 2), (3, 6)])
def test_an_execution_that_is_repeated_to_note_more_has_other_objects(monkeypatch, strict, actors, classes):
    """Who is asleep would sleep on where its object has another id: a schedule would be left out."""
    kept = []  # so that no object comes where one was before

    class Counter:
        def __init__(self):
            kept.append(self)
            self.value = 0
            self.lock = threading.Lock()

    def add(counter):
        with counter.lock:
            counter.value += 1

    execute = Exploration.execute

    def suspect(exploration, *arguments, **named):
        result = execute(exploration, *arguments, **named)
        exploration.control.suspicious = True
        return result

    monkeypatch.setattr(Exploration, "execute", suspect)
    monkeypatch.setattr("lab.exhaustion._OFTEN", 1_000)
    names = [str(number) for number in range(actors)]
    program = Program(Counter, tuple((name, add) for name in names))
    with engine(program, 1_000, (), "auto", strict=strict) as exploration:
        exploration.profile()
        found = Exhaustion(exploration)
        found.go_on(None, None)
    assert (found.complete, found.schedules) == (True, classes)
