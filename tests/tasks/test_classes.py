"""Classes of orders of stretches: how many there are, that none is missed, and what stands against a proof by them."""

import asyncio
import os

import pytest

from lab import explore
from tests.tasks.covering import covered
from tests.tasks.generate import State, outcome, program
from tests.tasks.programs import Counter, add, add_locked, add_without_await, value

PROGRAMS = int(os.environ.get("LAB_TASK_CLASSES", "12"))
CHUNK = 6


def classes(actors, setup=Counter, outcome=value, **options):
    failure, found = covered(setup, actors, outcome, classes=True, **options)
    assert failure is None
    assert found.complete
    return found


@pytest.mark.parametrize(
    ("actor", "tasks", "count", "outcomes"),
    [
        (add, 2, 4, {2: 2, 1: 2}),
        (add, 3, 36, {3: 6, 2: 18, 1: 12}),
        (add_without_await, 2, 2, {2: 2}),
        (add_without_await, 3, 6, {3: 6}),
        (add_locked, 2, 2, {2: 2}),
        (add_locked, 3, 6, {3: 6}),
        (add_locked, 4, 24, {4: 24}),
    ],
)
def test_there_are_as_many_classes_as_orders_that_matter(actor, tasks, count, outcomes):
    found = classes([actor] * tasks)
    assert (found.schedules, dict(found.outcomes), list(found.doubts)) == (count, outcomes, [])


def test_tasks_that_have_nothing_in_common_have_one_class():
    async def own(counters, name):
        for _ in range(3):
            counters[name].value += 1
            await asyncio.sleep(0.1)

    async def one(counters):
        await own(counters, 0)

    async def two(counters):
        await own(counters, 1)

    def both():
        return Counter(), Counter()

    assert classes([one, two], both, lambda counters: counters[0].value).schedules == 1


def compare(seed, most=60):
    """What came of one generated program, in a word."""
    text, actors = program(seed)
    cancel = () if seed % 3 else (next(iter(actors)),)
    told = f"seed {seed}, cancel={cancel}\n{text}"
    failure, found = covered(State, actors, outcome, cancel or False, classes=True, most=most)
    if failure is not None:
        return "fails"
    if not found.complete or found.doubts:
        return "open"
    failure, walked = covered(State, actors, outcome, cancel or False, most=100)
    assert failure is None, told
    assert set(walked.outcomes) <= set(found.outcomes), told
    failure, freer = covered(State, actors, outcome, cancel or False, classes=True, walk=True, most=100)
    assert failure is None, told
    assert set(freer.outcomes) == set(found.outcomes) if freer.complete else set(freer.outcomes) <= set(found.outcomes)
    return "covered"


@pytest.mark.parametrize("first", range(0, PROGRAMS, CHUNK))
def test_no_outcome_of_a_generated_program_is_in_no_class(first):
    for seed in range(first, first + CHUNK):
        compare(1_000 + seed)


def test_the_generated_programs_come_to_something():
    kinds = [compare(seed) for seed in (3, 14, 17, 21, 26, 34, 41)]
    assert kinds.count("covered") >= 2, kinds


def test_what_a_timer_that_is_cancelled_would_have_done_is_not_forgotten_where_nobody_is_awake():
    async def alice(s):
        s.seen.append("b")
        try:
            async with asyncio.timeout(2), s.lock:
                s.value = 1
        except TimeoutError:
            s.seen.append("t")

    async def bob(s):
        await asyncio.sleep(0)
        s.seen.append("c")

    found = classes([alice, bob], State, outcome)
    assert set(found.outcomes) == {
        *((1, order) for order in (("b", "c"), ("c", "b"))),
        *((0, order) for order in (("b", "t", "c"), ("b", "c", "t"), ("c", "b", "t"))),
    }


# ---------------------------------------------------------------- proofs


def holds(actors, setup=Counter, **options):
    found = explore(setup, actors, seconds=60, **options)
    assert found.status == "holds", str(found)
    return found


def test_a_program_that_is_right_only_in_the_order_of_the_loop_is_proved_by_all_schedules():
    async def in_turn(seen):
        loop = asyncio.get_running_loop()
        loop.call_soon(seen.append, 1)
        child = asyncio.create_task(one_more(seen))
        await child

    async def one_more(seen):
        seen.append(2)

    found = holds([in_turn], list, outcome=tuple, allowed={(1, 2)})
    assert found.reason == "the only schedule of the tasks"
    found = explore(list, [in_turn], outcome=tuple, allowed={(1, 2)}, order="any")
    assert found.status == "fails"


def test_timers_of_several_tasks_may_be_up_in_any_order_and_the_proof_knows():
    async def waits(counter):
        await asyncio.sleep(0.5)
        counter.value += 1

    async def waits_longer(counter):
        await asyncio.sleep(30)
        counter.value += 1

    found = holds({"alice": waits, "bob": waits, "carol": waits_longer}, outcome=value, allowed={3})
    assert found.reason == "all 6 classes of schedules"


