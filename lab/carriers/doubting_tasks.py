"""What stands against a proof of tasks: what comes from outside."""

from __future__ import annotations

from typing import Any

from lab.carriers.doubting import Doubting


class DoubtingTasks(Doubting):
    """Put before a carrier of tasks: what stands against a proof.

    A task is interrupted where it awaits, whatever it touches.  Only what comes from outside can surprise it.
    """

    def touch(self, *arguments: Any) -> None:
        """Before an access."""
        super(Doubting, self).touch(*arguments)

    def whole(self, *arguments: Any) -> None:
        """Before an operation on a container."""
        super(Doubting, self).whole(*arguments)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Any) -> Any:
        """Before a call."""
        given = super(Doubting, self).call(function, arguments, site)
        if given is function and site.watched and not self.quiet:
            self._examine(function, arguments, site)
        return given

    def _doubt(self, what: str, site: Any) -> None:
        if what.endswith(_SURPRISES) and not what.startswith("calls _asyncio."):  # asyncio's own C code
            super()._doubt(what, site)


_SURPRISES = ("which is not under control", "depends on who came first")
"""How the doubts end that concern tasks as well."""
