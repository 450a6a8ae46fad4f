"""Notified and cancelled: the wakeup goes to a waiter who will not act on it.

There is one key, and Alice and Bob wait for it.  The porter brings it and wakes Alice; in the same moment Alice is
cancelled.  The wakeup is used up, the key lies there, and Bob waits for ever.

    alice    await wakeup
    bob      await wakeup
    porter   keys = 1; wakes alice
    alice    cancelled                 the wakeup is lost with her
    bob      waits for ever beside the key

A hand-made list of futures has this bug almost always.  asyncio's own primitives pass the wakeup on: whoever was woken
and is cancelled wakes the next one.
"""

import asyncio

from lab import Scenario


class UnsafeRoom:
    def __init__(self):
        self.keys = 0
        self.waiting = []
        self.bob_was_in = False

    def bring_back(self):
        self.keys += 1
        self.wake_one()

    def wake_one(self):
        while self.waiting:
            wakeup = self.waiting.pop(0)
            if not wakeup.done():
                wakeup.set_result(None)
                return

    async def take_key(self):
        while not self.keys:
            wakeup = asyncio.get_running_loop().create_future()
            self.waiting.append(wakeup)
            await wakeup  # woken and cancelled: nobody else is woken
        self.keys -= 1


class StillUnsafeRoom(UnsafeRoom):
    async def take_key(self):
        while not self.keys:
            wakeup = asyncio.get_running_loop().create_future()
            self.waiting.append(wakeup)
            try:
                await wakeup
            finally:
                if wakeup in self.waiting:
                    self.waiting.remove(wakeup)  # nobody wakes her in vain, but who was woken keeps it to herself
        self.keys -= 1


class FixedRoom(UnsafeRoom):
    async def take_key(self):
        while not self.keys:
            wakeup = asyncio.get_running_loop().create_future()
            self.waiting.append(wakeup)
            try:
                await wakeup
            except asyncio.CancelledError:
                if not wakeup.cancelled():
                    self.wake_one()  # pass it on
                raise
        self.keys -= 1


async def use(room):
    await room.take_key()
    room.bring_back()


async def alice(room):
    await use(room)


async def bob(room):
    await use(room)
    room.bob_was_in = True


async def porter(room):
    room.bring_back()


def bob_was_in(room):
    return room.bob_was_in


SCENARIO = Scenario(
    bug_class="lost wakeup by cancellation",
    cwe=(821, 662),
    unsafe=UnsafeRoom,
    still_unsafe=StillUnsafeRoom,
    fixed=FixedRoom,
    actors={"alice": alice, "bob": bob, "porter": porter},
    outcome=bob_was_in,
    allowed={True: "bob has had the key"},
    symptoms={"deadlock": "the key lies there, and bob waits for ever"},
    cancel=("alice",),
    seen_in=("CPython: an asyncio.Lock was stuck once a waiter that it had woken was cancelled (bpo-27585)",),
    hint="Who else should have been woken?",
    review=(
        "A future that is resolved for a waiter who may have been cancelled.",
        "A wait that does not pass its wakeup on when it is cancelled.",
    ),
)
