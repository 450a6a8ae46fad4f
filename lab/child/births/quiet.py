"""What stands for `sys` where `multiprocessing` runs a process that an actor has started."""

from __future__ import annotations

import sys
from typing import Any


class Quiet:
    """Who fails there is told of as a failure, and is not announced once more in each execution."""

    def __getattr__(self, name: str) -> Any:
        return self if name == "stderr" else getattr(sys, name)

    def write(self, text: str) -> None:
        """What `sys.stderr` is told of an exception; other texts are printed."""
        if not (text.startswith("Process ") and text.endswith(":\n")):
            sys.stderr.write(text)
