"""What is another program in another process, or when garbage is collected: it can be repeated, and proves nothing."""

import asyncio
import gc
import weakref

import pytest

from lab import explore


class Kept:
    pass


KEPT = Kept()  # by this module; but who goes by a weak reference cannot know


class Shared:
    def __init__(self):
        self.log = []
        self.reference, self.proxy, self.all = weakref.ref(KEPT), weakref.proxy(KEPT), weakref.WeakSet([KEPT])
        self.by_name, self.names = weakref.WeakValueDictionary(kept=KEPT), weakref.WeakKeyDictionary({KEPT: 1})


async def another(shared):
    await asyncio.sleep(0)


def covered(actor):
    found = explore(Shared, [actor, another], outcome=lambda shared: tuple(shared.log), schedules=60)
    assert found.failure is None, str(found)
    return found


def task(function):
    async def one(shared):
        shared.log.append(function(shared))

    return one


BY_ADDRESS = "which is another one in every process"
DOUBTED = {
    "texts in a set": (lambda shared: "".join({"a", "b", "c"}), BY_ADDRESS),
    "hash": (lambda shared: hash("x") % 3, BY_ADDRESS),
    "id": (lambda shared: id(shared) % 7, "objects lay at the same places in every execution"),
    "address": (lambda shared: str(object()), "which is another place in every process"),
    "weak reference": (lambda shared: shared.reference() is not None, "is not under control"),
    "weak proxy": (lambda shared: hasattr(shared.proxy, "itself"), "is not under control"),
    "weak set": (lambda shared: len(list(shared.all)), BY_ADDRESS),
    "length of a weak set": (lambda shared: len(shared.all), "is not under control"),
    "truth of a weak set": (lambda shared: 1 if shared.all else 2, "is not under control"),
    "weak values": (lambda shared: "kept" in shared.by_name, "is not under control"),
    "length": (lambda shared: len(shared.by_name), "is not under control"),
    "weak keys": (lambda shared: len(list(shared.names.items())), "is not under control"),
}


@pytest.mark.parametrize("name", DOUBTED)
def test_no_proof_rests_on_it(name):
    function, told = DOUBTED[name]
    found = covered(task(function))
    assert found.status == "unknown"
    assert told in f"{found.reason} {found.uncontrolled}"


def test_what_does_not_go_by_hashes_holds():
    assert covered(task(lambda shared: sum({1, 2, 3}))).status == "holds"


def test_an_item_that_is_asked_for_by_its_key_is_there_as_long_as_who_asks_has_the_key():
    assert covered(task(lambda shared: shared.names[KEPT])).status == "holds"


async def numbered(shared, number):
    try:
        await asyncio.Event().wait()
    finally:
        shared.log.append(number)


async def group(shared):
    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(4):
                tasks.create_task(numbered(shared, number))
            await asyncio.sleep(0)
            raise ValueError
    except* ValueError:
        pass


async def waits_for_all(shared):
    done, _ = await asyncio.wait([asyncio.create_task(asyncio.sleep(0, number)) for number in range(4)])
    shared.log += [one.result() for one in done]


async def asks_for_all(shared):
    tasks = [asyncio.create_task(asyncio.sleep(0), name=f"{number}") for number in range(4)]
    shared.log += [int(one.get_name()) for one in asyncio.all_tasks() if one in tasks]


@pytest.mark.parametrize("actor", [group, waits_for_all, asks_for_all])
def test_sets_of_tasks_have_one_order_here_and_any_in_a_proof(actor):
    found = covered(actor)
    assert set(found.outcomes) == {(0, 1, 2, 3)}
    assert found.status == "unknown"
    assert BY_ADDRESS in f"{found.reason} {found.uncontrolled}"


def test_a_task_that_is_collected_is_no_proof():
    async def starts(shared):
        async def waits():
            queue = asyncio.Queue()
            shared.all.add(queue)
            shared.log.append(await queue.get())

        asyncio.create_task(waits())  # noqa: RUF006  # that is the point
        await asyncio.sleep(0)
        for queue in shared.all:
            if isinstance(queue, asyncio.Queue):
                queue.put_nowait(1)

    async def collects(shared):
        gc.collect(0)

    found = explore(Shared, [starts, collects], outcome=lambda shared: len(shared.log), schedules=60)
    assert found.status != "holds", str(found)
