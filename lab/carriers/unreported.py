"""While the lab is at work on a step of the program, no starting function is reported.

Where reports come from a profile function (`lab.discovery`), the interpreter calls that for each function of the
lab as well, and for each C function that those call: it took most of the time of an execution.
"""

from __future__ import annotations

from sys import getprofile, setprofile
from typing import TYPE_CHECKING, Any

from lab.hooks import ABSENT, Accesses
from lab.instrument import Site

if TYPE_CHECKING:
    from lab.carriers.control import Control as _Base
else:
    _Base = object


class Unreported(_Base):
    """Put before a carrier: the same, but the lab's own work in the hooks that are called most is not reported.

    The program's own code runs before a hook and after it, never inside.  What `whole` does is reported: one more
    call on the way to it, and a private iterator (`lab.carriers.ownership`) would not be known by its references.
    """

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an access."""
        discovery = self.discovery
        if getprofile() is not discovery.reports:  # nobody asks for them, or this is one part of a step
            return super().touch(owner, key, write, site, value, more)
        setprofile(None)
        try:
            super().touch(owner, key, write, site, value, more)
        finally:
            discovery.report()

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call."""
        discovery = self.discovery
        if getprofile() is not discovery.reports:
            return super().call(function, arguments, site)
        setprofile(None)
        try:
            return super().call(function, arguments, site)
        finally:
            discovery.report()
