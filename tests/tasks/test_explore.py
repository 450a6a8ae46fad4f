"""Tasks under controlled schedules: what may be in which order, verdicts, witnesses and replay."""

import asyncio
import contextvars
import gc
import warnings

import pytest

import lab
from lab import explore, replay
from lab.errors import InvalidType, InvalidValue, LabError
from tests.tasks.programs import Counter, add, add_in_thread, add_locked, add_without_await, value

TWO = {"alice": add, "bob": add}


def outcomes(actors, setup=Counter, outcome=value, **options):
    found = explore(setup, actors, outcome=outcome, **{"schedules": 400, **options})
    assert found.status != "fails", str(found)
    return set(found.outcomes)


def test_an_update_that_awaits_in_the_middle_is_lost():
    found = explore(Counter, TWO, outcome=value, allowed={2})
    assert found.status == "fails"
    assert str(found.failure) == "outcome: outcome 1 (allowed: 2)"
    assert {where: str(grade) for where, grade in found.realizable.items()} == {
        "stock loop": "yes: whenever all tasks start at once and nothing is slow"
    }


def test_an_update_without_an_await_is_proved():
    found = explore(Counter, {"alice": add_without_await, "bob": add_without_await}, outcome=value, allowed={2})
    assert (found.status, found.reason) == ("holds", "all 2 classes of schedules"), str(found)


def test_an_update_under_a_lock_is_proved():
    found = explore(Counter, {"alice": add_locked, "bob": add_locked}, outcome=value, allowed={2})
    assert (found.status, found.reason) == ("holds", "all 2 classes of schedules"), str(found)


def test_a_single_task_has_one_schedule():
    found = explore(Counter, [add], outcome=value, allowed={1})
    assert (found.status, found.reason) == ("holds", "the only class of schedules"), str(found)


@pytest.mark.parametrize("strategy", ["auto", "dpor", "random", "pct", "pos", "surw"])
@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_every_strategy_finds_it_on_both_carriers_and_its_witness_replays(strategy, carrier, tmp_path):
    found = explore(Counter, TWO, outcome=value, allowed={2}, strategy=strategy, carrier=carrier, schedules=200)
    assert found.status == "fails", str(found)
    witness = lab.Witness.load(found.witness.save(tmp_path / "witness.json"))
    for again in ("greenlet", "thread"):
        verdict = replay(witness, Counter, TWO, outcome=value, allowed={2}, carrier=again)
        assert verdict.reason == "fails again: outcome 1 (allowed: 2)"


def test_a_witness_of_repaired_code_is_no_silent_pass():
    found = explore(Counter, TWO, outcome=value, allowed={2})
    verdict = replay(found.witness, Counter, {"alice": add_locked, "bob": add_locked}, outcome=value, allowed={2})
    assert verdict.status == "unknown"
    assert verdict.reason.startswith("stale: diverged at step 1, expected alice: arrives")


def test_setup_check_outcome_and_teardown_run_inside_the_loop():
    met = []

    async def setup():
        await asyncio.sleep(1)
        return asyncio.Queue()

    async def put(queue):
        await queue.put(1)

    async def check(queue):
        assert await queue.get() == 1

    async def outcome(queue):
        await asyncio.sleep(0)
        return queue.qsize()

    async def teardown(queue):
        met.append(asyncio.get_running_loop().is_running())

    found = explore(setup, [put], check=check, outcome=outcome, teardown=teardown)
    assert (found.status, set(found.outcomes)) == ("holds", {0}), str(found)
    assert set(met) == {True}
    met.clear()
    found = explore(setup, [put], check=lambda queue: False, teardown=teardown)
    assert found.failure.message.endswith("returned False")
    assert set(met) == {True}


def test_a_failing_async_check_is_told():
    async def check(counter):
        assert counter.value == 3, f"{counter.value} of 3"

    assert str(explore(Counter, TWO, check=check).failure) == "check: 2 of 3"


def test_ready_callbacks_keep_their_order_unless_any_is_asked_for():
    async def both(seen):
        loop = asyncio.get_running_loop()
        loop.call_soon(seen.append, "first")
        loop.call_soon(seen.append, "second")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def children(seen):
        async def child(name):
            seen.append(name)

        await asyncio.gather(child("first"), child("second"))

    assert outcomes([both], list, tuple) == {("first", "second")}
    assert outcomes([children], list, tuple) == {("first", "second")}
    assert outcomes([children], list, tuple, order="any") == {("first", "second"), ("second", "first")}


