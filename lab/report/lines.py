"""Verdicts, figures and values in one line each."""

from __future__ import annotations

import math
import re

from lab.detectors.realizable import HERE, STOCK, WITH_LOCK
from lab.report.labels import Labels
from lab.verdict import Verdict
from lab.witness import Witness, build_name

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_WIDEST_VALUE = 40


def one_line(verdict: Verdict) -> str:
    """The verdict as it stands behind a passed test."""
    if verdict.method == "hammer":
        return hammer_line(verdict)
    if verdict.method == "replay":
        return clip(printable(verdict.reason), 110)
    if verdict.status == "fails" and verdict.failure is not None:
        what = verdict.failure.message.partition(" (allowed: ")[0]
        what = printable(Labels([what]).told(without_addresses(what)))
        what = what if verdict.failure.kind in ("outcome", "exception") else f"{verdict.failure.kind}: {what}"
        if verdict.witness is None:
            return f"fails: {clip(what, 76)}"
        return f"fails: {clip(what, 76)}, by schedule {verdict.witness.found:,} with {switches(verdict)}"
    return f"{verdict.status}: {clip(printable(verdict.reason), 110)}, {duration(verdict.seconds)}"


_NOT_DRAWN = ("dpor", "all", "profile run")  # strategies without chance


def found_line(verdict: Verdict) -> str:
    """How the failure was found."""
    witness = verdict.witness
    if witness is None:
        return f"schedule {verdict.schedules:,}; {duration(verdict.seconds)}"
    drawn = "" if witness.strategy in _NOT_DRAWN else f", seed {witness.seed}"
    schedule = f"schedule {witness.found:,}, {witness.strategy}{drawn}"
    return f"{schedule}; {_shrunk(verdict) or switches(verdict)}; {duration(verdict.seconds)}"


def _shrunk(verdict: Verdict) -> str:
    """What shrinking did, if it did anything."""
    witness, shrunk = verdict.witness, verdict.shrunk
    if witness is None or shrunk is None:
        return ""
    now = witness.trace
    if shrunk.instead:
        took = _counted(shrunk.instead, "execution")
        return f"in {took} more another one, with {switches(verdict)}, that can happen here"
    took = f"in {_counted(shrunk.executions, 'execution')}"
    if now.switches != shrunk.switches:
        return f"shrunk from {_counted(shrunk.switches, 'switch')} to {now.switches:,} {took}"
    return f"{switches(verdict)}; shrunk from {_counted(shrunk.steps, 'step')} to {len(now.steps):,} {took}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}{'es' if what.endswith('h') else 's'}"


def called(witness: Witness) -> str:
    """Which of several explorations recorded the witness."""
    place = f", {witness.called}" if witness.called else ""
    return f"exploration {witness.call:,} of this target{place}"


def rounds_line(witness: Witness) -> str:
    """Which steps come again and again, of a witness in which some do."""
    last = len(witness.trace.steps)
    first = last - witness.repeats + 1
    rounds = f"Step {last} is" if first == last else f"Steps {first} {'and' if last == first + 1 else 'to'} {last} are"
    return f"{rounds} taken again and again"


def switches(verdict: Verdict) -> str:
    """How many switches the witness has."""
    count = verdict.witness.trace.switches if verdict.witness is not None else 0
    return f"{count} {'switch' if count == 1 else 'switches'}"


def hammer_line(verdict: Verdict) -> str:
    """The rate with its interval, and how often the actors really overlapped."""
    low, high = (percent(share) for share in verdict.rate_interval)
    failed = round(verdict.rate * verdict.schedules)
    rounds = f"{failed:,} of {verdict.schedules:,} {'round' if verdict.schedules == 1 else 'rounds'} failed"
    overlap = f"actors overlapped in {percent(verdict.overlap)}"
    if not failed:
        return f"{rounds} (rate below {high} with 95 % confidence); {overlap}"
    return f"{rounds}: {percent(verdict.rate)} ({low} to {high}); {overlap}"


def here_line(verdict: Verdict) -> str:
    """Whether the witness can happen on the build that runs, and on which else; of tasks, on the stock loop."""
    stock = verdict.realizable.get(STOCK)
    if stock is not None:
        return f"on the stock loop: {stock.status}, {stock.reason}"
    here, locked = verdict.realizable[HERE], verdict.realizable[WITH_LOCK]
    if here.status == "yes" and locked.status == "yes":
        return "can happen on this build"
    if build_name() != "gil":
        return f"can happen on this free-threaded build; on a GIL build of this version: {locked}"
    if here.every:
        return f"no schedule can fail so on this GIL build: {here.reason}; free-threaded: yes"
    what = "cannot happen on" if here.status == "no" else "not known for"
    return f"{what} this GIL build: {here.reason}; can on free-threaded builds"


def shown_value(value: object) -> str:
    """The value's repr in one line, without memory addresses, which differ in every run."""
    try:
        text = repr(value)
    except BaseException:  # whatever the program raises there
        text = f"<{type(value).__qualname__}>"
    return clip(" ".join(line.strip() for line in without_addresses(text).splitlines()), _WIDEST_VALUE)


def without_addresses(text: str) -> str:
    """``text`` without the memory addresses of default reprs, which differ in every run."""
    return _ADDRESS.sub("", text)


def percent(share: float) -> str:
    """A share with two digits."""
    figure = 100 * share
    if figure >= 10 or figure == 0:
        return f"{figure:.0f} %"
    digits = 1 - math.floor(math.log10(figure))
    return f"{figure:.{digits}f}".rstrip("0").rstrip(".") + " %"


def duration(seconds: float) -> str:
    """Seconds, or milliseconds below one second."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(1, round(seconds * 1000))} ms"


def printable(text: str) -> str:
    """``text`` without anything that could steer the terminal or break the line."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def clip(text: str, most: int) -> str:
    """``text`` in at most that many characters."""
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."
