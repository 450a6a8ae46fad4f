"""asyncio.wait_for: a cancel that comes just when what is waited for is there.

Up to 3.11 `wait_for` then returns the result, and the cancel is lost: whoever asked for it waits for a task that goes
on for ever.  Since 3.12 it is made with `asyncio.timeout`, and the cancel passes through (python/cpython#86296).
"""

import asyncio
import contextlib

TRACE = ()
CANCEL = ("worker",)
setup = asyncio.Queue


async def worker(queue):
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(queue.get(), 5)


async def producer(queue):
    queue.put_nowait("work")


ACTORS = {"worker": worker, "producer": producer}
ALLOWED = None
check = None
outcome = None
teardown = None
