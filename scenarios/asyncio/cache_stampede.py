"""Cache stampede: both look, nothing is there, both go and fetch it.

The cache is there so that the slow service is asked once.  Looking and filling are two moments with an `await`
between them, so everybody who comes while the first one is still fetching fetches as well.  With two that is
a wasted call; with ten thousand after a restart the service is down.

    alice   "news" in cache?           no
    alice   await fetch("news")
    bob     "news" in cache?           no: alice is still waiting
    bob     await fetch("news")        the second call

A lock inside of the fetching is a popular wrong fix: it makes them fetch one after the other.  The answer is to put
the *task* into the cache, at once, and to await it afterwards.
"""

import asyncio

from lab import Scenario


class UnsafeCache:
    def __init__(self):
        self.pages = {}
        self.calls = 0
        self.lock = asyncio.Lock()

    async def fetch(self, name):
        self.calls += 1
        await asyncio.sleep(0)  # the slow service
        return name.upper()

    async def get(self, name):
        if name not in self.pages:
            self.pages[name] = await self.fetch(name)  # between the look and this line everybody may look
        return self.pages[name]


class StillUnsafeCache(UnsafeCache):
    async def get(self, name):
        if name not in self.pages:
            async with self.lock:  # too late: the look was before
                self.pages[name] = await self.fetch(name)
        return self.pages[name]


class FixedCache(UnsafeCache):
    async def get(self, name):
        if name not in self.pages:
            self.pages[name] = asyncio.create_task(self.fetch(name))  # no await since the look
        return await self.pages[name]


async def alice(cache):
    assert await cache.get("news") == "NEWS"


async def bob(cache):
    assert await cache.get("news") == "NEWS"


def calls(cache):
    return cache.calls


SCENARIO = Scenario(
    bug_class="check then act",
    cwe=(367, 362),
    unsafe=UnsafeCache,
    still_unsafe=StillUnsafeCache,
    fixed=FixedCache,
    actors={"alice": alice, "bob": bob},
    outcome=calls,
    allowed={1: "fetched once"},
    forbidden={2: "fetched twice"},
    seen_in=("duolicious: concurrent misses of an async cache each ran the database query (pull request 1616)",),
    hint="When does the second one find out that the first one is on its way?",
    review=(
        "`if key not in cache: cache[key] = await ...`, without the key being taken in between.",
        "A lock that is taken after the check that it should protect.",
    ),
)
