"""``python -m tests.oracle.sample FILE...``: what a program comes to when it is switched anywhere.

A program is a module with ``setup``, ``ACTORS`` and ``outcome``, as `lab.explore`
takes them.  For each prints one line of JSON: how often which outcome was seen.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import sys
import time
from _thread import get_ident
from collections import Counter
from collections.abc import Callable
from types import ModuleType

from . import locks, opcodes


def sample(program: ModuleType, executions: int, seconds: float, seed: int = 0) -> Counter[str]:
    """Outcomes of so many executions, or of as many as there is time for, as they are printed."""
    draw = random.Random(seed)
    found: Counter[str] = Counter()
    actors = program.ACTORS
    bodies = list(actors.values() if isinstance(actors, dict) else actors)
    own, longest = program.__file__, 30
    clock = locks_clock
    until = clock() + seconds
    for number in range(executions):
        if clock() > until:
            break
        state = program.setup()
        switches, changes = 0.0, set()
        if number % 2:
            switches = draw.choice((0.02, 0.1, 0.3, 0.7))
        else:
            changes = {draw.randrange(1, longest + 1) for _ in range(draw.randrange(5))}
        stepped = _own(own) if draw.random() < 0.7 else _library(own)
        execution = opcodes.Execution(draw, switches, changes, stepped)
        for body in bodies:
            execution.add(_call(body, state), False, locks.START)
        opcodes.CURRENT[:] = [execution]
        execution.run()
        opcodes.CURRENT.clear()
        if execution.abandoned:
            locks.free_all()
        longest = max(longest, min(execution.steps, 2_000)) if execution.result is None else longest
        found[execution.result or repr(program.outcome(state))] += 1
        if not number % 200:
            gc.collect()
    return found


locks_clock = time.perf_counter


def _call(body: Callable, state: object) -> Callable[[], None]:
    import threading  # once its locks have been replaced

    thread = threading.Thread()
    thread._started._flag = True

    def run() -> None:
        thread._ident = get_ident()
        threading._active[thread._ident] = thread
        try:
            body(state)
        finally:
            threading._active.pop(thread._ident, None)

    return run


def _own(own: str) -> Callable[[str], bool]:
    return lambda file: file in (own, "<string>")


def _library(own: str) -> Callable[[str], bool]:
    here = os.path.dirname(__file__) + os.sep
    return lambda file: (
        not file.startswith((here, "<frozen"))
        and not file.endswith(("random.py", "enum.py", "re.py", "_weakrefset.py"))
    )


def load(path: str) -> ModuleType:
    """The program, as a module of its own."""
    name = os.path.basename(path).removesuffix(".py")
    module = ModuleType(name)
    module.__file__ = os.path.abspath(path)
    sys.modules[name] = module
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), module.__file__, "exec"), module.__dict__)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.sample", description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--executions", type=int, default=3_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    locks.replace()
    sys.setswitchinterval(1.0)
    sys.unraisablehook = lambda unraisable: None
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # where executors complain of how their threads end
    gc.disable()
    for path in options.files:
        if len(options.files) > 1:  # what one leaves behind concerns no other
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                continue
        began = locks_clock()
        try:
            found: object = sample(load(path), options.executions, options.seconds, options.seed)
            error = None
        except Exception as problem:  # told, and the next one is looked at
            found, error = {}, f"{type(problem).__name__}: {problem}"
        seconds = round(locks_clock() - began, 2)
        print(json.dumps({"file": path, "outcomes": found, "error": error, "seconds": seconds}), file=OUT, flush=True)
        if len(options.files) > 1:
            os._exit(0)
    OUT.flush()
    os._exit(0)


OUT = sys.stdout
if __name__ == "__main__":
    OUT = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the programs print concerns nobody
    main()
