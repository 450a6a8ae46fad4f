"""What `multiprocessing` has of its own in the process of an actor, which is no process that it has started itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from lab.child.births.started import InOrder


class Library(NamedTuple):
    """What it has in the runner, as far as that matters to a child."""

    process: Any  # the module
    name: str  # of the process that goes on
    config: dict[str, Any]
    has_to_renew: bool  # there is something to be done after a fork


def library_now() -> Library | None:
    """Asked before processes are forked; None where nothing of it is imported."""
    process: Any = sys.modules.get("multiprocessing.process")
    util: Any = sys.modules.get("multiprocessing.util")
    if process is None or util is None:
        return None
    before = process._current_process
    return Library(process, before._name, before._config.copy(), bool(util._finalizer_registry) or _has_to_renew(util))


def _has_to_renew(util: Any) -> bool:
    """Whether more is to be done than to renew locks of the library that nobody holds."""
    known = util.ForkAwareThreadLock
    for (_, _, function), reference in util._afterfork_registry.data.copy().items():
        one = reference()
        if one is not None and (function is not known._at_fork_reinit or one._lock.locked()):
            return True
    return False


def beginning(library: Library, name: str, index: int, parent: int) -> Iterator[Callable[[], object]]:
    """In the runner: what a child has to call to do what the library does at the beginning of a process."""
    here = object.__new__(library.process.BaseProcess)
    vars(here).update(_identity=(index,), _config=library.config.copy(), _parent_pid=parent, _parent_name=library.name)
    vars(here).update(_popen=None, _closed=False, _target=None, _args=(), _kwargs={}, _name=name)
    put = {"_current_process": here, "_children": InOrder(), "_process_counter": count(1)}
    yield partial(vars(library.process).update, put)
    if library.has_to_renew:
        util: Any = sys.modules["multiprocessing.util"]
        yield util._finalizer_registry.clear
        yield util._run_after_forkers