def test_a_sleep_of_zero_is_a_plain_yield():
    async def yields(seen):
        seen.append("a")
        await asyncio.sleep(0)
        seen.append("c")

    async def one(seen):
        child = asyncio.create_task(yields(seen))
        await asyncio.sleep(0)
        seen.append("b")
        await child

    assert outcomes([one], list, tuple) == {("a", "b", "c")}


def test_short_timers_may_end_early_or_late_and_long_ones_only_when_nobody_goes_on():
    def sleeper(seconds):
        async def sleeps(seen):
            await asyncio.sleep(seconds)
            seen.append("slept")

        return sleeps

    async def steps(seen):
        for _ in range(3):
            await asyncio.sleep(0)
        seen.append("stepped")

    both = {("slept", "stepped"), ("stepped", "slept")}
    assert outcomes({"alice": sleeper(1), "bob": steps}, list, tuple) == both
    assert ("slept", "stepped") in outcomes({"alice": sleeper(60), "bob": steps}, list, tuple)  # bob arrives later
    found = explore(list, {"alice": sleeper(60), "bob": steps}, outcome=tuple)
    assert (found.status, set(found.outcomes)) == ("holds", both)  # whenever the time is up


def test_timers_fire_in_the_order_of_their_moments():
    async def one(seen):
        async def sleeps(seconds):
            await asyncio.sleep(seconds)
            seen.append(seconds)

        await asyncio.gather(sleeps(3), sleeps(1), sleeps(2), sleeps(1.5), sleeps(1))

    assert outcomes([one], list, tuple) == {(1, 1, 1.5, 2, 3)}


def test_the_whole_of_asyncio_runs():
    variable = contextvars.ContextVar("variable", default=0)

    async def numbers(seen):
        try:
            for number in range(3):
                yield number
                await asyncio.sleep(0)
        finally:
            seen.append("closed")

    async def much(seen):
        variable.set(7)
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0.1))
            group.create_task(asyncio.wait_for(asyncio.sleep(0.1), 60))
        async for number in numbers(seen):
            if number == 1:
                break
        try:
            async with asyncio.timeout(0.5):
                await asyncio.sleep(1)
        except TimeoutError:
            seen.append("timeout")
        await asyncio.shield(asyncio.sleep(0))
        done, pending = await asyncio.wait([asyncio.create_task(asyncio.sleep(0, n)) for n in (1, 2)])
        seen.append(sum(task.result() for task in done) + len(pending))
        loop = asyncio.get_running_loop()
        seen.append(await loop.run_in_executor(None, pow, 2, 5))
        seen.append(await asyncio.to_thread(variable.get))
        condition, semaphore, barrier = asyncio.Condition(), asyncio.Semaphore(2), asyncio.Barrier(2)
        async with condition, semaphore:
            condition.notify_all()
        await asyncio.gather(barrier.wait(), barrier.wait())
        reader = asyncio.StreamReader()
        reader.feed_data(b"line\n")
        seen.append(await reader.readline())
        loop.call_soon_threadsafe(seen.append, "posted")
        await asyncio.sleep(0)

    found = outcomes([much], list, lambda seen: tuple(sorted(map(str, seen))), schedules=40, strategy="random")
    assert found == {tuple(sorted(("closed", "timeout", "3", "32", "7", str(b"line\n"), "posted")))}


def test_child_tasks_are_named_as_the_code_names_them_or_alike_in_every_execution():
    async def parent(counter):
        async def helper():
            await add(counter)

        await asyncio.gather(helper(), helper(), asyncio.create_task(add(counter), name="named"))

    found = explore(Counter, {"alice": parent}, outcome=value, allowed={3})
    assert sorted(found.witness.actors) == ["alice", "helper", "helper #2", "named"]


def test_threads_and_tasks_are_in_one_exploration():
    found = explore(Counter, {"alice": add, "bob": add_in_thread}, outcome=value, allowed={2}, schedules=300)
    assert found.status == "fails", str(found)
    again = replay(found.witness, Counter, {"alice": add, "bob": add_in_thread}, outcome=value, allowed={2})
    assert again.reason == "fails again: outcome 1 (allowed: 2)"


