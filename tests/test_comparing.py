"""`lab compare`: what is measured, and what is said of given figures."""

import sys

import pytest
from click.testing import CliRunner

from lab import comparing
from lab.cli import main
from lab.comparing import Model, advice, compare, who_decides
from lab.errors import InvalidValue
from lab.report.comparison import duration, plot


def models(threads=1.0, processes=1.9):
    return [
        Model("threads", "anywhere", 60e-6, 6e-6, 1.0, {1: 0.99, 2: threads}, {1: 1.0, 2: 1.9}),
        Model("tasks", "the task, at an await only", 6e-6, 2e-6, 1.0, {1: 1.0, 2: 1.0}, {1: 1.0, 2: 2.0}),
        Model("processes", "anywhere", 3e-3, 30e-6, 1.9, {1: 0.9, 2: processes}, {1: 0.9, 2: 1.6}),
    ]


def test_what_explorations_show_of_switches():
    assert who_decides() == {
        "threads": "the system, between any two operations",
        "tasks": "the task, at an await only",
        "processes": "the system, between any two operations on files; memory is not shared",
    }


def test_every_figure_is_measured():
    found = compare(workers=(1, 2), seconds=0.01)
    assert [model.name for model in found] == ["threads", "tasks", "processes"]
    for model in found:
        assert list(model.computing) == list(model.waiting) == [1, 2]
        assert min(model.start, model.hand_off, model.processors, *model.computing.values()) > 0
    assert found[1].waiting[2] > 1.2 * found[1].waiting[1]
    assert found[0].start < found[2].start


def test_advice_follows_from_the_figures():
    waits = (
        "What waits: tasks, 2.0 times as fast with 2; one costs 6 us, a thread 60 us (1.9 times as fast), a process 3.0 ms. "
        "The fewest places for a race: tasks, which only an await can interrupt."
    )
    assert advice(models()) == (
        f"What computes: processes, 1.9 times as fast with 2 workers (threads 1.0, tasks 1.0). {waits}"
    )
    assert advice(models(threads=1.9)).startswith("What computes: threads, 1.9 times as fast with 2 workers")
    assert advice(models(processes=1.1)) == (
        f"What computes: one after the other; here nothing makes it faster. {waits}"
    )


def test_a_busy_machine_is_told():
    busy = models()
    for model in busy:
        model.processors = 0.5
    assert advice(busy).startswith("Other work keeps this machine busy, so the figures say little;")


def test_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(comparing, "compare", lambda seconds: models())
    done = CliRunner().invoke(main, ["compare"], env={"COLUMNS": "120"})
    assert done.exit_code == 0
    for line in ("start and end of one", "computing, 2 workers", "1.90 x", "60.0 us", "What computes: processes"):
        assert line in done.output, done.output
    wrong = CliRunner().invoke(main, ["compare", "--seconds", "0"])
    assert wrong.output == "Error: --seconds=0.0: nothing would be run; give a number of seconds above 0\n"


def test_the_plot_says_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InvalidValue) as caught:
        plot(models(), str(tmp_path / "compare.svg"))
    assert str(caught.value) == "--plot: needs matplotlib; pip install 'race-lab[plot]'"


def test_units():
    assert [duration(seconds) for seconds in (2e-6, 1.5e-3, 12.0)] == ["2.0 us", "1.5 ms", "12.0 s"]
