"""What the profile runs told of a program: for strategies that fit themselves to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Sites = Iterable[object]


class Counts:
    """How many operations each actor had on what is shared.

    Sites that touched the same object form a group.  ``operations`` maps a group to
    actor index -> operations, the most seen in one execution; ``longest`` is the number
    of all operations of the longest one.
    """

    def __init__(self) -> None:
        self.operations: dict[object, dict[int, int]] = {}
        self.longest = 0
        self._nearer: dict[object, object] = {}  # site -> another of its group, nearer to the one that names it

    def group(self, site: object) -> object:
        """The site that stands for all that touch the same objects as ``site``."""
        while site in self._nearer:
            site = self._nearer[site]
        return site

    def add(self, places: Iterable[Sites], counts: Mapping[tuple[object, int], int]) -> None:
        """Take in one execution: the sites of every shared place; operations by site and actor index."""
        for sites in places:
            first, *others = sites
            for other in others:
                name, of_other = self.group(first), self.group(other)
                if name is not of_other:
                    self._nearer[of_other] = name
                    for index, count in self.operations.pop(of_other, {}).items():
                        of_name = self.operations.setdefault(name, {})
                        of_name[index] = of_name.get(index, 0) + count
            self.operations.setdefault(self.group(first), {})
        here: dict[object, dict[int, int]] = {}
        for (site, index), count in counts.items():
            of_group = here.setdefault(self.group(site), {})
            of_group[index] = of_group.get(index, 0) + count
        for group, of_actors in here.items():
            if group in self.operations:
                known = self.operations[group]
                for index, count in of_actors.items():
                    known[index] = max(count, known.get(index, 0))
        self.longest = max(
            self.longest, sum(sum(one.values()) for name, one in here.items() if name in self.operations)
        )
