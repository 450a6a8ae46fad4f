"""Every test runs on both carriers."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["greenlet", "thread"])
def carrier(request):
    return request.param


@pytest.fixture(autouse=True)
def a_little_shrinking(monkeypatch):
    """What is found is what these tests are about, not how short it gets."""
    for module in ("lab.shrink", "lab.deciding"):
        monkeypatch.setattr(f"{module}.SECONDS", 0.2)
