"""A witness as a regression test that a person keeps: a short test, and the witness beside it.

The witness stands in a file of its own because it is made for machines: it holds every step, and would
bury the ten lines that a reader needs.  The test runs its schedule; what that means for code that has changed
since is told at `lab.replay`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.catalogue import Entry, scenario_of_witness
from lab.errors import LabError, WitnessError
from lab.program import STEPS
from lab.scenario import Variant
from lab.witness import Witness

SCHEDULES = 2_000
"""How many schedules the test runs where the pinned one no longer fits the code."""

_REFERENCE = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")


def emit(witness: Witness, file: str, base: Path, test: Path) -> str:
    """Write ``test`` and the witness beside it; what to tell the person.

    ``file`` is where the witness was read from, ``base`` the folder that its target counts from.  Raises LabError
    in one line where a file is there already, or where a part of the program cannot be imported.
    """
    if test.suffix != ".py":
        raise LabError(f"--emit-test {test}: not a Python file; give a name such as test_race.py")
    if not test.name.startswith("test_"):
        raise LabError(f"--emit-test {test}: pytest would not collect it; call it test_{test.name}")
    beside = test.with_suffix(".json")
    for one in (test, beside):
        if one.exists():
            raise LabError(f"--emit-test {test}: {one} is there already; remove it, or give another name")
    if not test.parent.is_dir():
        raise LabError(f"--emit-test {test}: there is no folder {test.parent}; make it first")
    found = scenario_of_witness(witness, base) if witness.target else None
    text = _of_scenario(witness, file, test, *found) if found else _of_program(witness, file, test)
    if not found:
        _try_imports(witness, file, base, test)
    witness.save(beside)
    test.write_text(text, encoding="utf-8")
    return f"wrote {test} and {beside}; run it with: pytest {test}"


def _of_scenario(witness: Witness, file: str, test: Path, entry: Entry, variant: Variant) -> str:
    path = Path(os.path.relpath(entry.path, test.parent)).as_posix()
    make = f"SCENARIO.{variant.name}"
    if variant.name in entry.scenario.variants:
        make = f"SCENARIO.variants[{_text(variant.name)}]"
    return _page(
        witness,
        file,
        ["import lab", "from lab.catalogue import load"],
        [f"SCENARIO = load(Path(__file__).parent / {_text(path)}).scenario"],
        f"{entry.name}_{variant.name}",
        [make, "SCENARIO.actors", "trace=SCENARIO.trace", "**SCENARIO.options()"],
    )


def _of_program(witness: Witness, file: str, test: Path) -> str:
    parts = witness.program
    functions = dict(_functions(witness, file))
    modules: dict[str, list[str]] = {}
    for _, reference in functions.items():
        module, name = reference.split(":")
        modules.setdefault(module, []).append(name.split(".")[0])
    taken = [name for names in modules.values() for name in set(names)]
    if len(taken) != len(set(taken)):
        twice = next(name for name in taken if taken.count(name) > 1)
        raise LabError(f"witness {file}: two modules have a {twice}, which one test cannot import; rename one of them")

    def called(what: str) -> str:
        return functions[what].partition(":")[2]

    actors = ", ".join(f"{_text(name)}: {called(f'actors[{name!r}]')}" for name, _ in parts["actors"])
    arguments = [called("setup"), f"{{{actors}}}"]
    arguments += [f"{what}={called(what)}" for what in ("check", "outcome", "teardown") if what in parts]
    for what in ("allowed", "forbidden"):
        if what in parts:
            arguments.append(f"{what}={_outcomes(parts[what], what, file)}")
    if parts.get("trace"):
        arguments.append(f"trace={tuple(map(str, parts['trace']))!r}")
    if parts.get("steps") != STEPS:
        arguments.append(f"steps={int(parts.get('steps', STEPS))}")
    imports = [f"from {module} import {', '.join(sorted(set(names)))}" for module, names in sorted(modules.items())]
    name = re.sub(r"\W+", "_", witness.target.rpartition("::")[2].removeprefix("test_")).strip("_")
    return _page(witness, file, ["import lab", *imports], [], name or "schedule", arguments)


def _functions(witness: Witness, file: str) -> Iterator[tuple[str, str]]:
    """Every part that has to be imported, as "module:name"; raises LabError for one that cannot be."""
    parts = witness.program
    if witness.copies:
        raise LabError(
            f"witness {file}: its actors are copies of an ordinary test, run with --lab-interleave; "
            "write a test that calls lab.explore, and make its witness a test"
        )
    if not isinstance(parts.get("actors"), list):
        raise LabError(f"witness {file}: does not say how its program is imported; record a new one with this version")
    given = [("setup", parts.get("setup"))]
    for row in parts["actors"]:
        if not isinstance(row, list) or len(row) != 2 or row[0] not in witness.actors:
            raise WitnessError(f"witness {file}: its actors cannot be read; record a new one")
        given.append((f"actors[{row[0]!r}]", row[1]))
    given += [(what, parts[what]) for what in ("check", "outcome", "teardown") if what in parts]
    for what, reference in given:
        if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
            told = str(reference).strip("<>") if str(reference).isprintable() else "nothing"
            raise LabError(
                f"witness {file}: {what} cannot be imported ({told}); "
                "define it at the top level of a module, under a name, and record a new witness"
            )
        yield what, reference


def _outcomes(text: Any, what: str, file: str) -> str:
    try:
        return repr(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise LabError(
            f"witness {file}: {what} holds more than plain values, which a test cannot spell; "
            "let outcome return numbers, texts or tuples of them, and record a new witness"
        ) from None


def _try_imports(witness: Witness, file: str, base: Path, test: Path) -> None:
    """Import what the test will import, as pytest will: with the folder of the test first."""
    program = "import importlib, operator, sys\nfor one in sys.argv[1:]:\n    module, _, name = one.partition(':')\n"
    program += "    operator.attrgetter(name)(importlib.import_module(module))"
    references = [reference for _, reference in _functions(witness, file)]
    paths = [str(test.parent.resolve()), str(base), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *references],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended at once"])[-1]
        raise LabError(
            f"--emit-test {test}: its imports would fail there ({last}); "
            "write it to the folder of the test that the witness is from"
        )


def _page(witness: Witness, file: str, imports: list[str], lines: list[str], name: str, arguments: list[str]) -> str:
    told = textwrap.fill(_quotable(witness.story or str(witness.failure)), 100)
    saved = 'lab.Witness.load(Path(__file__).with_suffix(".json"))'
    inside = "".join(f"        {argument},\n" for argument in (saved, *arguments, f"schedules={SCHEDULES}"))
    own = "".join(f"{line}\n" for line in lines)
    body = textwrap.dedent(f'''\
        """{{told}}

        The schedule, {_quotable(str(witness.trace.schedule))}, is in the .json file beside this one.  On code that has
        changed so much that the schedule no longer fits, other schedules are tried.
        Written by: lab replay {_quotable(file)} --emit-test
        """
        ''')
    return (
        f"{body.replace('{told}', told)}\n"
        "from pathlib import Path\n\n"
        f"{chr(10).join(imports)}\n\n"
        f"{own}{chr(10) if own else ''}\n"
        f"def test_{name}_pinned():\n"
        f"    lab.replay(\n{inside}    ).assert_no_failure()\n"
    )


def _text(text: str) -> str:
    """A string in Python, with double quotes."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _quotable(text: str) -> str:
    """``text`` as it may stand in a docstring."""
    shown = text if text.isprintable() else ascii(text)
    return shown.replace("\\", "\\\\").replace('"""', "'''")
