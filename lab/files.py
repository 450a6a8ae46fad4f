"""Which files hold scenarios; apart from the catalogue because the pytest plugin asks for every file."""

from __future__ import annotations

from pathlib import Path

FOLDER = "scenarios"


def is_scenario_file(path: Path, root: Path) -> bool:
    """Whether ``path`` stands below a folder named scenarios and defines a SCENARIO."""
    if path.suffix != ".py" or path.name.startswith(("_", "conftest")):
        return False
    try:
        parts = path.relative_to(root).parts[:-1]
    except ValueError:
        parts = path.parts[:-1]
    if FOLDER not in parts:
        return False
    try:
        return b"SCENARIO" in path.read_bytes()
    except OSError:
        return False
