"""Blocking call: one `time.sleep` in a coroutine, and whoever should answer gets no turn.

A task gives way where it awaits.  `time.sleep` is no await: while it sleeps, the whole loop sleeps, with every other
task in it.  Alice looks again and again whether the answer is there, and sleeps a little in between, so that Bob
can write it.  But Bob runs in the same loop:

    alice   answer is None?            yes
    alice   time.sleep(0.001)          the loop stands still, and bob with it
    alice   answer is None?            yes, of course
            ...
    alice   gives up

With `await asyncio.sleep(0.001)` Bob gets his turns, but how often to look and how long to sleep is still a guess that
a busy day will prove wrong.  An event needs no guess.
"""

import asyncio
import time

from lab import Scenario


class UnsafeDesk:
    def __init__(self):
        self.answer = None
        self.written = asyncio.Event()

    async def wait_for_answer(self):
        for _ in range(3):
            if self.answer is not None:
                break
            time.sleep(0.001)  # the whole loop waits
        return self.answer

    async def write(self):
        self.answer = "yes"
        self.written.set()


class StillUnsafeDesk(UnsafeDesk):
    async def wait_for_answer(self):
        for _ in range(3):
            if self.answer is not None:
                break
            await asyncio.sleep(0.001)  # long enough, mostly
        return self.answer


class FixedDesk(UnsafeDesk):
    async def wait_for_answer(self):
        await self.written.wait()
        return self.answer


async def alice(desk):
    desk.received = await desk.wait_for_answer()


async def bob(desk):
    await asyncio.sleep(0)
    await desk.write()


def received(desk):
    return desk.received


SCENARIO = Scenario(
    bug_class="starvation by a blocking call",
    cwe=(833, 400),
    unsafe=UnsafeDesk,
    still_unsafe=StillUnsafeDesk,
    fixed=FixedDesk,
    actors={"alice": alice, "bob": bob},
    outcome=received,
    allowed={"yes": "alice has her answer"},
    forbidden={None: "alice gave up while bob waited for his turn"},
    seen_in=(
        "Prefect: a blocked event loop sent no heartbeats, and its flows were taken for dead (pull request 21184)",
        "Home Assistant: so frequent that it warns of time.sleep in its event loop (pull request 63766)",
    ),
    hint="Who runs while a coroutine sleeps without await?",
    review=(
        "`time.sleep`, `requests`, `subprocess.run` or a plain database driver in an `async def`.",
        "A loop that looks for something that another task of the same loop is to do.",
    ),
)
