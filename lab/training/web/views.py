"""What the templates draw: an exercise and an answer in plain values."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from lab.errors import LabError
from lab.report.html.code import coloured
from lab.report.html.player import player_of
from lab.training.bug_classes import meaning
from lab.training.hiding import Line
from lab.training.questions import APPROVE, TASKS, Break, Judgement, Question, Review, Spot
from lab.training.repairs import Fix
from lab.witness import Witness


def view(posed: Question, typed: dict[str, list[str]], hints: int, answers: bool, address: str = "") -> dict[str, Any]:
    """An exercise; ``typed`` is what the learner has entered so far, ``hints`` how many they have seen.

    ``address`` names its subject in the addresses of its pages.
    """
    facts = posed.facts
    told = posed.hints()
    shown: dict[str, Any] = {
        "name": posed.subject.name,
        "address": address,
        "kind": posed.kind,
        "seed": posed.seed,
        "task": TASKS[posed.kind],
        "level": facts.level,
        "model": facts.model,
        "actors": facts.actors,
        "wanted": posed.description.wanted,
        "hints": told[:hints],
        "has_more": hints < len(told),
        "seen": hints,
        "answers": posed.solution() if answers else [],
        "lines": lines_view(posed.lines),
        "marked": typed.get("line", []),
        "typed": {name: values[0] for name, values in typed.items() if values},
        "choices": [],
    }
    if isinstance(posed, Spot):
        shown["choices"] = [(name, name, meaning(name)) for name in posed.choices]
    elif isinstance(posed, Review):
        approve = (APPROVE, "Approve", "no order of the steps goes wrong any more")
        rest = [(name, f"Reject: {name}", meaning(name)) for name in posed.choices[1:]]
        shown["choices"] = [approve, *rest]
        shown["diff"] = coloured("\n".join(posed.diff()), "diff")
    elif isinstance(posed, Break):
        shown |= {"passing": facts.passing, "how": posed.how}
    elif isinstance(posed, Fix):
        shown["patch"] = shown["typed"].get("patch", posed.text)
    return shown


def lines_view(lines: list[Line]) -> list[dict[str, Any]]:
    """Coloured; whether each may be marked, and whether lines before it are left out."""
    texts = coloured("\n".join(text for _, text in lines))
    shown: list[dict[str, Any]] = []
    before = None
    for (number, text), markup in zip(lines, texts, strict=True):
        gap = before is not None and number > before + 1
        shown.append({"number": number, "markup": Markup(markup), "blank": not text.strip(), "gap": gap})
        before = number
    return shown


def result_view(judgement: Judgement, posed: Question) -> dict[str, Any]:
    """An answer, and the witness to step through where it says more."""
    player = None
    if judgement.shows_witness:
        variant = posed.claim if isinstance(posed, Review) and posed.claimed.fails else posed.variant
        try:
            player = player_of(Witness.load(posed.studies.witness(posed.subject, variant)))
        except LabError:  # it was removed meanwhile
            player = None
    return {
        "status": "holds" if judgement.is_right else "unknown" if judgement.share else "fails",
        "word": "right" if judgement.is_right else "in part" if judgement.share else "not right",
        "headline": judgement.headline,
        "lines": judgement.lines,
        "report": judgement.report,
        "player": player,
    }
