"""The pytest plugin: hooks only.  The engine is imported when the first scenario runs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import keeping
from lab.files import is_scenario_file

if TYPE_CHECKING:
    from lab.catalogue import Entry
    from lab.scenario import Variant
    from lab.verdict import Verdict

_OPTIONS = (
    ("strategy", "NAME", "who steps next: auto, dpor, surw, pos, pct or random"),
    ("carrier", "NAME", "what actors run on: auto, greenlet or thread"),
    ("schedules", "N", "how many schedules each exploration may run"),
    ("seconds", "S", "how long each exploration may take"),
    ("seed", "N", "the same seed gives the same schedules"),
    ("replay", "WITNESS", "replay this saved witness instead of exploring"),
    ("interleave", "N", "run each ordinary test as N copies at once, which share its fixtures"),
    ("report", "DIR", "write reports to this folder: text, pages, SARIF and traces"),
)
_SESSION = pytest.StashKey[keeping.Session]()
_REPORTS = pytest.StashKey[Path]()
_LINE, _REPLAY, _COPIES = "race-lab", "race-lab replay", "race-lab copies"
"""User properties, because those travel from xdist's workers."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lab", "race-lab: schedules that it chooses")
    for name, metavar, text in _OPTIONS:
        group.addoption(f"--lab-{name}", metavar=metavar, default=None, help=text)
        parser.addini(f"lab_{name}", text, default=None)
    group.addoption("--lab-force", action="store_true", help="with --lab-replay: on real threads as well")
    group.addoption("--lab-page", metavar="FILE", help="with --lab-replay: write a page of it")


def pytest_configure(config: pytest.Config) -> None:
    session = keeping.Session(config.rootpath, config.invocation_params.dir, config.rootpath / keeping.FOLDER)
    given = {name: _given(config, name) for name, _, _ in _OPTIONS}
    if any(text is not None for text in given.values()):
        from lab.command import decide, report_folder

        try:
            decide(session, given, lambda name: _where(config, name))
            if given["report"] is not None:
                base = session.root if config.getoption("--lab-report") is None else session.home
                config.stash[_REPORTS] = report_folder(given["report"], base, _where(config, "report"))
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
    session.force = config.getoption("--lab-force")
    if session.force and session.replay is None:
        raise pytest.UsageError("--lab-force: there is nothing to force; give --lab-replay WITNESS as well")
    page = config.getoption("--lab-page")
    if page is not None and session.replay is None:
        raise pytest.UsageError(f"--lab-page {page}: there is nothing to show; give --lab-replay WITNESS as well")
    session.reporting = page is not None or _REPORTS in config.stash
    if session.reporting and not hasattr(config, "workerinput"):
        reports = _Reports(config.stash.get(_REPORTS, None), Path(page) if page is not None else None, session.home)
        config.pluginmanager.register(reports, "race-lab reports")
    config.stash[_SESSION] = session
    keeping.begin(session)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Reports are as wide as the terminal; a file or a pipe has no width."""
    config = session.config
    if config.pluginmanager.has_plugin("terminalreporter"):
        writer = config.get_terminal_writer()
        if writer.hasmarkup:
            config.stash[_SESSION].width = writer.fullwidth


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(_SESSION, None)
    if session is not None:
        keeping.end(session)


def _given(config: pytest.Config, name: str) -> str | None:
    value: str | None = config.getoption(f"--lab-{name}")
    return value if value is not None else config.getini(f"lab_{name}") or None


def _where(config: pytest.Config, name: str) -> str:
    option, key = f"--lab-{name}", f"lab_{name}"
    if config.getoption(option) is not None:
        return option
    overridden = any(text.startswith(f"{key}=") for text in config.getoption("override_ini") or ())
    return f"-o {key}" if overridden else f"{config.inipath}: {key}"


# ------------------------------------------------------------------ collection


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if is_scenario_file(file_path, parent.config.rootpath):
        collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
        return collector
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """A scenario file named on the command line is no module of tests, unless it is called so (``python_files``)."""
    called_so = any(module_path.match(pattern) for pattern in parent.config.getini("python_files"))
    if not called_so and is_scenario_file(module_path, parent.config.rootpath):
        module: pytest.Module = _NoTests.from_parent(parent, path=module_path)
        return module
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A replay concerns the test that its witness was recorded for."""
    session = config.stash[_SESSION]
    if session.replay is None or not items:
        return
    from lab.command import belonging, misses

    kept = belonging([getattr(item, "target", item.nodeid) for item in items], session)
    if not any(kept) and not hasattr(config, "workerinput"):  # xdist's workers cannot say it; their master does
        raise pytest.UsageError(misses(session, _given(config, "replay") or ""))
    config.hook.pytest_deselected(items=[item for item, keep in zip(items, kept, strict=True) if not keep])
    items[:] = [item for item, keep in zip(items, kept, strict=True) if keep]


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
        session = self.config.stash[_SESSION]
        for variant in entry.scenario.every_variant():
            for method in ("explore", "hammer") if session.replay is None else ("explore",):
                item: ScenarioItem = ScenarioItem.from_parent(self, name=f"{variant.name}[{method}]")
                item.entry, item.variant, item.method = entry, variant, method
                item.target = session.target_of(self.path, variant.name)
                yield item


