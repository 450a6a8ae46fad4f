"""Await between read and write: the event loop cannot break in, but `await` lets it.

"There are no races in asyncio, everything runs in one thread."  Between two awaits that is true.  Alice looks
how many seats are left, asks the payment service, and only then writes the new number.  While she waits for the
answer, Bob looks too:

    alice   left = 1                   one seat left
    alice   await payment              the loop goes on with bob
    bob     left = 1                   still one seat left
    bob     await payment
    alice   seats = 0
    bob     seats = 0                  two tickets for one seat

Nothing of this needs a thread.  Every `await` between a read and the write that relies on it is a gap.
"""

import asyncio

from lab import Scenario


class UnsafeHall:
    def __init__(self):
        self.seats = 1
        self.sold = []

    async def pay(self):
        await asyncio.sleep(0)  # the payment service answers

    async def buy(self, name):
        left = self.seats
        if left > 0:
            await self.pay()  # whoever comes meanwhile sees the same number
            self.seats = left - 1
            self.sold.append(name)


class StillUnsafeHall(UnsafeHall):
    async def buy(self, name):
        if self.seats > 0:
            await self.pay()
            self.seats -= 1  # counts right, but nobody has looked again
            self.sold.append(name)


class FixedHall(UnsafeHall):
    def __init__(self):
        super().__init__()
        self.counter = asyncio.Lock()

    async def buy(self, name):
        async with self.counter:
            await super().buy(name)


async def alice(hall):
    await hall.buy("alice")


async def bob(hall):
    await hall.buy("bob")


def tickets(hall):
    return len(hall.sold)


SCENARIO = Scenario(
    bug_class="atomicity violation across an await",
    cwe=(367, 362),
    unsafe=UnsafeHall,
    still_unsafe=StillUnsafeHall,
    fixed=FixedHall,
    actors={"alice": alice, "bob": bob},
    outcome=tickets,
    allowed={1: "one ticket for one seat"},
    forbidden={2: "the seat was sold twice"},
    seen_in=(
        "pyTwitchAPI: two tasks could refresh one token at the same time (issue 184)",
        "python-keycloak: ten tasks saw one expired token and asked for ten new ones (issue 708)",
    ),
    hint="What may have changed when an await comes back?",
    review=(
        "A value that is read before an `await` and written back after it.",
        "A check before an `await` whose answer is used after it.",
    ),
)
