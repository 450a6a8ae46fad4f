"""Which carrier runs the actors here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lab.errors import InvalidValue
from lab.virtual.contents import why_not

if TYPE_CHECKING:
    from lab.carriers.control import Control


def carrier(name: str) -> tuple[str, type[Control]]:
    """The carrier of that name, which is one of `CARRIERS`; ``auto`` is the fastest there is here.

    Raises InvalidValue in one line for a carrier that this interpreter cannot have.
    """
    if name != "thread":
        missing = why_no_greenlets()
        if not missing:
            from lab.carriers.greenlet import GreenletControl

            return "greenlet", GreenletControl
        if name == "greenlet":
            raise InvalidValue(f"carrier='greenlet': {missing}; use carrier='thread' or 'auto'")
    from lab.carriers.thread import ThreadControl

    return "thread", ThreadControl


def why_no_greenlets() -> str:
    """Empty where the `greenlet` carrier can be used."""
    if sys.version_info < (3, 14) and not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "importing the greenlet package would turn the global interpreter lock on"
    try:
        import greenlet  # type: ignore[import-untyped, unused-ignore]  # noqa: F401
    except ImportError as error:
        return f"the greenlet package cannot be imported ({error})"
    return why_not()