class ScenarioFailed(Exception):
    """An item did not keep its promise."""


class ScenarioItem(pytest.Item):
    """One variant, explored or hammered."""

    entry: Entry
    variant: Variant
    method: str
    target: str

    def runtest(self) -> None:
        from lab.catalogue import run_explore, run_hammer

        missing = self.entry.scenario.missing()
        if missing:
            pytest.skip(missing)
        result = (run_explore if self.method == "explore" else run_hammer)(self.entry, self.variant)
        self.user_properties.append((_LINE, result.line))
        if self.method == "hammer":
            keeping.keep(result.verdict)
        folder = self.config.stash.get(_REPORTS, None)
        if folder is not None:
            name = f"{self.entry.family}-{self.entry.name}-{self.variant.name}-{self.method}.txt"
            (folder / name).write_text(result.report + "\n", encoding="utf-8")
        if not result.passed:
            raise ScenarioFailed(result.report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from lab.errors import LabError

        error, lines = excinfo.value, excinfo.traceback
        if isinstance(error, ScenarioFailed):
            return str(error)
        if isinstance(error, LabError) and error.__cause__ is None:  # a mistake in the scenario, told whole in one line
            return f"{self.path.name}: {self.variant.name}: {error}"
        own = lines.cut(path=self.path)  # what the scenario raised, in its own lines
        lines = own if len(own) < len(lines) else lines.cut(path=__file__)
        return excinfo.getrepr(style="short", tbfilter=lambda _: lines)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


# ------------------------------------------------------------------ ordinary tests, interleaved


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    copies = pyfuncitem.config.stash[_SESSION].interleave
    if copies is None:
        return None
    pyfuncitem.user_properties.append((_COPIES, str(copies)))
    _interleave(pyfuncitem.obj, pyfuncitem.funcargs, copies)
    return True


def _interleave(function: Any, fixtures: Mapping[str, Any], copies: int) -> None:
    from unittest import SkipTest

    from lab.errors import LabError
    from lab.interleave import interleave

    outcomes = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception, SkipTest)
    report = ""
    try:
        interleave(function, fixtures, copies, outcomes).assert_no_failure()
    except (AssertionError, LabError) as error:
        report = str(error)
    if report:
        pytest.fail(report, pytrace=False)


# ------------------------------------------------------------------ replays


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.config.stash[_SESSION].calls = 0
    item.config.stash[_SESSION].kept.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test for which the witness is stale has not replayed it; to pass would be taken for a repair."""
    copies = item.config.stash[_SESSION].interleave
    if copies is not None and isinstance(item, pytest.Function) and hasattr(item.instance, "assertEqual"):
        item.user_properties.append((_COPIES, str(copies)))
        item.obj = partial(_interleave, item.obj, {}, copies)  # unittest calls it by itself, between setUp and tearDown
    result = yield
    replayed = item.config.stash[_SESSION].replayed
    if replayed and all(verdict.stale for verdict in replayed):
        pytest.fail(f"the witness is stale, so its replay tells nothing\n\n{replayed[0]}", pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hand on what became of the replays that the test made."""
    report = yield
    session = item.config.stash[_SESSION]
    answers = [verdict for verdict in session.replayed if not verdict.stale] or session.replayed
    report.user_properties += [(_REPLAY, str(verdict)) for verdict in answers]
    if session.reporting and report.when == "call":
        _report(item, report, [*session.kept, *(one for one in answers if not any(one is k for k in session.kept))])
    session.replayed.clear()
    session.kept.clear()
    return report


