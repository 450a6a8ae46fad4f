"""What the tests of instrumentation share: a driver that only records, and ways to rewrite programs."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

from lab import hooks
from lab.instrument import Instrumented, Site, instrument


class Namespace:
    """Stands for the module whose globals a program has."""

    def __init__(self, variables):
        self.__dict__ = variables


class RecordingDriver:
    """Notes what reaches it and changes nothing."""

    def __init__(self):
        self.events = []

    def touch(self, owner, key, write, site, value=hooks.ABSENT, more=()):
        self.events.append(("write" if write else "read", site.kind, key, owner, value))
        self.events.extend(("write" if writes else "read", site.kind, name, one, value) for one, name, writes in more)

    def variables(self, owner):
        self.events.append(("variables", "attribute", None, owner, None))

    def whole(self, container, write, site, detail=hooks.ABSENT, also=()):
        self.events.append(("change" if write else "use", site.kind, None, container, detail))
        self.events.extend(("use", site.kind, None, one, hooks.ABSENT) for one in also)

    def call(self, function, arguments, site):
        self.events.append(("call", site.kind, None, function, arguments))
        return function

    def resumed(self, frame, site):
        self.events.append(("resume", site.kind, None, frame, None))

    def enter(self, manager, site):
        self.events.append(("enter", site.kind, None, manager, None))
        return manager

    def function_made(self, function):
        self.events.append(("made", "function", None, function, None))


class CountingDriver:
    """Notes how often it was told something, and keeps nothing alive."""

    def __init__(self):
        self.count = 0

    def touch(self, owner, key, write, site, value=None, more=()):
        self.count += 1 + len(more)

    def variables(self, owner):
        self.count += 1

    def whole(self, container, write, site, detail=None, also=()):
        self.count += 1 + len(also)

    def call(self, function, arguments, site):
        self.count += 1
        return function

    def resumed(self, frame, site):
        self.count += 1

    def enter(self, manager, site):
        self.count += 1
        return manager

    def function_made(self, function):
        self.count += 1


class Covering(CountingDriver):
    """Has a discovery cover what is called, as the engine does."""

    def __init__(self, discovery):
        super().__init__()
        self.discovery = discovery

    def call(self, function, arguments, site):
        self.count += 1
        self.discovery.cover(function)
        return function

    def function_made(self, function):
        self.discovery.function_made(function)


@contextmanager
def driven(driver=None):
    """Let ``driver`` drive the calling thread for a while."""
    driver = driver or RecordingDriver()
    hooks.DRIVERS[get_ident()] = driver
    try:
        yield driver
    finally:
        del hooks.DRIVERS[get_ident()]


def load(source, name="program", filename=None):
    """The variables of a program."""
    variables = {"__name__": name}
    exec(compile(source, filename or f"<{name}>", "exec", dont_inherit=True), variables)
    return variables


PROGRAMS = Path(__file__).with_name("rewriting_programs")


def load_file(name, rewritten):
    """The variables of one of the programs, which may import ``common``; both rewritten if so wished."""
    path = PROGRAMS / f"{name}.py"
    if name != "common":
        common = types.ModuleType("common")
        common.__dict__.update(load_file("common", rewritten))
        sys.modules["common"] = common
    try:
        variables = load(path.read_text(encoding="utf-8"), name, str(path))
    finally:
        sys.modules.pop("common", None)
    if rewritten:
        rewrite(variables)
    return variables


def functions_of(variables):
    """Every function of a program, with those in its classes."""
    pending = list(variables.values())
    while pending:
        thing = pending.pop()
        thing = getattr(thing, "__func__", thing)
        if isinstance(thing, types.FunctionType) and thing.__globals__ is variables:
            yield thing
        elif isinstance(thing, type) and thing.__module__ == variables["__name__"]:
            pending.extend(vars(thing).values())
        elif isinstance(thing, property):
            pending.extend((thing.fget, thing.fset, thing.fdel))


def rewrite(variables) -> list[Instrumented]:
    """Give every function of a program its instrumented code."""
    results = []
    namespace = Namespace(variables)
    for function in functions_of(variables):
        result = instrument(function.__code__, namespace)
        function.__code__ = result.code
        results.append(result)
    return results


def load_rewritten(source, name="program"):
    variables = load(source, name)
    rewrite(variables)
    return variables


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code object and those nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


def codes_of_module(name: str) -> Iterator[types.CodeType]:
    """The functions and classes in a module's source, as code objects; the module is not imported."""
    source = Path(importlib.util.find_spec(name).origin)
    for code in codes_in(compile(source.read_bytes(), str(source), "exec", dont_inherit=True)):
        if code.co_name != "<module>":
            yield code


def is_injected(value) -> bool:
    """Whether a constant is one that the rewriter put in to be called."""
    return isinstance(value, types.FunctionType) and value.__module__ in ("lab.hooks", "lab.instrument")


def sites_in(code: types.CodeType) -> list[Site]:
    return [constant for constant in code.co_consts if isinstance(constant, Site)]


__name__ = "lab.rewriting"  # the drivers are no part of the programs: discovery leaves the lab's own code alone
