"""What actors share that no execution shows: each of them fails before another one comes to the same place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.instrument import Site
from lab.naming import Names
from lab.recorder import SharingMap

_Named = tuple[str | int, object]


class Crossing:
    """Puts executions together that were cut short.

    What can be reached from the state is the same in all of them where it has the same name, and anything else where it
    has the same id, which it has if it outlives an execution.
    """

    def __init__(self) -> None:
        self._places: dict[_Named, tuple[dict[Site, None], set[int]]] = {}
        self._written: set[_Named] = set()
        self.names: Names | None = None

    def naming(self, setup: Callable[[], Any]) -> Callable[[], Any]:
        """The same setup, after which what it made has names."""

        def named() -> Any:
            state = setup()
            self.names = Names()
            self.names.give_parts(state, "state")
            return state

        return named

    def take_in(self, hot: set[Site], sharing: SharingMap) -> None:
        """Learn from one execution: the sites of what several actors touched, in whichever, become decisions."""
        for identity, key, sites, actors, written in sharing.places():
            name = self.names.known(identity) if self.names is not None else None
            place = (name if name is not None else identity, key)
            all_sites, who = self._places.setdefault(place, ({}, set()))
            all_sites.update(dict.fromkeys(sites))
            who |= actors
            if written:
                self._written.add(place)
            if len(who) > 1 and place in self._written:
                hot.update(all_sites)
