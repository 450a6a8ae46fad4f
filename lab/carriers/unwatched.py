"""For actors in processes of their own: nothing is instrumented here, and nothing that runs is reported."""

from __future__ import annotations

from typing import Any

from lab.discovery import Discovery


class Unwatched(Discovery):
    """Finds nothing, as what the actors do in their own memory concerns nobody."""

    def __enter__(self) -> Unwatched:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to put back."""

    def cover(self, callee: object) -> None:
        """See `Discovery.cover`."""

    def cover_manager(self, kind: type) -> None:
        """See `Discovery.cover_manager`."""

    def function_made(self, function: Any) -> None:
        """See `Discovery.function_made`."""

    def watch(self, roughly: bool = False) -> None:
        """See `Discovery.watch`."""

    def unwatch(self) -> None:
        """See `Discovery.unwatch`."""

    def has_news(self) -> None:
        """What has been explored so far has to be explored once more, for more is known now."""
        code = self.has_news.__code__
        self.found[id(code)] = code, {}

    def take_found(self) -> bool:
        """See `Discovery.take_found`."""
        found, self.found = bool(self.found), {}
        return found
