"""Grades of witnesses of tasks: what it takes on the loop that comes with Python, compared with that loop."""

import asyncio

import pytest

from lab import explore, replay
from tests.tasks.generate import State, outcome, program
from tests.tasks.programs import Counter, add, value
from tests.tasks.stock import World, every_outcome

ALWAYS = "yes: whenever all tasks start at once and nothing is slow"
IN_ORDER = "yes: only if what comes from outside comes in this order"
ONLY_ANY = "no: callbacks would have to overtake each other; only with order='any'"


async def double(counter):
    counter.value *= 2


async def add_one(counter):
    counter.value += 1


async def sleeps_and_adds(counter):
    await asyncio.sleep(1)
    counter.value += 1


async def sleeps_longer_and_doubles(counter):
    await asyncio.sleep(2)
    counter.value *= 2


async def calls_in_order(counter):
    loop = asyncio.get_running_loop()
    loop.call_soon(setattr, counter, "value", 1)
    child = asyncio.create_task(double(counter))
    await child


@pytest.mark.parametrize(
    ("actors", "allowed", "options", "grade"),
    [
        ([add, add], {2}, {}, ALWAYS),
        ([double, add_one], {2}, {}, ALWAYS),
        ([double, add_one], {1}, {}, IN_ORDER),
        ([sleeps_and_adds, sleeps_longer_and_doubles], {0, 1}, {}, ALWAYS),
        ([sleeps_and_adds, sleeps_longer_and_doubles], {2}, {}, IN_ORDER),
        ([calls_in_order], {2}, {"order": "any"}, ONLY_ANY),
        ([add, add], {2}, {"order": "any"}, ALWAYS),
        ([double, add_one], {1}, {"order": "any"}, IN_ORDER),
    ],
)
def test_a_grade_tells_what_it_takes(actors, allowed, options, grade):
    found = explore(Counter, actors, outcome=value, allowed=allowed, **options)
    assert found.status == "fails", str(found)
    assert {where: str(one) for where, one in found.realizable.items()} == {"stock loop": grade}
    assert f"here       on the stock loop: {grade.replace(':', ',', 1)}"[:70] in str(found)
    again = replay(found.witness, Counter, actors, outcome=value, allowed=allowed)
    assert again.realizable == found.realizable


def test_threads_beside_tasks_have_no_grade_by_the_loop():
    found = explore(Counter, {"alice": add, "bob": Counter.add_at_once}, outcome=value, allowed={2}, schedules=300)
    assert (found.status, found.realizable) == ("fails", {})


class Prompt(World):
    """A world in which all is there at once, and time passes only when there is nothing else to do."""

    def choose(self, options):
        arrivals = [one for one in options if one[0] == "arrive"]
        return (arrivals or ["go"] if "go" in options or arrivals else options)[0]


def test_what_is_graded_always_happens_on_the_stock_loop_in_such_a_world(monkeypatch):
    graded = set()
    for seed in (2, 8, 9, 17, 21, 26):
        _, actors = program(seed)
        expected = every_outcome(State, actors, outcome, (), 80)
        if expected is None or "stuck" in expected:
            continue
        with monkeypatch.context() as patched:
            patched.setattr("tests.tasks.stock.World", Prompt)
            prompt = next(iter(every_outcome(State, actors, outcome, (), 80)))
        for one in expected:
            found = explore(State, actors, outcome=outcome, forbidden={one}, schedules=200)
            assert found.status == "fails", str(found)
            grade = str(found.realizable["stock loop"])
            assert grade == (ALWAYS if one == prompt else IN_ORDER), (seed, one, prompt)
            graded.add(grade)
    assert graded == {ALWAYS, IN_ORDER}
