"""What `lab compare` has measured, as a table for the terminal and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

from lab.comparing import Model, advice, machine
from lab.errors import InvalidValue


def comparison(models: Sequence[Model]) -> Iterator[RenderableType]:
    """The figures, one column a model, and what follows from them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for model in models:
        table.add_column(model.name, max_width=24)
    table.add_row("who decides a switch", *(model.switched for model in models))
    table.add_row("start and end of one", *(duration(model.start) for model in models))
    table.add_row("hand-off to another", *(duration(model.hand_off) for model in models))
    table.add_row("processors used", *(f"{model.processors:.2f}" for model in models))
    for workers in models[0].computing:
        label = f"computing, {workers} worker" + "s" * (workers > 1)
        table.add_row(label, *(f"{model.computing[workers]:.2f} x" for model in models))
    for workers in models[0].waiting:
        label = f"waiting, {workers} worker" + "s" * (workers > 1)
        table.add_row(label, *(f"{model.waiting[workers]:.2f} x" for model in models))
    yield machine()
    yield ""
    yield table
    yield ""
    yield "x is how many times as fast as one part after the other, start and end of the workers included."
    yield Padding(advice(models), (1, 0))


def duration(seconds: float) -> str:
    """With the unit that leaves one to three digits before the point."""
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.1f} {unit}"
    return f"{seconds:.1f} s"


def plot(models: Sequence[Model], file: str) -> None:
    """Draw how much more workers gain; raises InvalidValue where matplotlib is missing or cannot write that file."""
    try:
        import matplotlib  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise InvalidValue("--plot: needs matplotlib; pip install 'race-lab[plot]'") from None
    matplotlib.use("agg")
    from matplotlib import pyplot  # type: ignore[import-not-found, unused-ignore]

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 4))
    for axes, what in zip(panels, ("computing", "waiting"), strict=True):
        _panel(axes, models, what)
    figure.suptitle(machine(), fontsize=10)
    figure.tight_layout()
    try:
        figure.savefig(Path(file))
    except (OSError, ValueError) as error:
        raise InvalidValue(f"--plot {file}: cannot be written ({error}); give a file such as compare.svg") from None
    finally:
        pyplot.close(figure)


def _panel(axes: Any, models: Sequence[Model], what: str) -> None:
    for model in models:
        gains: dict[int, float] = getattr(model, what)
        axes.plot(list(gains), list(gains.values()), marker="o", label=model.name)
    workers = list(getattr(models[0], what))
    axes.plot(workers, workers, "--", color="0.8", zorder=0)
    axes.set_xlabel("workers")
    axes.set_ylabel("times as fast as one after the other")
    axes.set_title(what, fontsize=10)
    axes.legend(fontsize=8)
