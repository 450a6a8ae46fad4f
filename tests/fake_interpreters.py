"""Interpreters that tests put where real ones are looked for: scripts that say of themselves what they are told to."""

import json
import sys
from pathlib import Path

ANSWER = {"version": "3.99.1", "number": [3, 99], "free_threaded": True, "lab": "0.1.0", "why": ""}


def put(path, runs="exit 3", asked="", **answer):
    """Write a script that answers as ``answer`` says when it is asked, and ``runs`` shell code when it is to hammer."""
    path = Path(path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    told = json.dumps({**ANSWER, "path": str(path), **answer})
    path.write_text(f"#!/bin/sh\nif [ \"$1\" = -c ]; then\n{asked}\ncat <<'E'\n{told}\nE\nexit\nfi\n{runs}\n")
    path.chmod(0o755)
    return path


def really(before=""):
    """Shell code that hammers with the interpreter of the tests, after Python code that runs ``before``."""
    program = f"import sys\n{before}\nfrom lab.cli import main\nmain(sys.argv[4:])"
    quoted = program.replace("'", "'\\''")
    return f"exec '{sys.executable}' -c '{quoted}' \"$@\""
