"""CPython's tests of thread-local data."""

from __future__ import annotations

import pytest

from .borrowed import Skip, check_list, module, parameters, run

theirs = module("test_threading_local")
CLASSES = [theirs.ThreadLocalTest, theirs.PyThreadingLocalTest]
KEPT = Skip("what a thread kept for itself, and the Thread object, live until the execution has ended")
SKIPS = {f"{kind.__name__}.{name}": KEPT for kind in CLASSES for name in ("test_cycle_collection", "test_local_refs")}


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run(kind, method, monkeypatch, trace=(theirs.__name__,))


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
