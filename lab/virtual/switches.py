"""Programs that switch greenlets themselves: each of their threads needs an OS thread with greenlets of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.errors import NeedsThreads
from lab.origin import shown

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


def _switching(name: str) -> Callable[..., Any]:
    def switch(control: Control, site: Site, owner: Any, *arguments: Any, **named: Any) -> Any:
        if not control.shares_thread:
            control.discovery.escaped(site.code, "switches greenlets, and who runs on them is not seen", site.line)
            return getattr(owner, name)(*arguments, **named)
        where = f"{site.code.co_qualname} ({shown(site.code.co_filename)}:{site.line})"
        error = NeedsThreads(
            f"carrier='greenlet': {where} switches greenlets itself, and actors run on greenlets; "
            "use carrier='thread' or 'auto'"
        )
        if control.current is control.main:
            raise error
        control.failed(control.current, error)  # the program cannot catch it
        return control.halt("exception")

    return switch


def of_greenlets(kind: type) -> dict[str, Callable[..., Any]] | None:
    """The twins of a class of greenlets; None for other classes."""
    names = ((base.__module__.partition(".")[0].lstrip("_"), base.__name__) for base in kind.__mro__)
    return _TWINS if ("greenlet", "greenlet") in names else None


NAMES = frozenset(("switch", "throw"))
_TWINS: dict[str, Callable[..., Any]] = {name: _switching(name) for name in NAMES}
