"""Two loops: an asyncio.Lock keeps tasks of one loop apart, and the worker thread has its own.

A server keeps an account, with an asyncio.Lock around every deposit.  A worker thread has no loop to await in, so it
calls `asyncio.run`, and has one.  A lock that nobody waits for can be had from anywhere: it works until the two meet.

    bob     holds the lock, in the worker's loop
    alice   waits for it: a future of the server's loop, which then sleeps until something comes
    bob     releases: marks the future as done, from his thread
    alice   sleeps on, for nothing wakes a loop but call_soon_threadsafe

The other way round one of them may be told: RuntimeError, "is bound to a different event loop".  A lock for each loop
raises no error, and keeps nobody apart.  What belongs to a loop is done in that loop: a thread hands the coroutine over
and waits for the answer.
"""

import asyncio

from lab import Scenario


class UnsafeAccount:
    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.balance = 0
        self.lock = asyncio.Lock()

    async def deposit(self):
        async with self.lock:
            balance = self.balance
            await asyncio.sleep(0)  # the audit log
            self.balance = balance + 1

    def deposit_from_thread(self):
        asyncio.run(self.deposit())


class StillUnsafeAccount(UnsafeAccount):
    async def deposit(self):
        async with asyncio.Lock():  # of this loop: no error any more, and nobody ever waits for it
            balance = self.balance
            await asyncio.sleep(0)
            self.balance = balance + 1


class FixedAccount(UnsafeAccount):
    def deposit_from_thread(self):
        asyncio.run_coroutine_threadsafe(self.deposit(), self.loop).result()


async def alice(account):
    await account.deposit()


def bob(account):
    account.deposit_from_thread()


def balance(account):
    return account.balance


SCENARIO = Scenario(
    bug_class="lock shared by two loops",
    cwe=(662, 833),
    unsafe=UnsafeAccount,
    still_unsafe=StillUnsafeAccount,
    fixed=FixedAccount,
    actors={"alice": alice, "bob": bob},
    outcome=balance,
    allowed={2: "both deposits"},
    forbidden={1: "one deposit lost"},
    symptoms={
        "exception": "the lock is bound to another loop, or released from the wrong thread",
        "deadlock": "a loop sleeps on beside a lock that is free",
    },
    seen_in=(
        "forecast-in-a-box: a scheduler thread with its own loop and the server met at one asyncio.Lock (issue 317)",
    ),
    hint="Which loop does the waiter's future belong to, and who wakes that loop?",
    review=(
        "An asyncio primitive in an object that a second thread uses, through its own `asyncio.run`.",
        "`asyncio.run` inside a thread pool or behind a synchronous interface.",
    ),
)
