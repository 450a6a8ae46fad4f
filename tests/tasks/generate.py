"""Small random programs of tasks, as Python source."""

import asyncio
import linecache
from random import Random


class State:
    def __init__(self):
        self.value = 0
        self.seen = []
        self.lock = asyncio.Lock()
        self.slots = asyncio.Semaphore(1)
        self.event = asyncio.Event()
        self.queue = asyncio.Queue(1)
        self.ready = asyncio.Condition()


def outcome(state):
    return state.value, tuple(state.seen)


class Source:
    """Writes one program."""

    def __init__(self, seed):
        self.random = Random(f"tasks {seed}")
        self.durations = iter(self.random.sample(range(101, 4_000, 13), 40))

    def duration(self):
        return next(self.durations) / 1_000

    def block(self, depth, size, indent):
        return "".join(self.statement(depth, indent) for _ in range(size))

    def statement(self, depth, indent):
        draw = self.random.random
        pad = "    " * indent
        leaf = draw()
        if depth == 0 or leaf < 0.55:
            return pad + self.leaf() + "\n"
        inner = self.block(depth - 1, self.random.randint(1, 2), indent + 1)
        kind = self.random.choice(
            ["lock", "lock", "slots", "child", "gather", "timeout", "shield", "finally", "wait_for", "group"]
        )
        pad2 = pad + "    "
        if kind == "lock":
            return f"{pad}async with s.lock:\n{inner}"
        if kind == "slots":
            return f"{pad}async with s.slots:\n{inner}"
        if kind == "finally":
            return f"{pad}try:\n{inner}{pad}finally:\n{pad2}s.value += 10\n"
        if kind == "timeout":
            return (
                f"{pad}try:\n{pad2}async with asyncio.timeout({self.duration()}):\n"
                + "".join(f"    {line}\n" for line in inner.splitlines())
                + f"{pad}except TimeoutError:\n{pad2}s.seen.append('t')\n"
            )
        part = f"{pad}async def part():\n{pad2}x = 0\n{inner}"
        if kind == "child":
            return f"{part}{pad}child = asyncio.create_task(part())\n{pad}{self.leaf()}\n{pad}await child\n"
        if kind == "gather":
            return f"{part}{pad}await asyncio.gather(part(), part())\n"
        if kind == "shield":
            return f"{part}{pad}await asyncio.shield(part())\n"
        if kind == "wait_for":
            return (
                f"{part}{pad}try:\n{pad2}await asyncio.wait_for(part(), {self.duration()})\n"
                f"{pad}except TimeoutError:\n{pad2}s.seen.append('w')\n"
            )
        return f"{part}{pad}async with asyncio.TaskGroup() as group:\n{pad2}group.create_task(part())\n{pad2}group.create_task(part())\n"

    def leaf(self):
        return self.random.choice(
            [
                "x = s.value",
                "s.value = x + 1",
                "s.value += 1",
                f"s.seen.append({self.random.choice('abc')!r})",
                "x = s.value",
                "s.value = x + 1",
                "await asyncio.sleep(0)",
                "await asyncio.sleep(0)",
                "await asyncio.sleep(0)",
                f"await asyncio.sleep({self.duration()})",
                "s.event.set()",
                "s.event.set()",
                "await s.event.wait()",
                "s.queue.empty() or s.queue.get_nowait()",
                "await s.queue.put(x)",
            ]
        )

    def actor(self, name):
        return f"async def {name}(s):\n    x = 0\n" + self.block(2, self.random.randint(1, 3), 1)


def program(seed):
    """The source, and the actors by name."""
    source = Source(seed)
    names = ["alice", "bob", "carol"][: source.random.choice((2, 2, 3))]
    text = "import asyncio\n\n" + "\n".join(source.actor(name) for name in names)
    filename = f"/generated/tasks_{seed}.py"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    namespace = {"__name__": f"generated_tasks_{seed}"}
    exec(compile(text, filename, "exec"), namespace)
    return text, {name: namespace[name] for name in names}
