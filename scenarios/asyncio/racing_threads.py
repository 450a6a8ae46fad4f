"""Racing threads: `to_thread` brings back everything that tasks had got rid of.

The counter is bumped in a plain function without any await.  As long as tasks call it, that is safe.  Then somebody
moves the call into `asyncio.to_thread`, because it also writes a file, and two of them run in two real threads:

    thread 1   count = 0
    thread 2   count = 0
    thread 1   count = 1
    thread 2   count = 1               one call was not counted

An `asyncio.Lock` around the calls is no help inside the threads, but it can keep two of them from running at all.
What belongs to threads needs a `threading.Lock`, or is left to the tasks.
"""

import asyncio

from lab import Scenario


class UnsafeStore:
    def __init__(self):
        self.count = 0

    def write(self):
        count = self.count
        self.count = count + 1

    async def save(self):
        await asyncio.to_thread(self.write)


class StillUnsafeStore(UnsafeStore):
    def write(self):
        self.count += 1  # one line, and still a read and a write


class FixedStore(UnsafeStore):
    async def save(self):
        await asyncio.to_thread(lambda: None)  # the file, which nobody else touches
        self.write()  # back in the loop


async def alice(store):
    await store.save()


async def bob(store):
    await store.save()


def written(store):
    return store.count


SCENARIO = Scenario(
    bug_class="lost update between threads of tasks",
    cwe=(366, 362),
    unsafe=UnsafeStore,
    still_unsafe=StillUnsafeStore,
    fixed=FixedStore,
    actors={"alice": alice, "bob": bob},
    outcome=written,
    allowed={2: "both calls were counted"},
    forbidden={1: "one call was not counted"},
    seen_in=("datarobot-genai: a thread that was out of time went on writing what the task read (pull request 225)",),
    hint="Which code of this runs in the event loop's thread?",
    review=("State that is touched both in `to_thread` functions and elsewhere.", "`run_in_executor` on a method."),
)
