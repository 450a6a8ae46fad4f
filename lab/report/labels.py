"""Short names for threads that the program did not name.

`threading` counts its threads from the start of the process, so the eleventh may be the
first of the next run.  A reader wants the function, and the same report every time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_UNNAMED = re.compile(r"Thread-\d+(?: \((?P<target>[^()]+)\))?|(?P<pool>ThreadPoolExecutor-\d+)_\d+")


class Labels:
    """Maps the names in some texts to labels, numbered by first appearance where several are alike."""

    def __init__(self, texts: Iterable[str]) -> None:
        found = dict.fromkeys(match.group() for text in texts for match in _UNNAMED.finditer(text))
        kinds = {name: _kind(name) for name in found}
        alike = Counter(kinds.values())
        numbers: Counter[str] = Counter()
        self._labels: dict[str, str] = {}
        for name, kind in kinds.items():
            numbers[kind] += 1
            self._labels[name] = kind if alike[kind] == 1 else f"{kind} {numbers[kind]}"

    def told(self, text: str) -> str:
        """``text`` with labels in place of names."""
        return _UNNAMED.sub(lambda match: self._labels.get(match.group(), match.group()), text)


def _kind(name: str) -> str:
    match = _UNNAMED.fullmatch(name)
    assert match is not None
    if match["pool"]:
        return "worker"
    return match["target"] or "thread"
