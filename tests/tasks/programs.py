"""Programs of tasks that several tests explore."""

import asyncio


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = asyncio.Lock()
        self.other = asyncio.Lock()
        self.event = asyncio.Event()
        self.queue = asyncio.Queue()

    def add_at_once(self):
        current = self.value
        self.value = current + 1


def value(counter):
    return counter.value


async def add(counter):
    current = counter.value
    await asyncio.sleep(0)
    counter.value = current + 1


async def add_without_await(counter):
    counter.value = counter.value + 1


async def add_locked(counter):
    async with counter.lock:
        await add(counter)


def add_in_thread(counter):
    counter.add_at_once()
