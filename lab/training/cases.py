"""What of a subject is explored: each variant as a program with its options; the subject's code is imported here."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from lab.catalogue import import_file, load
from lab.errors import InvalidType, InvalidValue
from lab.program import Program
from lab.scenario import Scenario, story
from lab.training.hiding import names_in
from lab.training.subject import Subject

COPIES = 2
"""Of a test that is run several times at once."""


@dataclass(frozen=True)
class Case:
    """One variant: the arguments of `explore`."""

    setup: Callable[[], Any]
    actors: Any
    judged: dict[str, Any] = field(default_factory=dict)  # check, outcome, allowed, forbidden, teardown, cancel
    how: dict[str, Any] = field(default_factory=dict)  # trace, carrier, order, on, crash
    must_fail: bool | None = None  # what the catalogue promises; None where nobody does

    def program(self) -> Program:
        """Checked; raises InvalidType or InvalidValue."""
        given = {name: value for name, value in self.judged.items() if name != "cancel"}
        program = Program.of(self.setup, self.actors, **given)
        program = program.with_tasks(self.how.get("order", "fifo"), self.judged.get("cancel", False))
        return program.on(self.how.get("on", "auto")).with_crashes(self.how.get("crash", False))

    @property
    def trace(self) -> tuple[str, ...]:
        """The library modules to step inside."""
        return tuple(self.how.get("trace", ()))

    @property
    def carrier(self) -> str:
        """What the actors are to run on."""
        return str(self.how.get("carrier", "auto"))


@dataclass(frozen=True)
class Subjected:
    """A subject whose code is imported: its variants, and what a person is told of it."""

    module: ModuleType
    cases: dict[str, Case]
    roots: dict[str, tuple[str, ...]]  # variant -> names of the module that it needs
    makers: dict[str, str]  # variant -> the name of what makes its state; empty where it has none
    scenario: Scenario | None = None

    @property
    def title(self) -> str:
        """The first line of the story, or the module's name."""
        return story(self.module)[0] or self.module.__name__.rpartition(".")[2]


def subjected(subject: Subject, patch: Path | None = None) -> Subjected:
    """Import the subject's code; with a ``patch``, what that defines takes the place of what has the same names.

    What judges stays as it was.  Raises LabError in one line for what cannot be run.
    """
    path = Path(subject.path)
    if subject.is_scenario:
        return _of_scenario(path, patch)
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = import_file(path)
    if subject.test or not subject.setup:
        return _of_test(module, path, subject.test, patch)
    return _of_functions(module, subject, patch)


def _of_scenario(path: Path, patch: Path | None) -> Subjected:
    entry = load(path)
    scenario, module = entry.scenario, entry.module
    how = {
        "trace": scenario.trace,
        "carrier": scenario.carrier,
        "order": scenario.order,
        "on": scenario.on,
        "crash": scenario.crash,
    }
    around = [scenario.outcome, scenario.check, scenario.teardown, *_bodies(scenario.actors)]
    names = tuple(name for name in map(_name_in(module), around) if name)
    variants = scenario.every_variant()
    makers = {variant.name: _name_in(module)(variant.make) for variant in variants}
    if patch is not None:
        _has_to_define(patch, makers["unsafe"])
        apply(patch, module)
    cases, roots = {}, {}
    for variant in variants:
        maker = makers[variant.name]
        make = getattr(module, maker, variant.make) if patch is not None else variant.make
        cases[variant.name] = Case(make, scenario.actors, scenario.options(), how, variant.must_fail)
        roots[variant.name] = (maker, *names) if maker else names
    return Subjected(module, cases, roots, makers, scenario)


