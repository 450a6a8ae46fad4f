"""Follow a schedule that is known."""

from __future__ import annotations

from collections.abc import Container, Sequence, Sized
from typing import Any

from lab.carriers.actor import Actor, next_in_turn
from lab.trace import Step
from lab.virtual.threads import HAS_ENDED, IS_ALIVE, WHO_IS_ALIVE


def stay(enabled: list[Actor], current: Actor | None) -> Actor:
    """Never switch while the running actor can go on."""
    return current if current is not None and current in enabled else enabled[0]


class Profile:
    """The schedule of the first executions: no switches, but patience with loops that wait for others has an end."""

    _PATIENCE = 500  # decisions

    def __init__(self) -> None:
        self._stayed = 0

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        self._stayed += 1
        if current is None or current not in enabled:
            self._stayed = 0
            return enabled[0]
        if self._stayed > self._PATIENCE:
            self._stayed = 0
            return next_in_turn(enabled, current) or current
        return current


class Choices:
    """Repeat the choices of an earlier execution in this process.

    ``known`` are the sites that were decisions then, if there are more now.
    """

    def __init__(self, choices: Sequence[int], known: Container[Any] | None = None) -> None:
        self._choices = choices
        self._known = known
        self._next = 0
        self.diverged = False

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        if self._known is not None:
            for actor in enabled if not self._next else [current]:  # processes begin before anybody is chosen
                if actor in enabled and actor.begun and actor.wait is None and actor.site not in self._known:
                    return actor  # it did not stop here
        position = self._next
        self._next += 1
        if position < len(self._choices):
            for actor in enabled:
                if actor.index == self._choices[position]:
                    return actor
        self.diverged = True
        return stay(enabled, current)


def step_at(steps: Sequence[Step], position: int, repeats: int) -> Step | None:
    """The step at a position, from 0, if the last ``repeats`` of ``steps`` come again and again; None past the end."""
    if position >= len(steps) and repeats:
        position = len(steps) - repeats + (position - len(steps)) % repeats
    return steps[position] if position < len(steps) else None


def _has_ended_by(step: Step | None, actor: Actor) -> bool:
    """Whether ``actor`` was no more when the step asked; its end is no step of its own, so it goes on until then."""
    if step is None or step.value is None or step.word not in (IS_ALIVE, WHO_IS_ALIVE):
        return False
    if step.word == IS_ALIVE:
        return step.value == HAS_ENDED.format(actor.name)
    return actor.name not in step.value.split(", ")


class Steps:
    """Let the actors take the steps of a witness, one after another.

    ``done`` is as long as the steps taken so far are many; ``last`` is the actor
    that ran when the failure showed, which need not have taken the last step; the last
    ``repeats`` steps are taken again and again.
    """

    def __init__(self, expected: Sequence[Step], done: Sized, last: str, repeats: int = 0) -> None:
        self._expected = expected
        self._done = done
        self._last = last
        self._repeats = repeats

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        step = step_at(self._expected, len(self._done), self._repeats)
        wanted, word = (step.actor, step.word) if step is not None else (self._last, "")
        for actor in enabled if step is not None else ():
            if actor.name != wanted and _has_ended_by(step, actor):
                return actor
        for actor in enabled:
            if actor.name == wanted and actor.comes_to(word):
                return actor
        return stay(enabled, current)
