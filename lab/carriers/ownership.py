"""Whether an iterator belongs to the loop that runs over it.

Most do, and then nobody else can touch them.  A private iterator is known by its
reference count: the loop's own reference and those of the hooks on the way.  How
many these are differs from one Python to the next, so they are counted.
"""

from __future__ import annotations

import functools
import sys
from sys import getrefcount
from threading import get_ident
from types import FunctionType

from lab.hooks import ABSENT, DRIVERS, Bystander
from lab.instrument import Site, instrument


def _loop() -> None:
    for _ in range(1):
        pass


class _Counting(Bystander):
    """A driver that counts the references to what a loop runs over."""

    count = 0

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        self.count = getrefcount(container)


@functools.cache
def references_of_private() -> int:
    """The reference count that ``Driver.whole`` sees of an iterator that only its loop refers to."""
    counting = _Counting()
    identity = get_ident()
    loop = FunctionType(instrument(_loop.__code__, sys.modules[__name__]).code, globals())  # while nothing is watched
    before = DRIVERS.get(identity)
    DRIVERS[identity] = counting
    try:
        loop()
    finally:
        del DRIVERS[identity]
        if before is not None:
            DRIVERS[identity] = before
    return counting.count
