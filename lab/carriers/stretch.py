"""What one stretch of a task touched: the steps of programs whose only switches are at an ``await``."""

from __future__ import annotations

from lab.carriers.actor import Actor

_NEW = -1  # stands for what was first touched later

Touched = dict[tuple[int, object], bool]
"""Place, which is the number of an object and a key -> whether it is written."""


class Stretch:
    """One stretch that has been taken; or, ``after`` all, one that could have been and was not."""

    __slots__ = ("actor", "born", "cause", "lock", "locked", "named", "touched")

    def __init__(self, actor: Actor, cause: int, named: int) -> None:
        self.actor = actor
        self.cause = cause  # position of the stretch that made it ready; -1 if none did
        self.named = named  # how many objects had been touched before
        self.touched: Touched = {}  # place -> whether it is written
        self.born: set[int] = set()  # objects that it made
        self.lock: int | None = None  # which it begins by taking
        self.locked: frozenset[int] = frozenset()  # locks that could not be taken when it began

    def uses(self, number: int) -> bool:
        """Whether it touches the object with this number."""
        return any(touched == number for touched, _ in self.touched)

    def footprint(self) -> Touched:
        """The places by names that mean the same in every execution that began in the same way."""
        found: Touched = {}
        for (number, key), write in self.touched.items():
            if number not in self.born:
                place = (number if number < self.named else _NEW, key)
                found[place] = found.get(place, False) or write
        return found

    def disturbs(self, footprint: Touched, named: int) -> bool:
        """Whether it depends on a stretch that had this footprint when ``named`` objects had been touched."""
        for (number, key), write in self.touched.items():
            if number not in self.born:
                other = footprint.get((number if number < named else _NEW, key))
                if other is not None and (write or other):
                    return True
        return False
