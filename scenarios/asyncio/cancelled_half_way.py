"""Cancelled half way: the money has left one account and never arrives at the other.

A task can be cancelled at every `await`.  A timeout does it, a client that hangs up, a server that shuts down.  The
transfer below is fine as long as it is let go on to its end.  If the cancellation lands between the two halves, ten
coins are nowhere:

    alice    hers -= 10
    alice    await ledger              cancelled here
                                       his += 10 never happens

`except Exception` does not help: since Python 3.8 `CancelledError` is no `Exception`.  Either there is no await
between the halves, or a `finally` undoes the first one.
"""

import asyncio

from lab import Scenario


class UnsafeBank:
    def __init__(self):
        self.hers = 10
        self.his = 0

    async def note(self):
        await asyncio.sleep(0)  # the ledger is written

    async def transfer(self):
        self.hers -= 10
        await self.note()  # a cancellation lands here
        self.his += 10


class StillUnsafeBank(UnsafeBank):
    async def transfer(self):
        self.hers -= 10
        try:
            await self.note()
        except Exception:  # CancelledError is none
            self.hers += 10
            raise
        self.his += 10


class FixedBank(UnsafeBank):
    async def transfer(self):
        await self.note()
        self.hers -= 10
        self.his += 10


async def alice(bank):
    await bank.transfer()


async def bob(bank):
    await asyncio.sleep(0)


def coins(bank):
    return bank.hers + bank.his


SCENARIO = Scenario(
    bug_class="cancellation inside a critical section",
    cwe=(460, 755),
    unsafe=UnsafeBank,
    still_unsafe=StillUnsafeBank,
    fixed=FixedBank,
    actors={"alice": alice, "bob": bob},
    outcome=coins,
    allowed={10: "all coins are somewhere"},
    forbidden={0: "ten coins are nowhere"},
    cancel=("alice",),
    seen_in=("httpcore: `except Exception` missed CancelledError, and the connection stayed in the pool (issue 149)",),
    hint="What if this await never comes back?",
    review=(
        "State that is inconsistent across an `await`.",
        "`except Exception` as the only place where something is undone.",
    ),
)
