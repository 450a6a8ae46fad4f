"""Fire and forget: the task that nobody keeps fails, and nobody hears of it.

`asyncio.create_task(save())` starts the saving and goes on.  If it fails, the exception waits in the task for
somebody to ask.  Nobody does; the order counts as saved.  (What is more, the loop itself keeps only a weak reference:
a task that nobody else keeps may vanish in the middle.)

    alice    create_task(save())       and on to the next customer
    save     raises: the disk is full  nobody looks
    alice    "saved"

A task group keeps its tasks, waits for them and passes on what they raise, so that somebody has to deal with it.
"""

import asyncio

from lab import Scenario


class UnsafeShop:
    def __init__(self):
        self.saved = []
        self.space = 1
        self.queue = []

    async def save(self, order):
        await asyncio.sleep(0)  # the disk
        if not self.space:
            raise OSError("no space left")
        self.space -= 1
        self.saved.append(order)

    async def buy(self, order):
        asyncio.create_task(self.save(order))  # noqa: RUF006  # that is the bug
        await asyncio.sleep(0)


class StillUnsafeShop(UnsafeShop):
    def __init__(self):
        super().__init__()
        self.tasks = set()

    async def buy(self, order):
        task = asyncio.create_task(self.save(order))
        self.tasks.add(task)  # it will not vanish any more
        task.add_done_callback(self.tasks.discard)  # but nobody looks at what it raised
        await asyncio.sleep(0)


class FixedShop(UnsafeShop):
    async def buy(self, order):
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.save(order))
        except* OSError:
            self.queue.append(order)  # for later


async def alice(shop):
    await shop.buy("alice")


async def bob(shop):
    await shop.buy("bob")


def kept(shop):
    return len(shop.saved) + len(shop.queue)


SCENARIO = Scenario(
    bug_class="lost exception",
    cwe=(390, 755),
    unsafe=UnsafeShop,
    still_unsafe=StillUnsafeShop,
    fixed=FixedShop,
    actors={"alice": alice, "bob": bob},
    outcome=kept,
    allowed={2: "both orders are saved or kept for later"},
    forbidden={1: "one order is nowhere"},
    symptoms={"exception": "a task failed and nobody looked"},
    seen_in=("CPython: the documentation of create_task did not say that its result has to be kept (bpo-44665)",),
    hint="Who looks at the result of the task?",
    review=("`create_task()` whose result is dropped.", "A background task without anybody who awaits it."),
)
