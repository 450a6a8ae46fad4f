"""Twins of Thread and of the functions that tell threads apart."""

from __future__ import annotations

import _thread
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.operations import SYNC
from lab.virtual.arguments import as_real, patience
from lab.virtual.calling import is_python

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.carriers.control import Control
    from lab.instrument import Site


IS_ALIVE, WHO_IS_ALIVE = "asks whether it is alive", "asks who is alive"
"""Words of the steps of which the answer is the end of a thread."""
HAS_ENDED = "no, {} has ended"
_DEFAULT_NAME = re.compile(r"Thread-\d+(?P<target>.*)", re.DOTALL)

_WORKER_NAME = re.compile(r"ThreadPoolExecutor-(?P<executor>\d+)(?P<worker>_\d+)")


def start(control: Control, site: Site, thread: Any) -> None:
    if not thread._initialized:
        raise RuntimeError("thread.__init__() not called")
    begun = not control.quiet
    if begun:
        control.operate(thread, "starts", site)
    if thread._started._flag:
        raise RuntimeError("threads can only be started once")
    control.discovery.cover(thread.run)
    _rename_worker(control, thread)
    body = partial(_run, control, site, thread)
    actor = control.spawn(_stable_name(control, thread.name), body, (), thread.daemon, thread)
    _mark_started(control, actor, thread)
    if not begun:
        control.operate(thread, "starts", site)


def _run(control: Control, site: Site, thread: Any) -> None:
    """Run a Thread; who leaves it by SystemExit has ended it.

    Any other exception is a failure, unless a `threading.excepthook` of the program takes care of it.
    """
    try:
        thread.run()
    except SystemExit:
        pass
    except Exception as error:
        hook = threading.excepthook
        if hook is control.twins.memory.excepthook:
            raise
        told = threading.ExceptHookArgs((type(error), error, error.__traceback__, thread))
        control.call(hook, (told,), site)(told)


