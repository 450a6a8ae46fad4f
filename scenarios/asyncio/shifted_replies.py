"""Shifted replies: after a cancelled request everybody gets the answer to somebody else's question.

One connection, several users.  Each sends its request and reads the next reply; a lock keeps them apart.  Then a
request is cancelled after it was sent and before its reply was read.  The lock is released, as it should be, but the
reply is still on its way, and the next one who reads gets it:

    alice    sends "GET alice"
    alice    await reply               cancelled: nobody reads it
    bob      sends "GET bob"
    bob      await reply               "reply to alice"

From here on every reply is off by one.  This happened to a popular chat service in 2023, through its Redis client.
What helps is to give up the connection with the request, or to read the reply whatever happens.
"""

import asyncio

from lab import Scenario


class UnsafeConnection:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.replies = asyncio.Queue()
        self.got = None

    def send(self, name):
        self.replies.put_nowait(name)  # the server answers in order

    async def ask(self, name):
        async with self.lock:
            self.send(name)
            await asyncio.sleep(0)  # the network; a cancellation lands here, and the reply stays
            return await self.replies.get()


class StillUnsafeConnection(UnsafeConnection):
    async def ask(self, name):
        async with self.lock:
            self.send(name)
            try:
                await asyncio.sleep(0)
                return await self.replies.get()
            except Exception:  # CancelledError is none
                self.replies = asyncio.Queue()
                raise


class FixedConnection(UnsafeConnection):
    async def ask(self, name):
        async with self.lock:
            self.send(name)
            try:
                await asyncio.sleep(0)
                return await self.replies.get()
            except asyncio.CancelledError:
                self.replies = asyncio.Queue()  # a new connection for those who come next
                raise


async def alice(connection):
    await connection.ask("alice")


async def bob(connection):
    connection.got = await connection.ask("bob")


def bobs_reply(connection):
    return connection.got


SCENARIO = Scenario(
    bug_class="cancellation leaves shared state behind",
    cwe=(488, 460),
    unsafe=UnsafeConnection,
    still_unsafe=StillUnsafeConnection,
    fixed=FixedConnection,
    actors={"alice": alice, "bob": bob},
    outcome=bobs_reply,
    allowed={"bob": "bob has his own reply"},
    forbidden={"alice": "bob has the alice's reply"},
    cancel=("alice",),
    seen_in=("redis-py before 4.5.5: a cancelled command left its reply on the shared connection (issue 2624)",),
    hint="The lock is free again after a cancellation. Is the connection as well?",
    review=(
        "A request and its reply with an `await` in between, on a connection that others use next.",
        "`async with lock` around a protocol: the lock survives a cancellation, the protocol may not.",
    ),
)
