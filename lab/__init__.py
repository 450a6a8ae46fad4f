"""race-lab: find, show, teach and rule out race conditions in Python.

`explore` runs a program under schedules it chooses, `hammer` runs it for real,
`replay` repeats a `Witness`; a `Scenario` is one bug of the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.explorer import explore
    from lab.hammering.hammer import hammer
    from lab.replaying import replay
    from lab.scenario import Scenario
    from lab.witness import Witness

__all__ = ["Scenario", "Witness", "explore", "hammer", "replay"]

_HOME = {
    "Scenario": "lab.scenario",
    "Witness": "lab.witness",
    "explore": "lab.explorer",
    "hammer": "lab.hammering.hammer",
    "replay": "lab.replaying",
}


def __getattr__(name: str) -> Any:
    """Load each name when it is first used, so that importing the package costs nothing (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
