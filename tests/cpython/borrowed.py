"""Runs the methods of CPython's own tests as actors, under schedules of an idle machine.

CPython's tests wait with short sleeps until other threads are where they have to be,
which holds on a machine that has nothing else to do.  So here nobody's sleep or
timeout ends while somebody else can go on; among those who can, any may.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import inspect
import sys
import unittest
import warnings
from functools import partial
from random import Random
from types import FunctionType
from typing import NamedTuple

import pytest

import lab.exploration
from lab import explore
from lab.strategies import STRATEGIES


class Skip(NamedTuple):
    """Why a method is not run, and in which versions there is one of that name."""

    reason: str
    since: tuple[int, int] = (3, 11)
    before: tuple[int, int] = (4, 0)

    @property
    def concerns_this_version(self):
        return self.since <= sys.version_info[:2] < self.before


def _idle(self, enabled, current):
    ready = [
        actor
        for actor in enabled
        if (actor.wait is None or actor.wait.ready()) and getattr(actor, "word", "") != "time is up"
    ]
    return self.random.choice(ready or enabled)


class Idle:
    """Random among those who can go on; whose time has to be up first comes last."""

    name = "idle"

    def __init__(self, seed=0, counts=None):
        self.random = Random(seed)

    def begin(self, execution):
        return True

    # As the lab's own code: what else stands in this file is taken for a part of the program, and stepped.
    choose = FunctionType(_idle.__code__, {"__name__": "lab", "__builtins__": builtins})

    def end(self, execution):
        pass


def module(name):
    """A module of CPython's tests; a skip where they are not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(f"test.{name}")
        except ModuleNotFoundError:
            pytest.skip("CPython's own tests are not installed", allow_module_level=True)
        except unittest.SkipTest as skipped:
            pytest.skip(str(skipped), allow_module_level=True)


def methods(classes):
    """``Class.method`` of every test of these classes."""
    return [f"{kind.__name__}.{name}" for kind in classes for name in unittest.defaultTestLoader.getTestCaseNames(kind)]


def check_list(skips, classes):
    """The list of what is not run is not stale."""
    there = methods(classes)
    named = {name for name, skip in skips.items() if skip.concerns_this_version}
    assert named - set(there) == set(), "listed, but not among CPython's tests"
    assert all(skip.reason for skip in skips.values())
    assert len(there) > len(named)


def parameters(classes, skips, only=()):
    """One test for each method that is run, or for those of them that are called as ``only`` says."""
    return [
        pytest.param(kind, name.partition(".")[2], id=name)
        for kind in classes
        for name in methods([kind])
        if not (name in skips and skips[name].concerns_this_version) and (not only or name.partition(".")[2] in only)
    ]


def run(kind, method, monkeypatch, carrier="auto", schedules=8, trace=()):
    """Run one method as the only actor, which starts what threads it needs."""

    def alice(case):
        try:
            case.setUp()
            try:
                getattr(case, method)()
            finally:
                case.tearDown()
        finally:
            case.doCleanups()

    _explore(kind, method, monkeypatch, alice, carrier=carrier, schedules=schedules, trace=trace)


def run_in_loop(kind, method, monkeypatch, carrier="auto", schedules=3):
    """Run one method of a case that is isolated in an event loop as the only actor, which is a task."""

    async def called(function, *arguments, **named):
        result = function(*arguments, **named)
        return await result if inspect.isawaitable(result) else result

    async def alice(case):
        try:
            case.setUp()
            await case.asyncSetUp()
            try:
                await called(getattr(case, method))
            finally:
                await case.asyncTearDown()
                case.tearDown()
        finally:
            while case._cleanups:
                function, arguments, named = case._cleanups.pop()
                await called(function, *arguments, **named)

    _explore(kind, method, monkeypatch, alice, carrier=carrier, schedules=schedules)


def _explore(kind, method, monkeypatch, body, **options):
    monkeypatch.setattr(lab.exploration, "Profile", Idle)
    monkeypatch.setitem(STRATEGIES, "idle", Idle)
    young = partial(gc.collect, 1)  # they do it often, and there is much in this process that is no garbage
    for helper in (module("support"), sys.modules[kind.__module__]):
        if hasattr(helper, "gc_collect"):
            monkeypatch.setattr(helper, "gc_collect", young)
    skipped = []

    def skips(error):
        skipped.append(str(error))

    def alice(case):
        try:
            body(case)
        except unittest.SkipTest as why:
            skips(why)

    async def alice_in_loop(case):
        try:
            await body(case)
        except unittest.SkipTest as why:
            skips(why)

    why = getattr(getattr(kind, method), "__unittest_skip_why__", "") or getattr(kind, "__unittest_skip_why__", "")
    if why:
        pytest.skip(why)
    actor = alice_in_loop if inspect.iscoroutinefunction(body) else alice
    verdict = explore(lambda: kind(method), {"alice": actor}, strategy="idle", **options)
    if skipped:
        pytest.skip(skipped[0])
    assert verdict.failure is None, str(verdict)
    assert verdict.uncontrolled == (), str(verdict)
    assert verdict.schedules == options["schedules"], str(verdict)
