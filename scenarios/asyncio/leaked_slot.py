"""Leaked slot: a timeout fires between taking a slot and giving it back, and the slot is gone.

A semaphore with one slot protects a small service.  The slot is taken, the service is asked, the slot is given back.
If the request is given up in between (a timeout, a client who hangs up), nobody gives it back, and everybody after
that waits for ever:

    alice    await slots.acquire()
    alice    await service             cancelled here
    bob      await slots.acquire()     for ever

`async with slots:` gives it back whatever happens.  So does `try`/`finally`, if the `try` begins right after the
`acquire`.
"""

import asyncio

from lab import Scenario


class UnsafeService:
    def __init__(self):
        self.slots = asyncio.Semaphore(1)
        self.served = []

    async def work(self):
        await asyncio.sleep(0)

    async def ask(self, name):
        await self.slots.acquire()
        await self.work()  # given up here: the slot stays taken
        self.slots.release()
        self.served.append(name)


class StillUnsafeService(UnsafeService):
    async def ask(self, name):
        await self.slots.acquire()
        await asyncio.sleep(0)  # one more await, a log line, say
        try:
            await self.work()
        finally:
            self.slots.release()
        self.served.append(name)


class FixedService(UnsafeService):
    async def ask(self, name):
        async with self.slots:
            await self.work()
        self.served.append(name)


async def alice(service):
    await service.ask("alice")


async def bob(service):
    await service.ask("bob")


def bob_was_served(service):
    return "bob" in service.served


SCENARIO = Scenario(
    bug_class="resource leak by cancellation",
    cwe=(772, 460),
    unsafe=UnsafeService,
    still_unsafe=StillUnsafeService,
    fixed=FixedService,
    actors={"alice": alice, "bob": bob},
    outcome=bob_was_served,
    allowed={True: "bob was served"},
    symptoms={"deadlock": "the slot was never given back; bob waits for ever"},
    cancel=("alice",),
    seen_in=("httpcore: requests cancelled under contention leaked slots of the connection pool (issue 1093)",),
    hint="Which line gives the slot back if the await in the middle raises?",
    review=("`acquire()` without `async with` or a `try` in the very next line.", "An `await` between both."),
)
