"""The pytest plugin: hooks only.  The engine is imported when the first scenario runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import keeping

if TYPE_CHECKING:
    from lab.catalogue import Entry, Result
    from lab.scenario import Variant

_OPTIONS: tuple[tuple[str, Any, str, str], ...] = (
    ("strategy", str, "NAME", "who steps next: auto, random or pct"),
    ("schedules", int, "N", "how many schedules each exploration may run"),
    ("seconds", float, "S", "how long each exploration may take"),
    ("seed", int, "N", "the same seed gives the same schedules"),
    ("replay", str, "WITNESS", "replay this saved witness instead of exploring"),
    ("report", str, "DIR", "write the report of every scenario item to this folder"),
)
_SESSION = pytest.StashKey[keeping.Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lab", "race-lab: schedules that it chooses")
    for name, kind, metavar, text in _OPTIONS:
        group.addoption(f"--lab-{name}", type=kind, metavar=metavar, default=None, help=text)
        parser.addini(f"lab_{name}", text, default=None)


def pytest_configure(config: pytest.Config) -> None:
    values = {name: _option(config, name, kind) for name, kind, _, _ in _OPTIONS}
    session = keeping.Session(folder=config.rootpath / ".lab")
    session.strategy, session.schedules = values["strategy"], values["schedules"]
    session.seconds, session.seed = values["seconds"], values["seed"]
    if any(value is not None for value in values.values()):
        from lab.command import check_session

        try:
            session.replay = check_session(session, values["replay"])
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
    config.stash[_SESSION] = session
    keeping.begin(session)


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(_SESSION, None)
    if session is not None:
        keeping.end(session)


def _option(config: pytest.Config, name: str, kind: Any) -> Any:
    value = config.getoption(f"--lab-{name}")
    if value is not None:
        return value
    text = config.getini(f"lab_{name}")
    if text is None or text == "":
        return None
    try:
        return kind(text)
    except ValueError:
        raise pytest.UsageError(f"lab_{name} = {text}: not {kind.__name__}; mend it in {config.inipath}") from None


# ------------------------------------------------------------------ collection


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    from lab.files import is_scenario_file

    if is_scenario_file(file_path, parent.config.rootpath):
        collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
        return collector
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """A scenario file named on the command line is no module of tests."""
    from lab.files import is_scenario_file

    if is_scenario_file(module_path, parent.config.rootpath):
        module: pytest.Module = _NoTests.from_parent(parent, path=module_path)
        return module
    return None


class _NoTests(pytest.Module):
    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return []


class ScenarioFile(pytest.File):
    """One scenario: two items for each variant."""

    def collect(self) -> Iterator[pytest.Item]:
        from lab.catalogue import load
        from lab.errors import LabError

        try:
            entry = load(self.path)
        except LabError as error:
            raise self.CollectError(str(error)) from None
        for variant in entry.scenario.every_variant():
            for method in ("explore", "hammer"):
                if method == "hammer" and self.config.getoption("--lab-replay"):
                    continue
                item: ScenarioItem = ScenarioItem.from_parent(self, name=f"{variant.name}[{method}]")
                item.entry, item.variant, item.method = entry, variant, method
                yield item


class ScenarioFailed(Exception):
    """Carries the report of an item that did not keep its promise."""


class ScenarioItem(pytest.Item):
    """One variant, explored or hammered."""

    entry: Entry
    variant: Variant
    method: str

    def runtest(self) -> None:
        from lab.catalogue import run_explore, run_hammer

        result = (run_explore if self.method == "explore" else run_hammer)(self.entry, self.variant)
        self.user_properties.append(("race-lab", result.line))
        if self.config.getoption("--lab-replay"):
            self.user_properties.append(("race-lab replay", result.report))
        self._write_report(result)
        if not result.passed:
            raise ScenarioFailed(result.report)

    def _write_report(self, result: Result) -> None:
        folder = self.config.getoption("--lab-report") or self.config.getini("lab_report")
        if folder:
            path = Path(folder) / f"{self.entry.family}-{self.entry.name}-{self.variant.name}-{self.method}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(result.report + "\n", encoding="utf-8")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


# ------------------------------------------------------------------ what the terminal shows


def pytest_report_teststatus(report: Any) -> Any:
    line = dict(getattr(report, "user_properties", ())).get("race-lab")
    if line and report.when == "call" and report.passed:
        return "passed", ".", (f"PASSED  {line}", {"green": True})
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    rows = []
    replays = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            properties = dict(getattr(report, "user_properties", ()))
            if "race-lab" in properties and getattr(report, "when", "") == "call":
                rows.append((report.nodeid, properties["race-lab"]))
            if "race-lab replay" in properties and getattr(report, "when", "") == "call":
                replays.append(properties["race-lab replay"])
    if rows and not replays:
        from lab.report.summary import summary

        terminalreporter.section("race-lab")
        for line in summary(rows):
            terminalreporter.write_line(line)
    for text in replays:
        terminalreporter.section("race-lab replay")
        terminalreporter.write_line(text)
