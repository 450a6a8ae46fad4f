"""What the caller of an exploration has set up of asyncio."""

from __future__ import annotations

from asyncio import events
from typing import Any


class CallersLoop:
    """The running event loop and the policy of the caller, which are as before afterwards."""

    def __enter__(self) -> None:
        self._loop = events._get_running_loop()
        self._policy: Any = events._event_loop_policy  # type: ignore[attr-defined]
        self._local = getattr(self._policy, "_local", None)
        self._set = dict(vars(self._local)) if self._local is not None else {}

    def __exit__(self, *_: object) -> None:
        events._set_running_loop(self._loop)
        events._event_loop_policy = self._policy  # type: ignore[attr-defined]
        if self._local is not None:
            vars(self._local).clear()
            vars(self._local).update(self._set)
