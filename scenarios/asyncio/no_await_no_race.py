"""No await, no race: a plain `x = x + 1` cannot be interrupted by another task.

For threads this very line is the classic lost update.  For tasks it is safe: a task gives way where it awaits and
nowhere else, however many steps lie between.  The same line with an `await` in its middle is the old bug again,
and it does not take much to get there:

    self.total = self.total + await self.weight()

Python reads `self.total` first, then awaits, then adds to the number that it has read:

    alice   reads total 0, awaits
    bob     reads total 0, awaits
    alice   writes total 1
    bob     writes total 1             one weight is lost
"""

import asyncio

from lab import Scenario


class FixedScale:
    def __init__(self):
        self.total = 0

    async def weight(self):
        await asyncio.sleep(0)  # the scale takes its time
        return 1

    async def add(self):
        weight = await self.weight()
        self.total = self.total + weight  # nobody can come in between


class UnsafeScale(FixedScale):
    async def add(self):
        self.total = self.total + await self.weight()  # reads, awaits, adds to what was read


class StillUnsafeScale(FixedScale):
    async def add(self):
        self.total += await self.weight()  # one operator, and the same order


async def alice(scale):
    await scale.add()


async def bob(scale):
    await scale.add()


def total(scale):
    return scale.total


SCENARIO = Scenario(
    bug_class="atomicity violation inside an expression",
    cwe=(366, 362),
    unsafe=UnsafeScale,
    still_unsafe=StillUnsafeScale,
    fixed=FixedScale,
    actors={"alice": alice, "bob": bob},
    outcome=total,
    allowed={2: "both weights were added"},
    forbidden={1: "one weight was lost"},
    seen_in=("JavaScript has the same trap; ESLint has a rule against it, require-atomic-updates",),
    hint="In which order does Python evaluate `a + await b()`?",
    review=("An `await` on the right of an assignment that reads its own target.", "`x += await ...` on shared state."),
)
