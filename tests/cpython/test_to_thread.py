"""CPython's tests of `asyncio.to_thread`."""

from __future__ import annotations

import pytest

from .borrowed import check_list, module, parameters, run_in_loop

theirs = module("test_asyncio.test_threads")
CLASSES = [theirs.ToThreadTests]


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, {}))
def test_method(kind, method, monkeypatch):
    run_in_loop(kind, method, monkeypatch)


def test_the_list_of_what_is_not_run():
    check_list({}, CLASSES)
