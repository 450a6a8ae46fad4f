"""The beginning of a process that an actor has started with an interpreter of its own.

Here is done what `multiprocessing` does in such a process, after it has come under control: to run the program's main
module, and whatever else is imported, belongs to what the process does.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
import threading
from threading import get_ident
from typing import Any

from lab.child.births import workers
from lab.child.births.forking import RAISED
from lab.child.births.quiet import Quiet
from lab.child.everything import named
from lab.child.loops.rounds import Rounds
from lab.child.memory.buffers import driver_of
from lab.child.memory.guard import tell_by
from lab.child.operations import Operations
from lab.child.telling import told
from lab.child.wire import Wire
from lab.errors import LabError
from lab.hooks import DRIVERS

_UTIL = "multiprocessing.util"
_PROCESS, _SPAWN, _REDUCTION = "multiprocessing.process", "multiprocessing.spawn", "multiprocessing.reduction"


def is_heard_by(operations: Operations, wire: int, given: dict[str, Any]) -> None:
    """From now on the runner is told by that file descriptor of the process that is told of."""
    operations.stops.is_spawned(Wire(wire), given["index"], _run.__code__, given["now"], given["site"])


def live(operations: Operations, given: dict[str, Any]) -> int:
    """Be that process; the exit code."""
    operations.take(given)
    stops = operations.stops
    called = operations.called if given["strict"] else None
    rounds, driver = driver_of(stops, _run.__code__, given["waits"], operations.is_hooked, stops.telling)
    if rounds is not None:
        stops.rounds = rounds if given["waits"] else None
        called = driver.begin(_run, called)
    if stops.telling >= 0:
        tell_by(stops.telling)
        stops.guard.close_all()
    workers.here = stops, operations.channels
    DRIVERS[get_ident()] = driver
    library: Any = tempfile
    library.tempdir, library._name_sequence = given["temporary"], operations.chance.names()
    sys.modules[_PROCESS].sys = Quiet()  # type: ignore[attr-defined]
    _know_imports(stops)
    stops.begun = True
    sys.addaudithook(operations.announced)
    sys.setprofile(called)
    status = _run(operations, given, rounds)
    sys.setprofile(None)
    stops.end(("exited", status))
    return status


def _know_imports(stops: Any) -> None:
    """To find and read the code of the program is of the interpreter; what the code does then is of the program."""
    library: Any = sys.modules[_SPAWN]

    def knowing(real: Any) -> Any:
        def find(where: str) -> None:
            with stops.known():
                real(where)

        return find

    for name in ("_fixup_main_from_name", "_fixup_main_from_path"):
        setattr(library, name, knowing(getattr(library, name)))
    module: Any = runpy
    module._run_code = stops.outside(module._run_code)


def _prepare(library: Any, data: Any, stops: Any) -> None:
    """Import the main module once more, as the library does; raises LabError if that explores, or looks where it was
    not started."""
    file = os.path.basename(data.get("init_main_from_path", data.get("init_main_from_name", "")))
    again = f"{file} is imported once more by the process that an actor has started, and"
    try:
        library.prepare(data)
    except LabError as error:
        told = 'explores when it is imported; put the call below `if __name__ == "__main__":`'
        raise LabError(f"{again} {told}") from error
    except (FileNotFoundError, ImportError) as error:
        with stops.known():
            missed = _missed(error, data["orig_dir"])
        if not missed:
            raise
        told = f"does not find {missed} in the private directory of an actor; let it go by the path of its own file"
        raise LabError(f"{again} {told}: os.path.dirname(os.path.abspath(__file__))") from error


def _missed(error: FileNotFoundError | ImportError, started: str) -> str:
    """What was not found, and is there by the same relative path from where the program was ``started``; or ""."""
    if isinstance(error, FileNotFoundError):
        names = [os.fspath(error.filename)] if isinstance(error.filename, (str, os.PathLike)) else []
    else:
        module = (error.name or "").partition(".")[0]
        folders = [path for path in sys.path if path and not os.path.isabs(path)]
        names = [os.path.join(path, f"{module}{end}") for path in folders for end in ("", ".py") if module]
    found = [name for name in names if not os.path.isabs(name) and os.path.exists(os.path.join(started, name))]
    return str(found[0]) if found else ""


def _run(operations: Operations, given: dict[str, Any], rounds: Rounds | None) -> int:
    """Do what there is to do; the exit code."""
    library: Any = sys.modules[_SPAWN]
    loads = sys.modules[_REDUCTION].ForkingPickler.loads
    here: Any = sys.modules[_PROCESS].current_process()
    stops = operations.stops
    try:
        here._inheriting = True
        try:
            _prepare(library, loads(given["prepared"]), stops)
            stops.step("takes", "what it is given", operations.named.effects())
            process = loads(given["process"])
        finally:
            del here._inheriting
        if rounds is not None:
            operations.more = named(set(given["more"]))
            rounds.cover((process._target or process.run, *operations.more))
        status = int(process._bootstrap(given["sentinel"]))
        threading._shutdown()  # type: ignore[attr-defined]
        operations.at_end.run()
        util: Any = sys.modules[_UTIL]
        util._exit_function()  # which was registered before all else
    except BaseException as error:
        payload = told(error)
        status = payload[1] if payload[0] == "exit" else 1
        if payload[0] != "exit":
            stops.note(RAISED, payload)
    sys.stdout.flush()
    sys.stderr.flush()
    return status
