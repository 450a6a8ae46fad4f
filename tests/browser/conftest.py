"""A real browser for the tests of pages: Chromium as Debian packages it, driven by Playwright.

LAB_BROWSER names another executable.  Where there is none the tests are skipped, unless
LAB_BROWSER_REQUIRED=1 says that there has to be one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _executable() -> str:
    found = os.environ.get("LAB_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        why = "there is no Chromium: apt-get install --no-install-recommends chromium, or set LAB_BROWSER"
        if os.environ.get("LAB_BROWSER_REQUIRED") == "1":
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a file, no longer: meanwhile an event loop of Playwright runs in this thread."""
    executable = _executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=list(_FLAGS))
        yield running
        running.close()


@pytest.fixture
def visit(browser):
    """Open a file or address: ``with visit(path, width=360, scheme="dark") as page``.

    At the end nothing may have been written to the console, raised, or asked for from elsewhere.
    ``options`` are those of Playwright's `new_context`.
    """

    @contextmanager
    def visited(where: str | Path, width: int = 1280, scheme: str = "light", **options: Any) -> Iterator[Any]:
        address = where.as_uri() if isinstance(where, Path) else where
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}, **options}
        context = browser.new_context(**options)
        told: list[str] = []
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: told.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("request", lambda request: told.extend(_elsewhere(request.url, address)))
        try:
            page.goto(address)
            yield page
            assert told == []
        finally:
            context.close()

    return visited


def _elsewhere(url: str, home: str) -> list[str]:
    """A complaint if the request goes to another place than the page came from."""
    one, other = urlsplit(url), urlsplit(home)
    same = one.scheme == "data" or (one.scheme, one.netloc) == (other.scheme, other.netloc)
    return [] if same else [f"request: {url}"]


@pytest.fixture
def accessible():
    """Assert that axe-core finds no violation in a page as it stands."""

    def check(page: Any) -> None:
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    return check


@pytest.fixture
def fits():
    """Assert that a page is not wider than its window."""

    def check(page: Any) -> None:
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], f"the page is {wide[0]} pixels wide in a window of {wide[1]}"

    return check
