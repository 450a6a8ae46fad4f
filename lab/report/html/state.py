"""What a reader knows after each step: values last seen, who has which lock, and who waits for what.

All of it is derived from the steps of a trace, so it is as much as they tell: a value is the one that a step read
or wrote last, and what an operation on a container made of it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lab.trace import Step

_METHOD = re.compile(r"(?P<owner>.+?)(?P<call>\.\w+\(.*\))", re.DOTALL)
_READS = ("reads", "tests", "tests the truth of")
_TAKES = ("acquires", "tries to acquire")


@dataclass(frozen=True)
class Wait:
    """What an actor waits for, at which line, and who has it (empty: nobody, or not known)."""

    thing: str
    file: str
    line: int
    holder: str = ""


@dataclass
class Change:
    """What one step changes; a lock that nobody has any more is held by (), an actor that goes on waits for None."""

    values: dict[str, str] = field(default_factory=dict)
    held: dict[str, tuple[str, ...]] = field(default_factory=dict)
    waits: dict[str, Wait | None] = field(default_factory=dict)

    def then(self, later: Change) -> Change:
        """Both, one after the other."""
        return Change(self.values | later.values, self.held | later.held, self.waits | later.waits)


def changes(steps: Sequence[Step], at_the_end: Mapping[str, Wait] | None = None) -> list[Change]:
    """For each step what it changes; ``at_the_end`` has what each actor waits for after the last one."""
    locks = _Locks(step.name for step in steps if step.word in _TAKES)
    coming = _coming(steps)
    waiting: dict[str, Wait] = {}
    found = []
    for position, step in enumerate(steps):
        change = Change(values=dict(_values(step)), held=locks.take(step))
        now = dict(_waits(locks, coming[position], at_the_end or {}))
        change.waits = {actor: now.get(actor) for actor in {**waiting, **now} if waiting.get(actor) != now.get(actor)}
        waiting = now
        found.append(change)
    return found


def _values(step: Step) -> Iterator[tuple[str, str]]:
    """Names and the values that the step read or wrote there."""
    if not step.name:
        return
    if step.word in _READS and step.value is not None:
        yield step.name, step.value
    elif step.word == "writes":
        yield step.name, step.value if step.value is not None else "(written)"
    elif step.word == "deletes":
        yield step.name, "(deleted)"
    elif step.word in ("changes", "stores"):
        yield step.name, "(changed)"
    elif step.word == "calls":
        called = _METHOD.fullmatch(step.name)
        if called is not None:
            answer = f" gave {step.value}" if step.value is not None else ""
            yield called["owner"], f"{called['call']}{answer}"


class _Locks:
    """Who has what, as far as the words of the steps say."""

    def __init__(self, names: Iterable[str]) -> None:
        self.held: dict[str, list[str]] = {name: [] for name in names}
        self._given_up: dict[tuple[str, str], str] = {}  # actor, condition -> the lock it gave up to wait

    def take(self, step: Step) -> dict[str, tuple[str, ...]]:
        """Take in one step; the locks whose holders it changes."""
        name, actor, word = step.name, step.actor, step.word
        holders = self.held.get(name, []) if word in (*_TAKES, "releases") else []
        before = list(holders)
        if word == "acquires" or (word == "tries to acquire" and _was_free(step, holders)):
            holders.append(actor)
        elif word == "releases" and holders:
            holders.remove(actor if actor in holders else holders[-1])
        elif word in ("waits", "wakes up", "wakes up (timed out)"):
            return self._condition(step)
        return {name: tuple(holders)} if holders != before else {}

    def _condition(self, step: Step) -> dict[str, tuple[str, ...]]:
        """To wait on a condition gives its lock up until the actor wakes up."""
        key = (step.actor, step.name)
        if step.word != "waits":
            lock = self._given_up.pop(key, "")
            if not lock:
                return {}
            self.held[lock].append(step.actor)
            return {lock: tuple(self.held[lock])}
        own = [lock for lock, holders in self.held.items() if step.actor in holders]
        lock = f"{step.name}._lock" if f"{step.name}._lock" in own else own[0] if len(own) == 1 else ""
        if not lock:
            return {}
        self._given_up[key] = lock
        self.held[lock].remove(step.actor)
        return {lock: tuple(self.held[lock])}

    def others(self, actor: str, lock: str) -> bool:
        """Whether somebody else has the lock, and the actor has not."""
        holders = self.held.get(lock, [])
        return bool(holders) and actor not in holders


def _was_free(step: Step, holders: Iterable[str]) -> bool:
    """Whether a lock that was tried was got: the step says so, or nobody had it."""
    return step.value == "True" if step.value in ("True", "False") else not list(holders)


def _coming(steps: Sequence[Step]) -> list[dict[str, Step | None]]:
    """After each step, what each actor that takes any does next; None after its last one."""
    found: list[dict[str, Step | None]] = []
    following: dict[str, Step | None] = {step.actor: None for step in steps}
    for step in reversed(steps):
        found.append(dict(following))
        following[step.actor] = step
    return found[::-1]


def _waits(
    locks: _Locks, coming: Mapping[str, Step | None], at_the_end: Mapping[str, Wait]
) -> Iterator[tuple[str, Wait]]:
    """Who cannot go on: the next step takes what another one has, or there is none and the end is a wait."""
    for actor, step in coming.items():
        if step is None and actor in at_the_end:
            wait = at_the_end[actor]
            if not wait.holder or wait.thing not in locks.held or locks.others(actor, wait.thing):
                yield actor, wait
        elif step is not None and step.word == "acquires" and locks.others(actor, step.name):
            yield actor, Wait(step.name, step.place.file, step.place.line)
    for actor, wait in at_the_end.items():
        if actor not in coming:
            yield actor, wait
