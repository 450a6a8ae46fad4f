"""The command line: arguments only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from lab import keeping
from lab.errors import LabError
from lab.files import FOLDER


class _OneLine(click.Group):
    """Shows the lab's own errors as one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise click.ClickException(str(error)) from None


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
@_SCENARIOS
def list_scenarios(scenarios: str | None) -> None:
    """Show every scenario of the catalogue."""
    from lab.catalogue import entries
    from lab.report.console import scenario_table

    console = Console(highlight=False)
    console.print(scenario_table(entries(_folder(scenarios)), console.width))


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
        click.option("--strategy", metavar="NAME", help="Who steps next: auto, random or pct."),
        click.option("--schedules", type=int, metavar="N", help="How many schedules to run."),
        click.option("--seconds", type=float, metavar="S", help="How long to explore."),
        click.option("--seed", type=int, metavar="N", help="The same seed gives the same schedules."),
    ):
        function = option(function)
    return function


@main.command()
@click.argument("name")
@click.option("--variant", metavar="NAME", help="Only this variant, such as unsafe or fixed.")
@click.option("--hammer/--no-hammer", default=True, help="Also run the variant for real.")
@_exploring
@_SCENARIOS
def run(name: str, variant: str | None, hammer: bool, scenarios: str | None, **options: Any) -> None:
    """Explore and hammer one scenario, and show the reports."""
    from lab.catalogue import chosen_variants, find, run_explore, run_hammer
    from lab.command import check_session
    from lab.report.console import styled

    session = keeping.Session(folder=Path.cwd() / ".lab", **options)
    check_session(session, None)
    entry = find(_folder(scenarios), name)
    console = _console()
    kept = True
    keeping.begin(session)
    try:
        for one in chosen_variants(entry, variant):
            result = run_explore(entry, one)
            console.print(styled(result.report))
            kept = kept and result.passed
            if hammer:
                result = run_hammer(entry, one)
                console.print(styled(f"    hammer     {result.line}"))
                kept = kept and result.passed
            console.print()
    finally:
        keeping.end(session)
    sys.exit(0 if kept else 1)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False))
def replay(file: str) -> None:
    """Run the schedule of a saved witness once more.

    The exit code is 1 if it fails again, 0 if it no longer fails, 2 if it is stale.
    """
    from lab.catalogue import replay_scenario, scenario_of_witness
    from lab.report.console import styled
    from lab.witness import Witness

    witness = Witness.load(file)
    found = scenario_of_witness(witness)
    if found is None:
        target = witness.target
        if not target or target.startswith("-"):
            raise LabError(
                f"witness {file}: does not say what was run; call lab.replay(lab.Witness.load({file!r}), setup, actors)"
            )
        command = [sys.executable, "-m", "pytest", "-q", "--lab-replay", file, target]
        sys.exit(subprocess.run(command, check=False).returncode)
    verdict = replay_scenario(witness, *found)
    _console().print(styled(str(verdict)))
    sys.exit(1 if verdict.status == "fails" else 2 if verdict.reason.startswith("stale") else 0)


@main.command()
def doctor() -> None:
    """Tell what this interpreter and this version of the lab can do."""
    from lab.report.console import doctor_page

    console = Console(highlight=False)
    for part in doctor_page():
        console.print(part)
