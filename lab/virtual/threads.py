"""Twins of Thread and of the functions that tell threads apart."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.carriers.control import Control
    from lab.instrument import Site


def start(control: Control, site: Site, thread: Any) -> None:
    if not thread._initialized:
        raise RuntimeError("thread.__init__() not called")
    if thread._started._flag:
        raise RuntimeError("threads can only be started once")
    control.discovery.cover(thread.run)
    actor = control.spawn(thread.name, thread.run, (), thread.daemon, thread)
    _mark_started(control, actor, thread)
    control.operate(thread, "starts", site)


def join(control: Control, site: Site, thread: Any, timeout: float | None = None) -> None:
    if not thread._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not thread._started._flag:
        raise RuntimeError("cannot join thread before it is started")
    actor = _actor_of(control, thread)
    if actor is None:
        with uncontrolled():
            threading.Thread.join(thread, timeout)  # not one of this execution's threads
        return
    if actor is control.current:
        raise RuntimeError("cannot join current thread")
    deadline = None if timeout is None else control.now + max(timeout, 0.0)
    control.block("join", thread, "joins", lambda: actor.finished, site, deadline)


def is_alive(control: Control, site: Site, thread: Any) -> bool:
    actor = _actor_of(control, thread)
    if actor is None:
        with uncontrolled():
            return threading.Thread.is_alive(thread)
    control.operate(thread, "asks whether it is alive", site)
    return not actor.finished


def start_new_thread(
    control: Control, site: Site, function: Callable[..., Any], arguments: tuple[Any, ...], keywords: Any = None
) -> int:
    control.discovery.cover(function)
    given = keywords or {}
    name = f"thread {control.next_index}"
    actor = control.spawn(name, lambda: function(*arguments, **given), (), True, None)
    control.operate(actor, "starts", site)
    return identity(control, actor)


def current_thread(control: Control, _site: Site) -> Any:
    actor = control.current
    if actor is control.main:
        with uncontrolled():
            return threading.current_thread()
    if actor.thread is None:
        with uncontrolled():
            actor.thread = threading.Thread(name=actor.name, daemon=False)
        _mark_started(control, actor, actor.thread)
    return actor.thread


def get_ident(control: Control, _site: Site) -> int:
    return identity(control, control.current)


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


def _mark_started(control: Control, actor: Actor, thread: Any) -> None:
    thread._ident = identity(control, actor)
    thread._native_id = thread._ident
    thread._started._flag = True


def _actor_of(control: Control, thread: Any) -> Actor | None:
    for actor in control.actors:
        if actor.thread is thread:
            return actor
    return None


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    threading.Thread.start: start,
    threading.Thread.join: join,
    threading.Thread.is_alive: is_alive,
    threading.current_thread: current_thread,
}
PLAIN: dict[Any, Callable[..., Any]] = {
    _thread.get_ident: get_ident,
    _thread.get_native_id: get_ident,
    _thread.start_new_thread: start_new_thread,
}
