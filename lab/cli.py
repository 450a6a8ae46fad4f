"""The command line: arguments only."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from lab import keeping
from lab.errors import LabError
from lab.files import FOLDER

if TYPE_CHECKING:
    from lab.witness import Witness


class _Refused(click.ClickException):
    """The lab's own errors exit like click's usage errors; 1 is kept for what was found."""

    exit_code = 2


class _OneLine(click.Group):
    """Shows the lab's own errors as one line instead of a traceback, and knows nearly right commands."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise _Refused(str(error)) from None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        close = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
        if close and close[0] != args[0]:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]}?")
        return super().resolve_command(ctx, args)


def _folder(value: str | None) -> Path:
    if value is not None:
        return Path(value)
    for place in (Path.cwd(), *Path.cwd().parents):
        if (place / FOLDER).is_dir():
            return place / FOLDER
    return Path(FOLDER)


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)


_SCENARIOS = click.option("--scenarios", metavar="DIR", help="The folder that holds the scenarios.")


@click.group(cls=_OneLine)
@click.version_option(package_name="race-lab", prog_name="lab")
def main() -> None:
    """Find, show, replay and hammer race conditions in plain Python."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


@main.command("list")
@click.option("--markdown", is_flag=True, help="Print the page that stands in scenarios/README.md.")
@_SCENARIOS
def list_scenarios(scenarios: str | None, markdown: bool) -> None:
    """Show every scenario of the catalogue."""
    from lab.catalogue import entries, readable
    from lab.report.console import scenario_table
    from lab.report.markdown import catalogue_page

    if markdown:
        click.echo(catalogue_page(entries(_folder(scenarios))), nl=False)
        return
    console = Console(highlight=False)
    found, broken = readable(_folder(scenarios))
    if found or not broken:
        console.print(scenario_table(found, console.width))
    if broken:  # the last one as every error is told, after those before it
        for error in broken[:-1]:
            click.echo(f"Error: {error}", err=True)
        raise broken[-1]


@main.command()
@click.argument("name")
@_SCENARIOS
def show(name: str, scenarios: str | None) -> None:
    """Tell the story of one scenario and show its code."""
    from lab.catalogue import find
    from lab.report.console import scenario_page

    console = Console(highlight=False)
    for part in scenario_page(find(_folder(scenarios), name)):
        console.print(part)


def _exploring(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--strategy", metavar="NAME", help="Who steps next: auto, dpor, surw, pos, pct or random."),
        click.option("--carrier", metavar="NAME", help="What actors run on: auto, greenlet or thread."),
        click.option("--schedules", metavar="N", help="How many schedules to run."),
        click.option("--seconds", metavar="S", help="How long to explore."),
        click.option("--seed", metavar="N", help="The same seed gives the same schedules."),
    ):
        function = option(function)
    return function


@main.command()
@click.argument("name")
@click.option("--variant", metavar="NAME", help="Only this variant, such as unsafe or fixed.")
@click.option("--show", type=click.Choice(["pass"]), help="Show one execution that passes, and do no more.")
@click.option("--hammer/--no-hammer", default=True, help="Also run the variant for real.")
@_exploring
@_SCENARIOS
def run(
    name: str, variant: str | None, show: str | None, hammer: bool, scenarios: str | None, **options: str | None
) -> None:
    """Explore and hammer one scenario, and show the reports.

    The exit code is 0 if every variant did what the catalogue promises of it, else 1.
    """
    from lab.catalogue import chosen_variants, find, run_explore, run_hammer, show_passing
    from lab.command import decide
    from lab.report.console import styled

    folder = _folder(scenarios)
    root = Path(os.path.abspath(folder)).parent
    session = keeping.Session(root=root, folder=root / keeping.FOLDER)
    decide(session, options, lambda option: f"--{option}")
    entry = find(folder, name)
    console = _console()
    kept = True
    missing = entry.scenario.missing()
    if missing:
        console.print(f"SKIPPED  {entry.name}: {missing}", markup=False)
        return
    keeping.begin(session)
    try:
        for number, one in enumerate(chosen_variants(entry, variant)):
            if number:
                console.print()
            if show:
                console.print(styled(show_passing(entry, one)))
                continue
            result = run_explore(entry, one)
            console.print(styled(result.report))
            kept = kept and result.passed
            if hammer:
                result = run_hammer(entry, one)
                console.print(styled(f"    hammer     {result.line}" if result.passed else f"\n{result.report}"))
                kept = kept and result.passed
    finally:
        keeping.end(session)
    sys.exit(0 if kept else 1)


@main.command()
@click.argument("name")
@click.option("--variant", metavar="NAME", help="Only this variant, such as unsafe or fixed.")
@click.option(
    "--python", "pythons", metavar="PYTHON", multiple=True, help="Another one: a path, a command or a version."
)
@click.option("--alone", is_flag=True, help="On this interpreter only.")
@click.option("--rounds", metavar="N", help="How many rounds each variant is hammered on each interpreter.")
@click.option("--seconds", metavar="S", help="How long; 1 unless given, or --rounds is.")
@click.option("--noise", metavar="P", help="How likely a thread gives way in a noisy round, 0 to 1.")
@click.option("--seed", metavar="N", help="The same seed gives the same noise, but threads never run twice alike.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--html", metavar="FILE", help="Also write a page.")
@click.option("--json", "results", metavar="FILE", help="Also write the figures.")
@_SCENARIOS
def hammer(name: str, scenarios: str | None, **options: Any) -> None:
    """Run one scenario for real on this interpreter and others, and show its rates side by side.

    Others are those that --python names, once for each.  Without it they are all that are found in virtual
    environments of this folder (tox's, too), on PATH and of pyenv, one of each version, with the global interpreter
    lock and without, as long as the lab can be imported there.  The exit code is 0 if every variant kept what the
    catalogue promises, else 1, and 2 if a named interpreter gave no figures.
    """
    from lab.beside import Wanted, hammer_scenario
    from lab.catalogue import find
    from lab.report.console import styled

    folder = _folder(scenarios)
    root = Path(os.path.abspath(folder)).parent
    wanted = Wanted.of(root, **options)
    keeping.begin(session := keeping.Session(root=root))
    try:
        hammered = hammer_scenario(find(folder, name), wanted)
    finally:
        keeping.end(session)
    _console().print(hammered.report if wanted.markdown else styled(hammered.report), markup=False)
    for line in hammered.missed:
        click.echo(line, err=True)
    sys.exit(hammered.code)


@main.command()
@click.argument("file", type=click.Path())
@click.option("--emit-test", "test_file", metavar="FILE", help="Write a pytest test of this schedule instead.")
@click.option("--force", is_flag=True, help="Force it on real OS threads as well, and tell whether it fails alike.")
@click.option("--html", is_flag=True, help="Also write a page to step through it, beside the witness.")
@click.option("--output", metavar="FILE", help="Where --html writes its page instead.")
def replay(file: str, test_file: str | None, force: bool, html: bool, output: str | None) -> None:
    """Run the schedule of a saved witness once more.

    The exit code is 1 if it fails again, 0 if it no longer fails, 2 if it is stale.
    For the witness of a test it is pytest's.
    """
    from lab.catalogue import replay_scenario, scenario_of_witness
    from lab.command import page_file
    from lab.report.console import styled
    from lab.witness import Witness

    witness = Witness.load(file)
    page = page_file(html, output, file)
    base = _base(file)
    if test_file is not None:
        from lab.emitting import emit

        if page is not None:
            raise LabError("--html: nothing is replayed with --emit-test, so there is nothing to show; leave one out")

        click.echo(emit(witness, file, base, Path(test_file)))
        return
    why_not = _why_not_replayed(witness, file, base)
    if why_not:
        if page is not None:
            from lab.report.folder import save_page
            from lab.verdict import Verdict

            click.echo(save_page(Verdict("unknown", f"not replayed: {why_not}", title=file), witness, base, page))
        raise LabError(f"witness {file}: {why_not}")
    session = keeping.Session(root=base, reporting=page is not None)
    keeping.begin(session)
    try:
        found = scenario_of_witness(witness, base)
        if found is not None:
            verdict = replay_scenario(witness, *found, force=force)
            _console().print(styled(str(verdict)))
            if page is not None:
                from lab.report.folder import save_page

                verdict.replay = keeping.replay_command(session.typed(witness.target), keeping.quoted(file))
                click.echo(save_page(verdict, witness, base, page))
            sys.exit(1 if verdict.status == "fails" else 2 if verdict.stale else 0)
    finally:
        keeping.end(session)
    options = ["--lab-replay", file, *(["--lab-force"] if force else [])]
    if page is not None:
        options += ["--lab-page", str(page)]
    command = [sys.executable, "-m", "pytest", "-q", *options, session.typed(witness.target)]
    sys.exit(subprocess.run(command, check=False).returncode)


def _why_not_replayed(witness: Witness, file: str, base: Path) -> str:
    """Why a witness cannot be replayed from the command line, if so."""
    test = witness.target.partition("::")[0]
    if not test.endswith(".py") or not (base / test).resolve().is_relative_to(base):
        return f"does not say what was run; call lab.replay(lab.Witness.load({file!r}), setup, actors)"
    if not (base / test).is_file():
        return f"was recorded for {witness.target}, and there is no {base / test}"
    return ""


def _base(file: str) -> Path:
    """What targets count from: the folder above .lab, else the current one."""
    folder = Path(file).resolve().parent
    return folder.parent if folder.name == keeping.FOLDER else Path.cwd().resolve()


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_SCENARIOS
def site(folder: Path, scenarios: str | None) -> None:
    """Build the catalogue as a site in DIR, with the evil-scheduler game; open DIR/index.html.

    What has not changed since the last time is kept.  The exit code is 2 if a scenario is broken; the others are built.
    """
    from lab.site.building import build

    built = build(folder, _folder(scenarios), lambda told: click.echo(told, err=True))
    pages = f"{built.written} {'page' if built.written == 1 else 'pages'} written, {built.removed} removed"
    known = built.scenarios - built.gathered
    scenarios_told = f"{built.scenarios} {'scenario' if built.scenarios == 1 else 'scenarios'}, {known} kept as known"
    click.echo(f"{folder / 'index.html'}: {scenarios_told}; {pages}")
    for line in built.broken:
        click.echo(f"Error: {line}", err=True)
    sys.exit(2 if built.broken else 0)


@main.command()
def doctor() -> None:
    """Tell what this interpreter and this version of the lab can do."""
    from lab.report.console import doctor_page

    console = Console(highlight=False)
    for part in doctor_page():
        console.print(part)


@main.command()
@click.option("--seconds", type=float, default=0.15, help="How long the job that computes takes in one go.")
@click.option("--plot", "file", metavar="FILE", help="Draw the speed-ups, too; needs matplotlib.")
def compare(seconds: float, file: str | None) -> None:
    """Measure threads, tasks and processes on this machine, and tell when to take which."""
    from lab.comparing import compare as measure
    from lab.program import positive
    from lab.report.comparison import comparison, plot

    positive(seconds, "--seconds", whole=False)
    console = Console(highlight=False)
    models = measure(seconds=seconds)
    for part in comparison(models):
        console.print(part)
    if file is not None:
        plot(models, file)


@main.command()
@click.argument("subject", required=False)
@click.option("--kind", metavar="KIND", help="Only this kind of exercise: spot, break, review or fix.")
@click.option(
    "--setup", metavar="NAME", default="", help="Of a module that is no scenario: what makes the shared state."
)
@click.option("--actor", "actors", metavar="NAME", multiple=True, help="A function of the state; once for each actor.")
@click.option("--check", metavar="NAME", default="", help="A function of the state that judges it at the end.")
@click.option("--test", metavar="NAME", default="", help="A test of the module, run twice at once.")
@click.option("--patch", metavar="FILE", help="Grade the code in this file, and do no more.")
@click.option("--exam", metavar="N", type=int, help="So many questions, the same for all who give the same --seed.")
@click.option("--seed", metavar="N", type=int, help="The same seed gives the same choices.")
@click.option("--result", metavar="FILE", default="exam.json", help="Where the result of an exam is written.")
@click.option("--instructor", is_flag=True, help="Show the answers, too.")
@click.option("--web", is_flag=True, help="In a browser on this machine; needs race-lab[web].")
@click.option("--port", metavar="N", type=int, default=0, help="For --web; any that is free unless given.")
@click.option("--data", metavar="DIR", help="Where progress is kept; else in LAB_DATA or the user's own folder.")
@_SCENARIOS
def review(
    subject: str | None,
    actors: tuple[str, ...],
    patch: str | None,
    exam: int | None,
    result: str,
    instructor: bool,
    web: bool,
    port: int,
    scenarios: str | None,
    **options: Any,
) -> None:
    """Train to review code for races, on a scenario, a Python file or all of the catalogue.

    With --patch the exit code is 1 if the code is not right.
    """
    from lab.training.dialogue import Dialogue
    from lab.training.opening import Wanted, examine, go_together, serve, serve_exam, train

    go_together(exam, patch, instructor, web)
    wanted = Wanted(subject, _folder(scenarios), actors=actors, **options)

    def opened(address: str) -> None:
        click.echo(f"Open {address}\nCtrl-C ends it.")

    if exam is not None and web:
        serve_exam(wanted, Dialogue(), exam, Path(result), port, opened)
        return
    if exam is not None:
        examine(wanted, Dialogue(), exam, Path(result))
        return
    if web:
        serve(wanted, port, instructor, opened)
        return
    all_right = train(wanted, Dialogue(), Path(patch) if patch is not None else None, instructor)
    sys.exit(1 if patch is not None and not all_right else 0)