def _run_raw(
    control: Control, site: Site, function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    with suppress(SystemExit):
        if not is_python(function):  # of which the site would keep the last one alive
            function = control.call(function, (*arguments, *named.values()), site)
        function(*arguments, **named)


def _rename_worker(control: Control, thread: Any) -> None:
    """`concurrent.futures` counts executors per process as well."""
    default = _WORKER_NAME.fullmatch(thread.name)
    if default is not None:
        known = control.twins.memory.executors
        thread._name = f"ThreadPoolExecutor-{known.setdefault(default['executor'], len(known))}{default['worker']}"


def new_name(control: Control, _site: Site, template: str = "Thread-%d") -> str:
    """CPython counts unnamed threads per process, which would name them otherwise in every execution."""
    control.twins.memory.named += 1
    return template % control.twins.memory.named


def join(control: Control, site: Site, thread: Any, timeout: Any = None) -> None:
    if not thread._initialized:
        raise RuntimeError("Thread.__init__() not called")
    actor = _actor_of(control, thread)
    if actor is None or actor.parent is not control.current:  # whether it has been started depends on others
        control.operate(thread, "comes to join", site)
        actor = _actor_of(control, thread)
    if not thread._started._flag:
        raise RuntimeError("cannot join thread before it is started")
    if actor is None:
        with uncontrolled():
            threading.Thread.join(thread, timeout)  # not one of this execution's threads
        return
    if actor is control.current.runs_on:
        raise RuntimeError("cannot join current thread")
    deadline = None if timeout is None else control.now + patience(max(timeout, 0))
    if deadline is not None:
        _share_end(control, site, thread, actor)
    control.block("join", thread, "joins", lambda: actor.finished, site, deadline)


def is_alive(control: Control, site: Site, thread: Any) -> bool:
    actor = _actor_of(control, thread)
    if actor is not None:
        _share_end(control, site, thread, actor)
    control.operate(thread, IS_ALIVE, site)
    actor = _actor_of(control, thread)
    if actor is None:
        with uncontrolled():
            return threading.Thread.is_alive(thread)
    _answer(control, HAS_ENDED.format(actor.name) if actor.finished else "yes")
    return not actor.finished


def _answer(control: Control, text: str) -> None:
    """Put down what the last step was told: a replay has to wait for the ends of threads, which are no steps."""
    answered = getattr(control.recorder, "answered", None)
    if answered is not None and not control.quiet:
        answered(text)


def _share_end(control: Control, site: Site, thread: Any, actor: Actor) -> None:
    """Make ``site``, where the end of ``actor`` may be noticed or not, a decision: ending is no step of its own."""
    control.asked_for_ends = True
    if not control.quiet:
        control._mark(actor, thread, SYNC, True, site)


def start_new_thread(
    control: Control, site: Site, function: Callable[..., Any], arguments: Any, keywords: Any = None, /
) -> int:
    given = {} if keywords is None else keywords
    if not callable(function) or not isinstance(arguments, tuple) or not isinstance(given, dict):
        return _thread.start_new_thread(function, arguments, keywords)  # complains, and starts nothing
    control.discovery.cover(function)
    name = f"thread {control.next_index}"
    actor = control.spawn(name, partial(_run_raw, control, site, function, arguments, given), (), True, None)
    control.operate(actor, "starts", site)
    return identity(control, actor)


def current_thread(control: Control, _site: Site) -> Any:
    return thread_of(control, control.current.runs_on)


def enumerate_threads(control: Control, site: Site) -> list[Any]:
    """The process's real threads and this execution's."""
    _share_all_ends(control, site)
    with uncontrolled():
        real = threading.enumerate()
    return real + [
        thread_of(control, actor) for actor in control.live if actor is not control.main and actor.runs_on is actor
    ]


def active_count(control: Control, site: Site) -> int:
    return len(enumerate_threads(control, site))


def count(control: Control, site: Site) -> int:
    """How many threads there are beside the main one."""
    _share_all_ends(control, site)
    return sum(1 for actor in control.live if actor is not control.main and actor.runs_on is actor)


def _share_all_ends(control: Control, site: Site) -> None:
    for actor in control.actors:
        if actor is not control.main and actor is not control.current and actor.runs_on is actor:
            _share_end(control, site, threading, actor)
    control.operate(threading, WHO_IS_ALIVE, site)
    alive = (actor.name for actor in control.live if actor is not control.main and actor.runs_on is actor)
    _answer(control, ", ".join(sorted(alive)))


def get_ident(control: Control, _site: Site) -> int:
    return identity(control, control.current.runs_on)


def identity(control: Control, actor: Actor) -> int:
    """A thread identity no other actor of the execution has."""
    return control.identity + actor.index


def mark_ended(thread: Any) -> None:
    """Let `Thread.is_alive` of the real object say False."""
    if hasattr(thread, "_is_stopped"):
        thread._is_stopped = True
        thread._tstate_lock = None
    if hasattr(thread, "_handle"):
        thread._handle = _Ended()


class _Ended:
    """Takes the place of the operating system's thread behind a Thread object, since 3.13."""

    def is_done(self) -> bool:
        return True

    def join(self, timeout: float | None = None) -> None:
        """Nothing is left to wait for."""


def thread_of(control: Control, actor: Actor) -> Any:
    """The Thread object of an actor, made when first asked for."""
    if actor is control.main:
        with uncontrolled():
            return threading.current_thread()
    if actor.thread is None:
        with uncontrolled():
            actor.thread = threading.Thread(name=actor.name, daemon=actor.daemon)
        _mark_started(control, actor, actor.thread)
    return actor.thread


def _stable_name(control: Control, name: str) -> str:
    """What the actor is called: the thread's name, where it means the same in every execution.

    CPython counts unnamed threads per process, so the lab counts them anew, and a
    name that several threads share is numbered: a witness knows actors by name.
    """
    name = name if name.isprintable() and name.strip() else ascii(name)
    default = _DEFAULT_NAME.fullmatch(name)
    if default is not None:
        name = f"Thread-{len(control.actors)}{default['target']}"
    taken = {actor.name for actor in control.actors}
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} #{number}"
    return unique


def _mark_started(control: Control, actor: Actor, thread: Any) -> None:
    thread._ident = identity(control, actor)
    thread._native_id = thread._ident
    thread._started._flag = True


def _actor_of(control: Control, thread: Any) -> Actor | None:
    for actor in control.actors:
        if actor.thread is thread:
            return actor
    return None


_TWINS: dict[Any, Callable[..., Any]] = {
    threading.Thread.start: start,
    threading.Thread.join: join,
    threading.Thread.is_alive: is_alive,
    threading.current_thread: current_thread,
    threading._newname: new_name,  # type: ignore[attr-defined]
    threading.enumerate: enumerate_threads,
    threading.active_count: active_count,
}
_PLAIN: dict[Any, Callable[..., Any]] = {
    _thread.get_ident: get_ident,
    _thread.get_native_id: get_ident,
    _thread.start_new_thread: start_new_thread,
    _thread._count: count,
}
FUNCTIONS: dict[Any, Callable[..., Any]] = {real: as_real(real, twin) for real, twin in _TWINS.items()}
PLAIN: dict[Any, Callable[..., Any]] = {real: as_real(real, twin) for real, twin in _PLAIN.items()}
