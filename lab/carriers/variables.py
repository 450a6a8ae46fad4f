"""The dictionary behind an object's attributes: what is done to its items is done to the attributes as well."""

from __future__ import annotations

import weakref
from typing import Any

from lab.carriers.hidden import variables_of
from lab.carriers.scheduling import Scheduling
from lab.hooks import Accesses
from lab.instrument import Site

_BY_KEY = frozenset(("get", "setdefault", "pop", "__getitem__", "__setitem__", "__delitem__", "__contains__"))


class Variables(Scheduling):
    """Knows the dictionaries that were asked for by ``__dict__``, and whose they are.

    A program that uses them is never proved (`lab.carriers.hidden`); this is for its failures to be found.
    """

    __slots__ = ()

    def variables(self, owner: object) -> None:
        """The attributes of ``owner`` have been asked for as a dictionary."""
        found = variables_of(owner)
        if found is not None:
            try:
                self.behind[id(found)] = weakref.ref(owner)
            except TypeError:  # not to be kept alive, as it may matter when it ends
                self.behind.pop(id(found), None)

    def _attributes(self, variables: Any, write: bool, detail: Any, site: Site) -> Accesses:
        """The attributes that an operation on a dictionary touches."""
        reference = self.behind.get(id(variables))
        owner = reference() if reference is not None else None
        if owner is None or type(variables) is not dict or variables_of(owner) is not variables:
            return ()
        names = [name for name in dict.keys(variables) if type(name) is str]
        if isinstance(detail, tuple) and detail:
            key, more = detail[0], names
            if site.kind == "call" and len(detail) == 2 and isinstance(detail[1], tuple):
                key = detail[1][0] if key in _BY_KEY and detail[1] else None
                more = [name for one in detail[1] if type(one) is dict for name in one if type(name) is str]
                more += names
            names = [key] if type(key) is str else more
        return tuple([(owner, name, write) for name in dict.fromkeys(names)])
