"""Twins of Condition, Event, Semaphore, BoundedSemaphore and Barrier.

Those who wait stand in the condition's own waiting list, and the flag of an Event
and the count of a Semaphore are their own: a check can read them, and where C code
calls the real methods these meet the same state.  A Barrier runs its own code on a
controlled Condition.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.virtual.arguments import as_real, patience
from lab.virtual.locks import LOCK, Guard, is_real, state_of
from lab.virtual.redirection import own
from lab.virtual.state import Waiter

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


def deadline_of(control: Control, timeout: Any, ready: bool) -> float | None:
    """The moment at which ``timeout`` is over; what is ``ready`` never looks at it."""
    if timeout is None or (ready and type(timeout) not in (int, float)):
        return None
    return control.now + (timeout if ready else patience(timeout))


# ------------------------------------------------------------------ Condition


def condition_wait(control: Control, site: Site, condition: Any, timeout: Any = None) -> bool:
    if _tells_who_has_it(condition):
        _require_owned(control, site, condition, "wait")
    deadline = deadline_of(control, timeout, False)
    control.operate(condition, "waits", site, also=(condition._lock,))
    if not _tells_who_has_it(condition):
        _require_owned(control, site, condition, "wait")
    waiter = Waiter(control.current)
    condition._waiters.append(waiter)
    try:
        if is_real(condition._lock):
            return _wait_with_lock(control, site, condition, waiter, deadline)
        saved = control.call(condition._release_save, (), site)()
        try:
            return control.block("condition", condition, "wakes up", lambda: waiter.notified, site, deadline)
        finally:
            control.call(condition._acquire_restore, (saved,), site)(saved)
    finally:
        if waiter in condition._waiters:
            condition._waiters.remove(waiter)


def _wait_with_lock(control: Control, site: Site, condition: Any, waiter: Waiter, deadline: float | None) -> bool:
    """Wake up and take the lock in one step, where both can be had at once."""
    state = state_of(control, condition._lock)
    owner, count = control.current, state.count
    state.owner, state.count = None, 0
    try:
        notified = control.block(
            "condition",
            condition,
            "wakes up",
            lambda: waiter.notified and state.owner is None,
            site,
            deadline,
            (condition._lock,),
        )
        # Who is told only after its time was up, while it waits for the lock, was not told in time:
        # the notification is lost, as it is in CPython.
        notified = notified or waiter.notified
        if state.owner is not None:
            control.block("lock", condition._lock, "acquires", state.free, site)
    finally:
        state.owner, state.count = owner, count
    return notified


def notify(control: Control, site: Site, condition: Any, n: int = 1) -> None:
    _come_to_notify(control, site, condition, "notifies", "" if n == 1 else str(n))
    wake(control, site, condition, n)


def notify_all(control: Control, site: Site, condition: Any) -> None:
    _come_to_notify(control, site, condition, "notifies all")
    wake(control, site, condition, len(condition._waiters))


def wake(control: Control, site: Site, condition: Any, n: int) -> None:
    """Notify up to ``n`` who wait on ``condition``, the longest waiting first."""
    waiters = condition._waiters
    while waiters and n > 0:
        waiter = waiters.popleft()
        if type(waiter) is Waiter:
            waiter.release()
        else:  # a lock on which the real code waits
            control.call(waiter.release, (), site)()
        n -= 1


def _come_to_notify(control: Control, site: Site, condition: Any, word: str, detail: str = "") -> None:
    if _tells_who_has_it(condition):
        _require_owned(control, site, condition, "notify")
        control.operate(condition, word, site, detail)
    else:
        control.operate(condition, word, site, detail, also=(condition._lock,))
        _require_owned(control, site, condition, "notify")


def _tells_who_has_it(condition: Any) -> bool:
    """Whether only its owner may use the condition; one with a plain lock asks just then whether anybody has that."""
    return type(condition._lock) is not LOCK


def _require_owned(control: Control, site: Site, condition: Any, what: str) -> None:
    if control.unwinding:
        return
    if is_real(condition._lock):
        state = state_of(control, condition._lock)
        owned = state.owner is control.current if state.reentrant else state.owner is not None
    else:
        owned = control.call(condition._is_owned, (), site)()
    if not owned:
        raise RuntimeError(f"cannot {what} on un-acquired lock")


# ------------------------------------------------------------------ Event


def event_is_set(control: Control, site: Site, event: Any) -> bool:
    control.operate(event, "asks whether it is set", site)
    return bool(event._flag)


def event_set(control: Control, site: Site, event: Any) -> None:
    control.operate(event, "sets", site)
    control.twins.memory.remember(event, "_flag")
    control.twins.memory.was_set.add(id(event))
    event._flag = True
    wake(control, site, event._cond, len(event._cond._waiters))


def event_clear(control: Control, site: Site, event: Any) -> None:
    control.operate(event, "clears", site)
    control.twins.memory.remember(event, "_flag")
    event._flag = False


def event_wait(control: Control, site: Site, event: Any, timeout: Any = None) -> bool:
    """Who waits when the event is set goes on, even if it is cleared again at once."""
    control.operate(event, "waits for", site)
    if event._flag:
        return True
    deadline = deadline_of(control, timeout, False)
    waiter = Waiter(control.current)
    event._cond._waiters.append(waiter)
    try:
        return control.block("event", event, "wakes up", lambda: waiter.notified, site, deadline)
    finally:
        if waiter in event._cond._waiters:
            event._cond._waiters.remove(waiter)


# ------------------------------------------------------------------ Semaphore


def semaphore_acquire(control: Control, site: Site, semaphore: Any, blocking: bool = True, timeout: Any = None) -> bool:
    if not blocking and timeout is not None:
        raise ValueError("can't specify timeout for non-blocking acquire")
    if blocking:
        ready = semaphore._value > 0
        if timeout is not None and not ready:
            timeout = control.now + timeout - control.now  # complains like the real one, which adds at first
        deadline = deadline_of(control, timeout, ready)
        if not control.block("semaphore", semaphore, "acquires", lambda: semaphore._value > 0, site, deadline):
            return False
    else:
        control.operate(semaphore, "tries to acquire", site)
        if semaphore._value <= 0:
            return False
    control.twins.memory.remember(semaphore, "_value")
    semaphore._value -= 1
    return True


def semaphore_release(control: Control, site: Site, semaphore: Any, n: int = 1) -> None:
    _give_back(control, site, semaphore, n, None)


def bounded_release(control: Control, site: Site, semaphore: Any, n: int = 1) -> None:
    _give_back(control, site, semaphore, n, semaphore._initial_value)


def _give_back(control: Control, site: Site, semaphore: Any, n: int, most: int | None) -> None:
    if n < 1:
        raise ValueError("n must be one or more")
    control.operate(semaphore, "releases", site)
    if most is not None and semaphore._value + n > most:
        raise ValueError("Semaphore released too many times")
    control.twins.memory.remember(semaphore, "_value")
    semaphore._value += n
    wake(control, site, semaphore._cond, n)


def guard(control: Control, manager: Any, site: Site) -> Any:
    """A `Guard` for a semaphore that locks and unlocks as the standard library's do, else ``manager`` itself."""
    kind = type(manager)
    enter = getattr(kind, "__enter__", None)
    if enter is not threading.Semaphore.acquire or kind.__exit__ is not threading.Semaphore.__exit__:
        return manager
    leave = {threading.Semaphore.release: semaphore_release, threading.BoundedSemaphore.release: bounded_release}
    return Guard(control, site, manager, semaphore_acquire, leave.get(kind.release, _release_as_overridden))


