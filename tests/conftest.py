"""What several test files share."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import signal
from pathlib import Path

import plugin_sources
import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/*.txt instead of comparing")


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    """Reports are as wide as they are without a terminal, whatever the test runner says of its own."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def proofs_as_with_the_lock(request, monkeypatch):
    """What the tests know by heart is proved with the interpreter lock; `test_parting` tells what is not without it."""
    from lab.interpreters import lock_is_on

    if not lock_is_on() and request.path.name != "test_parting.py":
        import lab.carriers.parting  # which loads the engine

        monkeypatch.setattr(lab.carriers.parting, "lock_is_on", lambda: True)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard():
    """A shell that starts the tests in the background has them ignore Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def golden(request):
    """Compare a text with the file of that name in tests/golden/, or write it there."""

    def compare(name, text):
        path = GOLDEN / f"{name}.txt"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
            return
        if not path.exists():
            pytest.fail(f"{path} is missing; write it with --update-golden, and read it", pytrace=False)
        expected = path.read_text(encoding="utf-8").removesuffix("\n")
        if text != expected:
            changes = difflib.unified_diff(expected.splitlines(), text.splitlines(), str(path), "now", lineterm="")
            pytest.fail("\n".join([*changes, "", "if that is better: --update-golden"]), pytrace=False)

    return compare


class Fixed:
    """Takes the steps in the orders given, one order for each execution: reports must not hang on a random number."""

    name = "fixed"

    def __init__(self, orders):
        self._orders = [order.split() for order in orders]

    def begin(self, execution):
        self._order = self._orders.pop(0) if self._orders else []
        return True

    def choose(self, enabled, current):
        from lab.strategies.replay import stay

        if not self._order:
            return stay(enabled, current)
        for actor in enabled:
            if self._order[0] in (actor.name, str(actor.index)):  # a thread that the program starts has only a number
                if actor.begun:  # else it has yet to come to its first decision
                    self._order.pop(0)
                return actor
        return stay(enabled, current)

    def end(self, decisions):
        pass


@pytest.fixture
def explored(monkeypatch):
    """Explore under the given orders of steps; the title is as for a test."""
    import lab.deciding
    import lab.realizing
    import lab.shrink  # here, as the tests of the plugin must be able to run without the engine
    from lab.strategies import STRATEGIES

    def explore(name, *arguments, orders=(), **options):
        monkeypatch.setitem(STRATEGIES, "fixed", lambda seed, counts: Fixed(orders))
        for module in (lab.deciding, lab.realizing, lab.shrink):
            monkeypatch.setattr(module, "SECONDS", 60.0)  # a busy machine must not change a report
        title = f"tests/test_{name}.py::test_{name}"
        return lab.explore(*arguments, strategy="fixed", title=title, **{"schedules": 2, **options})

    return explore


@pytest.fixture(scope="session")
def whole_lab():
    """Import all of the lab: what is first imported by a run inside this one pytester forgets again."""
    import lab

    for module in pkgutil.walk_packages(lab.__path__, "lab."):
        importlib.import_module(module.name)


@pytest.fixture
def quiet_environment(pytester, monkeypatch, whole_lab):
    for name in ("PY_COLORS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")  # which loads for a second
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def project(pytester):
    """A project whose scenario is written with ``project(source)``; gives pytester."""
    pytester.makeini("[pytest]\n")

    def write(source=plugin_sources.SCENARIO, file=plugin_sources.FILE):
        path = pytester.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return pytester

    return write