# ------------------------------------------------------------------ the folder of reports


def _report(item: pytest.Item, report: Any, verdicts: list[Verdict]) -> None:
    """Put down what a test came to: in its properties, and with its report, which travels from xdist's workers."""
    from lab.report.folder import properties_of, records_of

    session = item.config.stash[_SESSION]
    try:
        item.user_properties += properties_of(verdicts)  # told with the report of its teardown
        report.race_lab = records_of(verdicts, session.root, report.passed, session.replay)
    except Exception:  # a page is not worth the run
        from traceback import format_exc

        report.sections.append(("race-lab: no page could be made", format_exc()))


class _Reports:
    """Collects what tests came to, where the run is controlled, and writes it where the run ends."""

    def __init__(self, folder: Path | None, page: Path | None, home: Path) -> None:
        self._folder = folder
        self._page = page  # as it was typed at home
        self._home = home
        self._reports: list[Any] = []
        self._told: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        if getattr(report, "race_lab", None):
            self._reports.append(report)

    def pytest_sessionfinish(self) -> None:
        from lab.report.folder import INDEX, Item, write, write_page

        items = [Item(one.nodeid, one.passed, one.race_lab) for one in self._reports]
        try:
            if self._folder is not None:
                write(self._folder, items)
                index = self._folder / INDEX
                shown = index.relative_to(self._home) if index.is_relative_to(self._home) else index
                self._told.append(f"lab: reports in {shown}")
            if self._page is not None:
                written = write_page(self._home / self._page, items)
                self._told.append(f"wrote {self._page}" if written else f"lab: {self._page}: nothing was replayed")
        except OSError as error:
            self._told.append(f"lab: not written: {error.filename or self._folder} ({error.strerror})")

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in self._told:
            terminalreporter.write_line(line)


# ------------------------------------------------------------------ what the terminal shows


def pytest_report_teststatus(report: Any) -> Any:
    line = dict(getattr(report, "user_properties", ())).get(_LINE)
    if line and report.when == "call" and report.passed:
        return "passed", ".", (f"PASSED  {line}", {"green": True})
    return None


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    session = config.stash[_SESSION]
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    if config.getoption("collectonly"):
        return
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        for line in session.interrupted:
            terminalreporter.write_line(f"lab: {line}")
    if session.replay is not None:
        from lab.report.summary import replays

        told = {getattr(report, "nodeid", "") for report in reports if getattr(report, "failed", False)}
        results = [(report.nodeid in told, text) for report in reports for text in _properties(report, _REPLAY)]
        lines = replays(results, session.typed(session.replay.target), _given(config, "replay") or "")
    elif session.interleave is not None:
        from lab.report.summary import interleaved

        called = [report for report in reports if getattr(report, "when", "") == "call"]
        copied = {report.nodeid for report in called if any(_properties(report, _COPIES))}
        lines = interleaved(session.interleave, len(copied), [one.nodeid for one in called if one.nodeid not in copied])
    elif config.get_verbosity() == 0:  # with -v each line has been shown, with -q none is wanted
        from lab.report.summary import summary

        calls = [report for report in reports if getattr(report, "when", "") == "call"]
        lines = summary((report.nodeid, line) for report in calls for line in _properties(report, _LINE))
    else:
        return
    if lines:
        terminalreporter.write_sep("=", "race-lab" if session.replay is None else "race-lab replay")
        for line in lines:
            terminalreporter.write_line(line)


def _properties(report: Any, wanted: str) -> list[str]:
    return [value for name, value in getattr(report, "user_properties", ()) if name == wanted]
