"""Without the global interpreter lock, many operations on containers are several steps: what that means for proofs."""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from lab.carriers.accesses import maker_effect
from lab.carriers.doubting import Doubting, given_site
from lab.carriers.one_step import handed_is_one_step, is_one_step, reads_in_one_step, reads_one_item
from lab.carriers.unreported import Unreported
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.interpreters import lock_is_on
from lab.kinds import is_a
from lab.operations import contents, function_effect, is_container, is_iterator, taken
from lab.starts import PROFILES

if TYPE_CHECKING:
    _Base = Doubting
else:
    _Base = object

SEVERAL = "uses a container in a way that is several steps without the global interpreter lock"


class Parting(_Base):
    """Put before `Doubting` on a build that runs without the lock: what is several steps there counts on a lock."""

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        super().whole(container, write, site, detail, also)
        if self.quiet:
            return
        if site.kind == "next" and is_iterator(type(container)):
            itself, *sources = contents(container, True)  # it is in order as long as nobody else has it
            single = reads_one_item(container) and len(sources) < 2
            self._suppose(SEVERAL, site, (itself,) if single else (itself, *sources))
        elif not is_one_step(site.kind, container, detail, also):
            self._suppose_several(site, container, write, also)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call: of the methods of containers `whole` hears as well."""
        given = super().call(function, arguments, site)
        if arguments and not self.quiet:
            noted = site if site.watched else given_site(function, site)
            if noted is not None:
                self._examine_parts(function, arguments, noted)
        return given

    def _examine_parts(self, function: Any, arguments: tuple[Any, ...], site: Site) -> None:
        while type(function) is partial:
            function, arguments = function.func, (*function.args, *arguments)
        for one in arguments:  # which C code will call
            if type(one) is BuiltinFunctionType and not handed_is_one_step(one):
                self._suppose(SEVERAL, site, taken(one, False))
        if _reads_arguments(function):
            for one in arguments:
                if is_container(type(one)) and not reads_in_one_step(function, one, len(arguments)):
                    self._suppose_several(site, one, False, ())

    def _suppose_several(self, site: Site, container: object, write: bool, also: tuple[object, ...]) -> None:
        accesses: Accesses = contents(container, write)
        for other in also:
            accesses = (*accesses, *taken(other, False))
        if accesses:
            self._suppose(SEVERAL, site, accesses)


def _reads_arguments(function: Any) -> bool:
    """Whether it is C code that looks into its arguments, and no method of a container, of which `whole` hears."""
    if is_a(function, type):
        return maker_effect(function) is not None
    if type(function) is not BuiltinFunctionType:
        return False
    if is_a(function.__self__, ModuleType | None):
        return function_effect(function) is not None
    return not is_container(type(function.__self__))


def watched(kind: Any) -> Any:
    """The carrier ``kind`` with doubts."""
    before = (*((Unreported,) if PROFILES else ()), *(() if lock_is_on() else (Parting,)))
    return type(f"Watched{kind.__name__}", (*before, Doubting, kind), {})
