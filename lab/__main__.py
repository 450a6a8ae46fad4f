"""``python -m lab`` is the command line on the interpreter that is named."""

from __future__ import annotations

from lab.cli import main

if __name__ == "__main__":
    main(prog_name="lab")
