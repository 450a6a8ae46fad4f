"""Which files hold scenarios; apart from the catalogue because the pytest plugin asks for every file."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = "scenarios"

_DEFINES = re.compile(rb"^(?:SCENARIO\s*(?::[^=\n]*)?=|\w+\s*(?::[^=\n]*)?=\s*(?:\w+\.)?Scenario\()", re.MULTILINE)
"""A SCENARIO, or a Scenario under a name that nobody would look for: that is a mistake to be told, not passed over."""


def is_scenario_file(path: Path, root: Path) -> bool:
    """Whether ``path`` stands below a folder named scenarios and defines a scenario."""
    if path.suffix != ".py":
        return False
    try:
        parts = (root.name, *path.relative_to(root).parts[:-1])
    except ValueError:
        parts = path.parts[:-1]
    return FOLDER in parts and defines_scenario(path)


def defines_scenario(path: Path) -> bool:
    """Whether the Python file ``path`` defines a scenario."""
    if path.suffix != ".py" or path.name.startswith(("_", "conftest")):
        return False
    try:
        return _DEFINES.search(path.read_bytes()) is not None
    except OSError:
        return False