def _release_as_overridden(control: Control, site: Site, semaphore: Any) -> None:
    control.call(semaphore.release, (), site)()


# ------------------------------------------------------------------ Barrier


def barrier_wait(control: Control, site: Site, barrier: Any, timeout: Any = None) -> int:
    control.twins.memory.remember(barrier, "_state", "_count")
    return int(as_part_of(control, "barrier", threading.Barrier.wait, barrier, timeout))


def barrier_reset(control: Control, site: Site, barrier: Any) -> None:
    control.twins.memory.remember(barrier, "_state", "_count")
    as_part_of(control, "barrier", threading.Barrier.reset, barrier)


def barrier_abort(control: Control, site: Site, barrier: Any) -> None:
    control.twins.memory.remember(barrier, "_state", "_count")
    as_part_of(control, "barrier", threading.Barrier.abort, barrier)


def as_part_of(control: Control, what: str, real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run the library's own code under control; a wait in it is told as part of ``what``."""
    actor = control.current
    before, actor.doing = actor.doing, what
    real = own(real)
    control.discovery.cover(real)
    try:
        return real(*arguments, **named)
    finally:
        actor.doing = before


_TWINS: dict[Any, Callable[..., Any]] = {
    threading.Condition.wait: condition_wait,
    threading.Condition.notify: notify,
    threading.Condition.notify_all: notify_all,
    threading.Event.is_set: event_is_set,
    threading.Event.set: event_set,
    threading.Event.clear: event_clear,
    threading.Event.wait: event_wait,
    threading.Semaphore.acquire: semaphore_acquire,
    threading.Semaphore.release: semaphore_release,
    threading.BoundedSemaphore.release: bounded_release,
    threading.Barrier.wait: barrier_wait,
    threading.Barrier.reset: barrier_reset,
    threading.Barrier.abort: barrier_abort,
}
FUNCTIONS: dict[Any, Callable[..., Any]] = {real: as_real(real, twin) for real, twin in _TWINS.items()}


def _notifies_itself(condition: Any) -> bool:
    return type(condition).notify is threading.Condition.notify


APPLIES: dict[Any, Callable[[Any], bool]] = {threading.Condition.notify_all: _notifies_itself}
