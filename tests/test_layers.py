"""Imports in lab/ point one way, the public door opens, and nothing heavy loads before it is needed."""

import ast
import importlib
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lab

LAB = Path(lab.__file__).parent

ORDER = [
    # words that every part speaks
    "origin",
    "alive",
    "orphans",
    "kinds",
    "errors",
    "files",
    "replacing",
    "segments",
    "schedule",
    "postgres",
    "interpreters",
    "stopwatch",
    "stillness",
    "throwing",
    "progress",
    "trace",
    "program",
    "standard_library",
    "settings",
    "signals",
    "pinning",
    # visible operations: where they are in the code, and what they touch
    "stack",
    "sites",
    "hooks",
    "forks",
    "at_fork",
    "names",
    "exercises",
    "switch_points",
    "instrument",
    "loops",
    "functions",
    "starts",
    "discovery",
    "pointing",
    "operations",
    "outside",
    "naming",
    "inherited",
    "filesystem",
    "virtual",
    "child",
    # one execution, and what is written down of it
    "carriers",
    "guards",
    "recorder",
    "detectors",
    "finalizers",
    "freshness",
    "reached",
    "leftovers",
    "footprints",
    "strategies",
    "surroundings",
    "leaving",
    "exploration",
    "engine",
    "sameness",
    "rounds",
    "circling",
    "shrink",
    "deciding",
    "sampling",
    "nondeterminism",
    "exhaustion",
    "classes",
    "passing",
    "graph",
    "histories",
    "crossing",
    "standings",
    "drawing",
    "charting",
    # what it comes to
    "witness",
    "keeping",
    "verdict",
    "following",
    "contrasting",
    "grading_tasks",
    "grading",
    "realizing",
    "witnessing",
    "searching",
    "explorer",
    "hammering",
    "forcing",
    "replaying",
    "interleave",
    "comparing",
    "builds",
    # what a person defines, reads and types
    "scenario",
    "report",
    "catalogue",
    "emitting",
    "site",
    "training",
    "command",
    "beside",
    "cli",
    "pytest_plugin",
    "__main__",
]
"""Bottom to top.  A unit, which is a module or a package, imports only units above it in this list.

Only imports that run when a module is imported count.  Those inside functions exist for two reasons: to
start fast (the plugin, the command line and `import lab` load the engine on first use), and to let what
stands below hand over to what stands above without knowing it (a verdict's text is written by `report`).
"""


def modules():
    return sorted(path for path in LAB.rglob("*.py") if "__pycache__" not in path.parts)


def name_of(path):
    parts = path.relative_to(LAB.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in modules()}


def statements(body):
    """Those that run when the module is imported."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from statements(node.orelse)
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body)


def imports(path):
    """The modules of the lab that importing ``path`` imports."""
    for node in statements(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write absolute imports"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            named = [name if name in NAMES else node.module for name in named]
        else:
            continue
        yield from (name for name in named if name.split(".")[0] == "lab")


def unit(name):
    return name.split(".")[1] if "." in name else "lab"


def test_every_unit_has_a_place_in_the_order():
    assert sorted({unit(name) for name in NAMES} - {"lab"}) == sorted(ORDER)


@pytest.mark.parametrize("path", [pytest.param(path, id=name_of(path)) for path in modules()])
def test_imports_point_one_way(path):
    own = unit(name_of(path))
    if own == "lab":
        assert list(imports(path)) == []  # the door opens nothing by itself
        return
    above = ORDER[: ORDER.index(own) + 1]
    assert [name for name in imports(path) if unit(name) not in above] == []


def packages(name):
    """What is imported before a module: the packages that it is in."""
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def test_no_modules_import_each_other_in_a_circle():
    """So each can be the first to be imported: none relies on another having been imported before it."""
    graph = {}
    for path in modules():
        own, needed = name_of(path), set(imports(path))
        graph[own] = needed.union(*map(packages, needed)) - packages(own) - {own}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}", pytrace=False)


def printed(program, *arguments):
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_the_door_leads_where_it_says():
    assert lab.__all__ == sorted(lab.__all__)
    assert set(lab._HOME) == set(lab.__all__)
    assert set(lab.__all__) <= set(dir(lab))
    homes = [f"{lab._HOME[name]}.{name}" for name in lab.__all__]
    tell = f"; print(*(one.__module__ + '.' + one.__name__ for one in ({', '.join(lab.__all__)})))"
    assert printed(f"from lab import *{tell}") == homes
    assert printed(f"import lab; globals().update((name, getattr(lab, name)) for name in lab.__all__){tell}") == homes


@pytest.mark.parametrize("names", [sorted(NAMES), sorted(NAMES, reverse=True)], ids=["forwards", "backwards"])
def test_no_module_takes_the_place_of_a_name_of_the_door(names):
    """Importing a module makes it an attribute of its package, whatever stood there before."""
    program = (
        "import importlib, sys, lab\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(*(name for name in lab.__all__ if not callable(getattr(lab, name))))"
    )
    assert printed(program, *names) == []
    assert {unit(name) for name in NAMES} & set(lab.__all__) == set()


def test_an_unknown_name_is_told_as_python_does():
    with pytest.raises(AttributeError) as caught:
        lab.linearisable
    assert str(caught.value) == "module 'lab' has no attribute 'linearisable'"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_module_can_be_imported_and_says_what_it_is_for(name):
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("folder", [LAB, LAB.parent / "tests"], ids=["lab", "tests"])
def test_no_file_is_too_long_to_read(folder):
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in folder.rglob("*.py")}
    assert len(lengths) > 30
    assert {name: length for name, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ("import lab", []),
        ("import lab.pytest_plugin", ["files", "keeping", "pytest_plugin"]),
        ("from lab import Scenario", ["errors", "kinds", "origin", "program", "scenario"]),
    ],
)
def test_what_loads_with_it(statement, loaded):
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    new = printed(program)
    assert [name for name in new if name.split(".")[0] == "lab"] == ["lab", *(f"lab.{name}" for name in loaded)]
    assert {"bytecode", "click", "greenlet", "hypothesis", "rich"} & {name.split(".")[0] for name in new} == set()