def test_who_trusts_that_one_timer_is_up_before_another_is_not_proved():
    async def sets(counter):
        await asyncio.sleep(1)
        counter.value = 1

    async def reads(counter):
        await asyncio.sleep(2)
        assert counter.value == 1

    assert explore(Counter, {"alice": sets, "bob": reads}).status != "holds"


def test_a_timeout_that_may_come_before_what_it_waits_for_has_both_outcomes():
    async def waits(counter):
        try:
            async with asyncio.timeout(5):
                await counter.event.wait()
        except TimeoutError:
            counter.value = 1

    async def sets(counter):
        counter.event.set()

    assert set(holds({"alice": waits, "bob": sets}, outcome=value).outcomes) == {0, 1}


def test_a_cancel_is_tried_at_every_await():
    async def works(seen):
        for number in range(3):
            seen.append(number)
            await asyncio.sleep(0)

    found = holds([works], list, outcome=tuple, cancel=True)
    assert set(found.outcomes) == {(0,), (0, 1), (0, 1, 2)}


def test_a_future_that_is_done_already_is_a_dependency():
    class Promise(Counter):
        def __init__(self):
            super().__init__()
            self.future = asyncio.get_running_loop().create_future()

    async def waits(promise):
        early = not promise.future.done()
        await promise.future
        promise.value = 1 if early else 2

    async def waits_only(promise):
        await promise.future
        promise.value = promise.value or 3

    async def gives(promise):
        promise.value = 0
        promise.future.set_result(None)

    assert set(holds([waits, gives], Promise, outcome=value).outcomes) == {1, 2}
    assert classes([waits_only, gives], Promise).schedules == 2


# ---------------------------------------------------------------- what stands against a proof by classes


def doubts(actors, setup=Counter):
    _, found = covered(setup, actors, lambda state: None, classes=True)
    return " ".join(found.doubts)


async def asks_for_all(counter):
    counter.value = len(asyncio.all_tasks())


async def asks_semaphore(counter):
    counter.value = counter.slots.locked()


async def tells_lock(counter):
    counter.value = len(f"{counter.lock}")


async def looks_inside(counter):
    counter.value = counter.slots._value


async def reads_moment(counter):
    async with asyncio.timeout(5) as limit:
        counter.value = limit.when()


async def goes_on_itself(counter):
    try:
        counter.lock.acquire().send(None)
    except StopIteration:
        counter.value = 1


async def goes_through(counter):
    async for number in counter.numbers:
        counter.value = number


async def from_thread(counter):
    asyncio.get_running_loop().call_soon_threadsafe(setattr, counter, "value", 1)
    await asyncio.sleep(0)


async def starts_thread(counter):
    await asyncio.to_thread(setattr, counter, "value", 1)


async def reads_clock(counter):
    counter.value = asyncio.get_running_loop().time()


class Everything(Counter):
    def __init__(self):
        super().__init__()
        self.slots = asyncio.Semaphore(1)
        self.numbers = self.count()

    async def count(self):
        for number in range(2):
            yield number
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (asks_for_all, "it is asked which tasks there are"),
        (asks_semaphore, "a semaphore is asked whether it is locked"),
        (tells_lock, "it is looked inside of a lock"),
        (looks_inside, "it is looked inside of a lock"),
        (reads_moment, "a moment is read or given"),
        (goes_on_itself, "a lock was acquired by code that goes on in a coroutine itself"),
        (from_thread, "a callback was handed over as from another thread"),
        (starts_thread, "threads run beside tasks"),
        (reads_clock, "the clock showed only times"),
    ],
)
def test_what_the_classes_do_not_know_is_a_doubt(actor, told):
    assert told in doubts([actor, add_locked], Everything)


def test_an_async_generator_that_several_go_through_is_a_doubt():
    async def waits_its_turn(counter):
        async with counter.lock:
            await goes_through(counter)

    assert "an async generator is gone through by several tasks" in doubts([waits_its_turn] * 2, Everything)
    assert doubts([goes_through], Everything) == ""


def test_an_actor_is_let_go_of_before_the_next_execution_on_every_carrier():
    from lab.carriers.greenlet import GreenletControl
    from lab.carriers.supposing import Supposing
    from lab.carriers.tasks import Tasks, tasked

    for strict, classes in ((False, False), (True, False), (True, True)):
        kind = tasked(GreenletControl, "fifo", frozenset(), strict, classes)
        assert kind._part_with_actors is Tasks._part_with_actors
    both = {name for name in vars(Tasks).keys() & vars(Supposing).keys() if not name.startswith("__")}
    assert both <= {"_clear", "block"}, "each calls the other's only there"
