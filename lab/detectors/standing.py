"""Why nobody can go on, told by the steps that led there: who took what, and who then waits for what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lab.detectors.account import Account, did

Story = tuple[tuple[int, ...], str, str]

_LINE = re.compile(r"(?P<actor>.+?) waits for (?P<thing>.+) at \S+?:\d+(?:; (?P<holder>.+) holds it since .+)?")


@dataclass(frozen=True)
class _Wait:
    actor: str
    thing: str
    holder: str  # empty where nobody does


def stories(account: Account) -> Iterator[Story]:
    """What can be said of the standstill, the most particular first."""
    waits = {
        match["actor"]: _Wait(match["actor"], match["thing"], match["holder"] or "")
        for match in map(_LINE.fullmatch, account.failure.detail)
        if match is not None
    }
    yield from _circle(account, waits)
    yield from _under_lock(account, waits)
    yield from _missed_signal(account)
    yield from _starved_pool(account, waits)
    yield from _taken_twice(account, waits)


def _both(one: int, other: int) -> tuple[int, ...]:
    return tuple(sorted({one, other}))


def _took(account: Account, actor: str, thing: str) -> int | None:
    """Where the actor last acquired it."""
    for position in reversed(account.own(actor, -1)):
        step = account.steps[position]
        if step.name == thing and step.word in ("acquires", "tries to acquire"):
            return position
    return None


def _circle(account: Account, waits: dict[str, _Wait]) -> Iterator[Story]:
    """Everybody waits for the next one."""
    for start in waits.values():
        path: list[_Wait] = []
        wait: _Wait | None = start
        while wait is not None and wait not in path:
            path.append(wait)
            wait = waits.get(wait.holder)
        if wait is not start:
            continue
        taken = [_took(account, one.holder, one.thing) for one in path]
        known = [position for position in taken if position is not None]
        if len(known) < len(path):
            continue
        if len(path) == 1:
            last = account.own(start.actor, -1)[-1]
            story = (
                f"{start.actor} acquired {start.thing} (step {known[0] + 1}) and waits for it again: a self-deadlock."
            )
            yield _both(known[0], last), story, "self-deadlock"
            return
        parts = [
            f"{one.holder} acquired {one.thing} (step {position + 1}) and waits for {waits[one.holder].thing}"
            for one, position in sorted(zip(path, known, strict=True), key=lambda both: both[1])
        ]
        known.sort()
        yield (known[-2], known[-1]), f"{', '.join(parts)}: a lock-order inversion.", "lock-order inversion"
        return


def _under_lock(account: Account, waits: dict[str, _Wait]) -> Iterator[Story]:
    """Somebody waits for another one's help, and that one waits for a lock that it holds."""
    for needs in waits.values():
        helper = waits.get(needs.holder)
        if helper is None or helper.holder or not needs.holder:
            continue
        taken = _took(account, needs.holder, needs.thing)
        if taken is not None:
            named = [
                one for one, step in enumerate(account.steps) if step.name and helper.thing.endswith(f" {step.name}")
            ]
            yield (
                _both(taken, named[-1] if named else taken),
                f"{needs.holder} acquired {needs.thing} (step {taken + 1}) and waits for {helper.thing} without "
                "releasing "
                f"it, and {needs.actor} waits for {needs.thing}: a wait under a lock.",
                "wait under lock",
            )
            return


def _missed_signal(account: Account) -> Iterator[Story]:
    """A notification came before anybody waited for it."""
    steps = account.steps
    if account.failure.kind != "lost wakeup":
        return
    for wait in reversed(range(len(steps))):
        waiter = steps[wait]
        if waiter.word not in ("waits", "waits for") or account.own(waiter.actor, wait):
            continue
        signals = [
            position
            for position, step in enumerate(steps)
            if account.same(position, wait) and step.word in ("notifies", "notifies all", "sets")
        ]
        signals = [position for position in signals if steps[position].actor != waiter.actor]
        if signals and signals[-1] < wait:
            earlier = [one for one in account.own(waiter.actor, -1, wait) if steps[one].word == waiter.word]
            again = " again" if any(account.same(one, wait) for one in earlier) else ""
            signal = steps[signals[-1]]
            yield (
                (signals[-1], wait),
                f"{signal.actor} {did(signal)} (step {signals[-1] + 1}) before {waiter.actor} began to wait{again} "
                f"(step {wait + 1}), and nobody does so after that: a missed signal.",
                "missed signal",
            )
            return


def _starved_pool(account: Account, waits: dict[str, _Wait]) -> Iterator[Story]:
    """Everybody who takes work from a queue waits for work that lies in it."""
    steps = account.steps
    for put in reversed(range(len(steps))):
        step = steps[put]
        if step.word != "puts" or step.actor not in waits:
            continue
        left, takers = 0, set()
        for one in (one for position, one in enumerate(steps) if account.same(position, put)):
            if one.word == "puts":
                left += 1
            elif one.word == "gets" or (one.word == "tries whether it gets" and left > 0):
                left -= 1
                takers.add(one.actor)
        last = account.own(step.actor, -1)[-1]
        if step.actor in takers and takers <= set(waits) and left > 0 and last > put:
            yield (
                (put, last),
                f"{step.actor} put into {step.name} (step {put + 1}) and now waits; so does everybody who got "
                "anything from there, and not everything has been got: a starved pool.",
                "starved pool",
            )
            return


def _taken_twice(account: Account, waits: dict[str, _Wait]) -> Iterator[Story]:
    """Somebody took what another one waits for more than once."""
    steps = account.steps
    for wait in waits.values():
        name = wait.thing.removeprefix("the semaphore ")
        if name == wait.thing:
            continue
        for actor in dict.fromkeys(step.actor for step in steps):
            taken = [one for one in account.own(actor, -1) if steps[one].name == name and steps[one].word == "acquires"]
            if actor != wait.actor and len(taken) > 1 and account.same(taken[-2], taken[-1]):
                yield (
                    (taken[-2], taken[-1]),
                    f"{actor} acquired {name} again (step {taken[-1] + 1}) after having done so before (step "
                    f"{taken[-2] + 1}), and {wait.actor} waits for it: a stolen permit.",
                    "stolen permit",
                )
                return
