"""asyncio's own event loop in a world that a script decides: every outcome of a small program, by brute force.

Nothing of the lab is used.  The loop is the selector loop of the standard library, its turns are its own; only what
its selector finds when it looks (who arrives, whose time is up, who is cancelled) is enumerated, all of it.
"""

import asyncio
import inspect
import itertools
import selectors


class Stuck(Exception):
    """Nothing is ready, nothing is waited for, and some actor has not ended."""


class World(selectors.SelectSelector):
    """A selector that makes things happen instead of looking for them."""

    def __init__(self, script):
        super().__init__()
        self.script = script  # the choices to make; longer ones go on with the first option
        self.taken = []  # (number of options, the one taken)
        self.now = 100.0
        self.loop = None
        self.arriving = {}
        self.cancellable = set()
        self.tasks = {}

    def choose(self, options):
        if len(options) == 1:
            return options[0]
        position = self.script[len(self.taken)] if len(self.taken) < len(self.script) else 0
        self.taken.append((len(options), position))
        return options[position]

    def select(self, timeout=None):
        late = False
        while True:
            ready = any(not handle._cancelled for handle in self.loop._ready)
            times = sorted(
                {timer.when() for timer in self.loop._scheduled if not timer._cancelled and timer.when() > self.now}
            )
            options = ["go"] if ready or late else []
            options += [] if late else [("arrive", name) for name in self.arriving]
            options += [("time", times[0])] if times else []
            if options and not late:
                options += [("cancel", name) for name in sorted(self.cancellable) if self._suspended(name)]
            if not options and all(task.done() for task in self.tasks.values()):  # children may go on for a while
                self.loop.stop()
                return []
            if not options:
                raise Stuck
            chosen = self.choose(options)
            if chosen == "go":
                return []
            what, which = chosen
            if what == "arrive":
                self.tasks[which] = self.loop.create_task(self.arriving.pop(which), name=which)
            elif what == "time":
                self.now = which
                late = True
            else:
                self.cancellable.discard(which)
                self.tasks[which].cancel()

    def _suspended(self, name):
        task = self.tasks.get(name)
        return task is not None and not task.done() and inspect.getcoroutinestate(task.get_coro()) == "CORO_SUSPENDED"


def run(script, setup, actors, outcome, cancel=()):
    """One execution: the outcome, or "stuck"; and the choices that there were."""
    world = World(script)
    loop = world.loop = asyncio.SelectorEventLoop(world)
    loop.time = lambda: world.now
    call_at, made = loop.call_at, itertools.count()
    loop.call_at = lambda when, *rest, **named: call_at(when + 1e-6 * next(made), *rest, **named)  # the clock goes on
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:

            async def make():
                return setup()

            idle, world.select = world.select, lambda timeout=None: []
            state = runner.run(make())
            world.select = idle
            world.cancellable = set(cancel)
            world.arriving = {name: actor(state) for name, actor in actors.items()}
            try:
                loop.run_forever()
                found = outcome(state)
            except Stuck:
                found = "stuck"
            world.select = lambda timeout=None: []
            for coroutine in world.arriving.values():
                coroutine.close()
            for task in world.tasks.values():
                if task.done() and not task.cancelled():
                    task.exception()
    finally:
        loop.close()
    return found, world.taken


def every_outcome(setup, actors, outcome, cancel=(), most=20_000):
    """Outcome -> in how many executions; None if there are more than ``most`` of them."""
    found, script = {}, []
    for _ in range(most):
        result, taken = run(script, setup, actors, outcome, cancel)
        found[result] = found.get(result, 0) + 1
        script = [position for _, position in taken]
        while script and script[-1] + 1 == taken[len(script) - 1][0]:
            script.pop()
        if not script:
            return found
        script[-1] += 1
    return None
