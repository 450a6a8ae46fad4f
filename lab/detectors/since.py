"""Where those who wait for each other stand, and where they took what others wait for."""

from __future__ import annotations

from typing import Any

from lab.recorder import Recording, place_of


class Since:
    """Tells where an actor took a lock, or where it waits, from the recorded steps."""

    def __init__(self, recording: Recording | None, waits: dict[Any, Any]) -> None:
        self._recording = recording
        self._waits = waits

    def __call__(self, actor: Any, lock: object) -> str:
        if lock is None:
            wait = self._waits[actor]
            place = self._recording.waiting.get(actor.index) if self._recording else None
            place = place or place_of(wait.site)
            return f"{place.file.rsplit('/', 1)[-1]}:{place.line}"
        if self._recording is None:
            return "?"
        name = self._recording.name(lock)
        for step in reversed(self._recording.steps):
            if step.actor == actor.name and step.name == name and step.word in ("acquires", "tries to acquire"):
                return f"{step.place.file.rsplit('/', 1)[-1]}:{step.place.line}"
        return "before the actors began"
