"""Bytes of memory that processes share: which of them an operation touches.

Two operations depend on each other if their ranges overlap.  So each range is told as the parts into which all ranges
met so far cut the memory; where a new one cuts a part in two, what was covered before has to be covered once more.


As memory may be that of a file, an operation on the file depends on those on its memory, which is told as few accesses
as that takes: who writes to memory touches what is the actor's own there, and the file's operations read all of these.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence

CONTENTS = "contents"
"""The key of all that is in a file."""
_MOST = 1_000  # cuts: more are not told apart


class Ranges:
    """The cuts through memory, of all segments alike, in one exploration."""

    def __init__(self) -> None:
        self._cuts: list[int] = []
        self._is_coarse = False
        self.grew = False  # since somebody asked
        self.are_met = False  # there is some of files
        self._labels: dict[tuple[object, str], str] = {}  # of one execution: bytes of a segment, and their first name

    def clear(self) -> None:
        """Begin another execution."""
        self._labels.clear()

    def label(self, effects: Sequence[tuple[object, str]], label: str) -> str:
        """What an operation is said to be about: the same bytes have one name, whatever actors call them."""
        if not effects or effects[-1][1][:1] not in ("@", "="):
            return label
        where, how = effects[-1]
        return self._labels.setdefault((where, how[2:]), label)

    def parts(self, start: int, end: int) -> Iterator[int]:
        """Where the parts begin that make up such bytes."""
        if self._is_coarse:
            yield 0
            return
        self._cut(start)
        self._cut(end)
        if len(self._cuts) > _MOST:
            self._cuts, self._is_coarse = [], True
            yield 0
            return
        yield from self._cuts[bisect_left(self._cuts, start) : bisect_left(self._cuts, end)]

    def _cut(self, at: int) -> None:
        position = bisect_right(self._cuts, at)
        if not position or self._cuts[position - 1] != at:
            insort(self._cuts, at)
            self.grew = True

    def accesses(self, how: str, actor: int) -> Iterator[tuple[str, bool]]:
        """The keys that an operation on memory touches, and whether it writes; ``how`` as in ``@r0:8``."""
        of_file = how[0] == "@"
        if of_file and not self.are_met:
            self.are_met = self.grew = True
        start, _, end = how[2:].partition(":")
        write = how[1] == "w"
        for part in self.parts(int(start), int(end)):
            yield f"byte {part}", write
        if of_file:
            yield (f"memory of actor {actor}", True) if write else (CONTENTS, False)

    def beside(self, actors: int) -> Iterator[str]:
        """The keys that an operation on a file reads as well."""
        if self.are_met:
            for actor in range(1, actors + 1):
                yield f"memory of actor {actor}"