def test_threads_beside_tasks_are_no_proof():
    found = explore(Counter, {"alice": add_without_await, "bob": lambda counter: None}, schedules=300)
    assert found.status == "unknown"


@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_racing_calls_in_threads_are_found(carrier):
    async def both(counter):
        await asyncio.gather(asyncio.to_thread(counter.add_at_once), asyncio.to_thread(counter.add_at_once))

    found = explore(Counter, {"alice": both}, outcome=value, allowed={2}, schedules=2_000, seconds=60, carrier=carrier)
    assert found.status == "fails", str(found)
    again = replay(found.witness, Counter, {"alice": both}, outcome=value, allowed={2})
    assert again.reason == "fails again: outcome 1 (allowed: 2)"


def test_a_thread_hands_a_coroutine_to_the_loop():
    class Both(Counter):
        def __init__(self):
            super().__init__()
            self.loop = asyncio.get_running_loop()

    def hands(counter):
        asyncio.run_coroutine_threadsafe(add(counter), counter.loop).result()

    async def waits(counter):
        await asyncio.sleep(0)
        await add(counter)

    assert outcomes({"alice": waits, "bob": hands}, Both, schedules=300) == {1, 2}


def test_the_loop_and_policy_of_the_caller_are_as_before():
    class Policy(asyncio.DefaultEventLoopPolicy):
        pass

    async def spoils(counter):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asyncio.set_event_loop_policy(Policy())
            asyncio.set_event_loop(None)

    def around():
        return asyncio.events._event_loop_policy, asyncio.events._get_running_loop()

    before = around()
    assert explore(Counter, [spoils]).status == "holds"
    assert around() == before

    async def inside():
        loop = asyncio.get_running_loop()
        found = explore(Counter, TWO, outcome=value, allowed={2})
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        return found.status

    assert asyncio.run(inside()) == "fails"


def test_an_exploration_leaves_no_loop_open():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explore(Counter, TWO, outcome=value, allowed={2})
        gc.collect()


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        ({"order": "lifo"}, InvalidValue, "order='lifo': unknown; choose one of fifo, any"),
        (
            {"cancel": "alice"},
            InvalidType,
            "cancel='alice': give True, or a tuple of actors' names, such as ('worker',)",
        ),
        ({"cancel": ("eve",)}, InvalidValue, "cancel: 'eve' is no task; choose from alice, bob"),
        ({"preemptions": 1}, InvalidValue, "preemptions=1: tasks are not preempted; leave it out"),
    ],
)
def test_an_option_that_cannot_work_is_refused_in_one_line(options, kind, told):
    with pytest.raises(kind) as caught:
        explore(Counter, TWO, **options)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (lambda: asyncio.create_subprocess_exec("true"), "asyncio.create_subprocess_exec()"),
        (lambda: asyncio.create_subprocess_shell("true"), "asyncio.create_subprocess_shell()"),
    ],
)
def test_what_is_not_controlled_is_refused_in_one_line(operation, name):
    async def actor(counter):
        await operation()

    with pytest.raises(LabError) as caught:
        explore(Counter, [actor])
    words = "is not under control; put a double in its place, or leave it out of what is explored"
    assert str(caught.value) == f"{name}: {words}"


def test_many_tasks_run_in_one_execution():
    async def many(counter):
        async with asyncio.TaskGroup() as group:
            for _ in range(2_000):
                group.create_task(add(counter))

    found = explore(Counter, [many], outcome=value, schedules=1, steps=100_000, strategy="random")
    assert set(found.outcomes) == {1}


def test_timers_of_one_moment_are_due_together_and_those_of_equal_moments_need_not_be():
    async def one(seen, first, second):
        loop = asyncio.get_running_loop()
        loop.call_at(first, lambda: (seen.append("a"), loop.call_soon(seen.append, "then")))
        loop.call_at(second, seen.append, "b")
        await asyncio.sleep(3)

    async def same(seen):
        moment = asyncio.get_running_loop().time() + 1
        await one(seen, moment, moment)

    async def equal(seen):
        now = asyncio.get_running_loop().time()
        await one(seen, now + 1, now + 1)

    assert outcomes([same], list, tuple) == {("a", "b", "then")}
    assert outcomes([equal], list, tuple) == {("a", "b", "then"), ("a", "then", "b")}
