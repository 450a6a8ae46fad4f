"""The plugin's own tests run pytest inside pytest; and how long the tests may take."""

import time

import pytest

pytest_plugins = ["pytester"]

BEGAN = pytest.StashKey[float]()


def pytest_addoption(parser):
    parser.addoption(
        "--within", type=float, metavar="SECONDS", help="begin no test later than that; say how many were left"
    )


def pytest_configure(config):
    config.stash[BEGAN] = time.monotonic()


def pytest_runtest_setup(item):
    within = item.config.getoption("--within")
    if within is not None and time.monotonic() - item.config.stash[BEGAN] > within:
        pytest.skip(LATE)


def pytest_terminal_summary(terminalreporter):
    left = sum(LATE in str(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    if left:
        terminalreporter.write_line(f"{left:,} tests were not begun within the time given by --within", yellow=True)


LATE = "the time given by --within was up"
