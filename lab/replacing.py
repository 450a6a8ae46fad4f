"""Write a file at once or not at all: nobody finds half of one, and none is left if the writing is interrupted."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

WRITING = ".writing-"
"""How the name of a file begins that is being written: one is left where a process is killed meanwhile."""


def replace_text(path: Path, text: str) -> None:
    """Put a file with ``text``, in UTF-8 with its line ends as they are, in the place of ``path``; raises OSError."""
    temporary = path.parent / f"{WRITING}{secrets.token_hex(8)}"
    try:
        # A lone surrogate, as in a file name that is not UTF-8, is written as an escape, which JSON knows as well.
        with open(temporary, "x", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
