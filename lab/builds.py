"""What hammering came to on several builds of Python: plain values that travel from one interpreter to another."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.errors import InvalidValue
from lab.interpreters import Interpreter
from lab.program import NOTHING
from lab.verdict import Verdict

FORMAT = 1
"""Of the JSON document; another number is another meaning."""


@dataclass(frozen=True)
class Outcome:
    """One outcome, and in how many rounds it was seen."""

    shown: str
    count: int
    forbidden: bool
    description: str


@dataclass(frozen=True)
class Figures:
    """What the rounds of one variant came to on one build."""

    variant: str
    title: str
    status: str
    failed: int
    rounds: int
    interval: tuple[float, float]  # 95 % of the rate
    overlap: float
    by_noise: Mapping[str, tuple[int, int]]  # quiet, noisy -> rounds that failed, rounds
    outcomes: tuple[Outcome, ...]  # the most frequent first
    notes: tuple[str, ...]
    broken: str = ""  # the promise of the catalogue that was not kept


@dataclass(frozen=True)
class Column:
    """One build, and what each variant came to there."""

    interpreter: Interpreter
    lock: bool  # the global interpreter lock was on when the hammering had ended
    figures: tuple[Figures, ...]

    @property
    def kind(self) -> str:
        """With the lock or without; a package may turn it on where it was off."""
        if not self.interpreter.free_threaded:
            return "GIL"
        return "free-threaded, GIL on" if self.lock else "free-threaded"

    @property
    def name(self) -> str:
        """The build in a sentence, such as 3.13.5 free-threaded."""
        return f"{self.interpreter.version} {self.kind}"

    def of(self, variant: str) -> Figures | None:
        """What that variant came to here, if it was hammered here."""
        return next((one for one in self.figures if one.variant == variant), None)


def figures_of(variant: str, verdict: Verdict, broken: str = "") -> Figures:
    """The values of a hammer's verdict; ``broken`` tells the promise that was not kept."""
    failed = sum(one for one, _ in verdict.by_noise.values())
    notes = [note for note in verdict.notes if note.partition(":")[0] not in verdict.by_noise]
    if verdict.reason.partition(" failed")[2] or not verdict.reason.startswith(f"{failed:,} of "):
        notes.insert(0, f"ended: {verdict.reason}")  # not with its budget
    return Figures(
        variant,
        verdict.title,
        verdict.status,
        failed,
        verdict.schedules,
        verdict.rate_interval,
        verdict.overlap,
        dict(verdict.by_noise),
        tuple(_outcomes(verdict)),
        tuple(notes),
        broken,
    )


def _outcomes(verdict: Verdict) -> list[Outcome]:
    """Those of equal text are one, as another interpreter knows only their texts."""
    found: dict[str, Outcome] = {}
    for outcome in dict.fromkeys([*(one for one, _ in verdict.outcomes.most_common()), *verdict.descriptions]):
        if outcome is NOTHING:
            continue
        shown = steady(outcome)
        count = verdict.outcomes[outcome] + (found[shown].count if shown in found else 0)
        wrong = outcome in verdict.forbidden or (verdict.allowed is not None and outcome not in verdict.allowed)
        found[shown] = Outcome(shown, count, wrong, str(verdict.descriptions.get(outcome, "")))
    return list(found.values())


class _Steady(reprlib.Repr):
    """A set is shown in the same order by every interpreter, whose hashes of texts differ."""

    def __init__(self) -> None:
        super().__init__()
        for limit in ("tuple", "list", "array", "dict", "set", "frozenset", "deque", "string", "long", "other"):
            setattr(self, f"max{limit}", 1_000)
        self.maxlevel = 20


def steady(outcome: object) -> str:
    """The text by which outcomes of several interpreters are held against each other."""
    try:
        return _Steady().repr(outcome)
    except BaseException:  # whatever the program raises there
        return f"<{type(outcome).__qualname__}>"


# ------------------------------------------------------------------ from one interpreter to another


def document(columns: Sequence[Column], skipped: str = "") -> dict[str, Any]:
    """What `lab hammer --json` writes; ``skipped`` tells why the scenario cannot run here."""
    return {"format": FORMAT, "skipped": skipped, "builds": [asdict(one) for one in columns]}


def read(told: Any) -> tuple[list[Column], str]:
    """The columns of a document, and why its scenario was skipped; raises InvalidValue where it is none."""
    try:
        if told["format"] != FORMAT:
            raise InvalidValue(f"gives its results in format {told['format']!r}, and this lab reads {FORMAT}")
        return [_read_column(one) for one in told["builds"]], str(told["skipped"])
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue("gives results that cannot be read") from None


def _read_column(told: dict[str, Any]) -> Column:
    return Column(Interpreter(**told["interpreter"]), bool(told["lock"]), tuple(map(_read_figures, told["figures"])))


def _read_figures(told: dict[str, Any]) -> Figures:
    low, high = told["interval"]
    return Figures(
        **{
            **told,
            "interval": (float(low), float(high)),
            "by_noise": {name: (int(failed), int(rounds)) for name, (failed, rounds) in told["by_noise"].items()},
            "outcomes": tuple(Outcome(**one) for one in told["outcomes"]),
            "notes": tuple(map(str, told["notes"])),
        }
    )
