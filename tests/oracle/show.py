"""Prints a generated program as Python, and what is true of it.

python -m tests.oracle.show 17                 the program of seed 17
python -m tests.oracle.show 17 --shape locks
python -m tests.oracle.show 17 --explore dpor  and what the lab says of it
"""

from __future__ import annotations

import argparse

from .brute import TooMany, every
from .generate import SHAPES, from_seed
from .language import Program
from .running import explore
from .source import text_of


def page(program: Program) -> str:
    """The program's text and the oracle's answer."""
    lines = [text_of(program)]
    try:
        answer = every(program)
    except TooMany:
        lines.append("# too many raw interleavings to run them all")
    else:
        lines.append(f"# {answer.raw:,} raw interleavings in {answer.classes:,} classes; outcomes:")
        lines += [f"#     {outcome}" for outcome in sorted(map(str, answer.outcomes))]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.show")
    parser.add_argument("seed", type=int)
    parser.add_argument("--shape", choices=SHAPES, default="everything")
    parser.add_argument("--explore", metavar="STRATEGY", help="explore it as well")
    given = parser.parse_args()
    program = from_seed(given.seed, given.shape)
    print(page(program))
    if given.explore:
        print(explore(program, strategy=given.explore))


if __name__ == "__main__":
    main()
