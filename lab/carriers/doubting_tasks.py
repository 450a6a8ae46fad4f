"""What stands against a proof of tasks: what comes from outside."""

from __future__ import annotations

from typing import Any
from weakref import ProxyTypes

from lab.carriers.addresses import call_shows_address, shows_address
from lab.carriers.doubting import Doubting
from lab.carriers.order import call_goes_by_hash, goes_by_hash
from lab.carriers.weak import WEAK, WEAKLY, asks_by_itself
from lab.hooks import ABSENT
from lab.instrument import Site


class DoubtingTasks(Doubting):
    """Put before a carrier of tasks: what stands against a proof.

    A task is interrupted where it awaits, whatever it touches.  Only what comes from outside can surprise it.  One
    such thing is the collector of garbage, which makes weak references dead at any moment, and here does not run.
    """

    def touch(self, owner: object, *arguments: Any) -> None:
        """Before an access; what is asked of a container is asked about by `whole`."""
        if type(owner) in ProxyTypes and not self.quiet:
            self._doubt(WEAKLY, arguments[2])
        super(Doubting, self).touch(owner, *arguments)

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        in_call = site.kind == "call" and detail is not ABSENT  # which `call` has seen
        if not in_call and not self.unwinding and (site.stepped or not self.quiet):
            self._doubt(goes_by_hash(site.kind, (container, *also)), site)
            if site.kind == "format" and site.stepped:
                self._doubt(shows_address((container, *also)), site)
            if type(container) in WEAK and not asks_by_itself(site.kind, container, detail):
                self._doubt(WEAKLY, site)
        super(Doubting, self).whole(container, write, site, detail, also)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Any) -> Any:
        """Before a call."""
        if site.watched and not self.unwinding and (site.stepped or not self.quiet):
            self._doubt(call_goes_by_hash(function, arguments, site), site)
            if site.stepped:
                self._doubt(call_shows_address(function, arguments), site)
        given = super(Doubting, self).call(function, arguments, site)
        if given is function and site.watched and not self.quiet:
            self._examine(function, arguments, site)
        return given

    def _doubt(self, what: str, site: Site) -> None:
        if what.endswith(_SURPRISES) and not what.startswith("calls _asyncio."):  # asyncio's own C code
            super()._doubt(what, site)


_SURPRISES = ("is not under control", "depends on who came first", "in every process", "in every execution")
"""How the doubts end that concern tasks as well."""