def _of_functions(module: ModuleType, subject: Subject, patch: Path | None) -> Subjected:
    judged = {"check": _named(module, subject, "--check", subject.check)} if subject.check else {}
    named = [_split(actor) for actor in subject.actors]
    if patch is not None:
        apply(patch, module)
    setup = _named(module, subject, "--setup", subject.setup)
    actors: dict[str, Any] = {}
    for name, function in named:
        number = sum(one == name or one.startswith(f"{name} ") for one in actors)
        actors[name if not number else f"{name} {number + 1}"] = _named(module, subject, "--actor", function)
    roots = (subject.setup, *(function for _, function in named), *([subject.check] if subject.check else []))
    return Subjected(module, {"unsafe": Case(setup, actors, judged)}, {"unsafe": roots}, {"unsafe": ""})


def _of_test(module: ModuleType, path: Path, name: str, patch: Path | None) -> Subjected:
    found = {
        one: function
        for one, function in vars(module).items()
        if one.startswith("test") and inspect.isfunction(function) and function.__module__ == module.__name__
    }
    if not name and len(found) != 1:
        what = f"has {len(found)} tests; name one with --test" if found else "has neither a scenario nor a test"
        raise InvalidValue(f"{path}: {what}; or give --setup NAME, --actor NAME for each actor, --check NAME")
    name = name or next(iter(found))
    if name not in found:
        raise InvalidValue(f"--test {name}: not in {path}; {_meant(name, found)}")
    if inspect.signature(found[name]).parameters:
        raise InvalidType(f"--test {name}: takes fixtures, which only pytest can make; run pytest --lab-interleave 2")
    if patch is not None:
        apply(patch, module)
    # Made of text, as code of the lab's own would not be looked into, and what it calls only found by having run.
    call = eval("lambda _, test=test: test()", {"test": getattr(module, name)})
    actors = {f"copy {number}": call for number in range(1, COPIES + 1)}
    return Subjected(module, {"unsafe": Case(lambda: None, actors)}, {"unsafe": (name,)}, {"unsafe": ""})


def apply(patch: Path, module: ModuleType) -> None:
    """Run a file inside of a module: what it defines takes the place of what was there."""
    try:
        source = patch.read_bytes()
        code = compile(source, str(patch), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise InvalidValue(
            f"{patch.name}:{error.lineno or 1}: SyntaxError: {error.msg}; mend it and try again"
        ) from None
    except ValueError as error:  # a NUL
        raise InvalidValue(f"{patch.name}: is no Python ({error}); mend it and try again") from None
    try:
        exec(code, vars(module))
    except MemoryError:
        raise
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise InvalidValue(f"{patch.name}: cannot be run ({told}); mend it and try again") from None


def _has_to_define(patch: Path, name: str) -> None:
    """Else the code as it was would be graded."""
    defined = {name}
    with suppress(SyntaxError, ValueError):  # which is told when it is run
        defined = names_in(patch.read_text(encoding="utf-8"))
    if name and name not in defined:
        raise InvalidValue(f"{patch.name}: does not define {name}; give the whole file that was to be edited")


def _bodies(actors: Any) -> list[Any]:
    return list(actors.values()) if hasattr(actors, "values") else list(actors)


def _name_in(module: ModuleType) -> Callable[[Any], str]:
    """Finds the name by which a module has a thing; empty where it has none."""
    names = {id(value): name for name, value in vars(module).items()}

    def name(thing: Any) -> str:
        return names.get(id(thing), "")

    return name


def _split(actor: str) -> tuple[str, str]:
    """ "alice=add_one" is an actor called alice; "add_one" is called as its function is."""
    name, _, function = actor.rpartition("=")
    return name or function, function


def _named(module: ModuleType, subject: Subject, option: str, name: str) -> Any:
    thing = getattr(module, name, None)
    if callable(thing):
        return thing
    if thing is not None:
        raise InvalidType(f"{option} {name}: is {type(thing).__name__} in {subject.path}; give a function")
    known = {one for one, value in vars(module).items() if callable(value) and not one.startswith("__")}
    raise InvalidValue(f"{option} {name}: not in {subject.path}; {_meant(name, known)}")


def _meant(name: str, known: Any) -> str:
    if not known:
        return "it defines none; give the file that does"
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]}?" if close else f"choose one of {', '.join(sorted(known)[:10])}"
