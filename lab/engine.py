"""The engine of an exploration: a carrier, instrumented code, and an interpreter that is as before afterwards."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from lab.carriers.choice import carrier as carrier_of
from lab.carriers.ownership import references_of_private
from lab.carriers.parting import watched
from lab.discovery import Discovery
from lab.errors import LabError
from lab.exploration import Exploration
from lab.hooks import DRIVERS, ONE_AT_A_TIME
from lab.inherited import modules_of
from lab.leaving import ITSELF
from lab.loops import may_wait
from lab.program import Program
from lab.reached import codes_of
from lab.settings import complaint
from lab.surroundings import Interruptions, interruptible, tidy
from lab.virtual import operations_redirected

_HAS_TWINS = ("psycopg", "psycopg_binary")
"""Libraries of which all that matters has a twin; what else they do concerns nobody."""
_LEFT_ALONE = ("tasks", "futures", "taskgroups", "timeouts", "streams", "selector_events", "trsock", "transports")
"""Of asyncio: the work of the loop's own callbacks, which take no locks and start no threads."""


@contextmanager
def engine(
    program: Program,
    steps: int,
    trace: tuple[str, ...],
    carrier: str,
    strict: bool = False,
    points: bool = False,
    classes: bool = False,
) -> Iterator[Exploration]:
    """A carrier and the instrumented program, with ``points`` so that it tells of switch points as well.

    With ``classes`` it has tasks, and they are freer than on their loop (`lab.carriers.stretches`).

    Everything is as before afterwards.
    """
    if threading.get_ident() in DRIVERS:
        raise LabError("explore() was called inside an exploration; call it from outside the actors, setup and check")
    with ONE_AT_A_TIME, interruptible() as interruptions:
        if program.processes:
            making = _engine_of_processes(program, steps, strict, interruptions)
        else:
            making = _engine(program, steps, trace, carrier, strict, points, classes, interruptions)
        with making as exploration:
            yield exploration


@contextmanager
def _engine(
    program: Program,
    steps: int,
    trace: tuple[str, ...],
    carrier: str,
    strict: bool,
    points: bool,
    classes: bool,
    interruptions: Interruptions,
) -> Iterator[Exploration]:
    carrier, kind = carrier_of(carrier)
    finder: type[Discovery] = Discovery
    if program.is_async:
        from lab.carriers.tasks import tasked

        kind = tasked(kind, program.order, program.cancels, strict, classes)
    elif strict:
        kind = watched(kind)
    if points:  # imported here as most explorations need neither
        from lab.carriers.pointing import pointed
        from lab.pointing import PointDiscovery

        finder, kind = PointDiscovery, pointed(kind)  # outermost: it looks at the frame that its hooks are called from
    references_of_private()  # counted once in a process, and before anything is watched
    with operations_redirected(), finder(trace, libraries=strict) as discovery:
        if program.is_async:
            if not classes:
                discovery.modelled += ("asyncio",)  # the tasks of a loop share what its own code touches
                discovery.left_alone |= {f"asyncio.{name}" for name in _LEFT_ALONE}
            discovery.left_alone |= {"_weakrefset"}  # each loop has functions of its own from there
        discovery.left_alone |= {name for name in list(sys.modules) if name.partition(".")[0] in _HAS_TWINS}
        functions = program.functions
        control: Any = kind(discovery, steps)
        around: AbstractContextManager[None] = nullcontext()
        if program.is_async:
            from lab.virtual.tasks import warnings_redirected

            around, program = warnings_redirected(), program.called_by(control.inside)
        with around:
            try:
                with (
                    tidy(),
                    _as_before(Exploration(program, control, discovery, carrier, strict)) as exploration,
                    interruptions.let_through(control),
                ):
                    for function in functions:
                        discovery.cover(function)
                    yield exploration
            finally:
                DRIVERS.pop(control.identity, None)  # a signal may have struck while an execution was tidied up
                if control.twins.uses_files:
                    control.twins.files.sessions.close()
                control.close()


@contextmanager
def _engine_of_processes(
    program: Program, steps: int, strict: bool, interruptions: Interruptions
) -> Iterator[Exploration]:
    from lab.carriers.process import ProcessControl
    from lab.carriers.unwatched import Unwatched

    with Unwatched() as discovery:
        control = ProcessControl(discovery, steps, strict, program.crashes)
        actors = [function for _, function in program.actors]
        control.waits = any(map(may_wait, codes_of(actors, modules_of(actors))))
        try:
            with (
                tidy(),
                _as_before(Exploration(program, control, discovery, "process", strict)) as exploration,
                interruptions.let_through(control),
            ):
                yield exploration
        finally:
            control.close()


@contextmanager
def _as_before(exploration: Exploration) -> Iterator[Exploration]:
    """Leave the interpreter's settings as they were, and tell what that came to where it broke the lab itself."""
    try:
        yield exploration
    except Exception as error:
        changed = exploration.put_back()
        if str(error).startswith(ITSELF):  # in an execution in which a builtin was another one, which is back by now
            changed += exploration.replaced
        told = complaint(changed, error)
        if told:
            raise LabError(told) from error
        raise
    finally:
        exploration.put_back()
