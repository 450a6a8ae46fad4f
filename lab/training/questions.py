"""The four kinds of exercise, and how an answer is judged: by what the engine found, and by nothing else."""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lab.errors import InvalidValue, LabError
from lab.training.bug_classes import accepted, choices, meaning
from lab.training.confined import ask, required
from lab.training.hiding import Line, spaced
from lab.training.schedules import parse
from lab.training.studies import Description, Facts, Studies
from lab.training.subject import STANDSTILLS, Subject

KINDS = ("spot", "break", "review", "fix")
"""In the order in which they are learned."""
BUDGET = 10.0
"""Seconds that a patch is explored for."""
_AROUND = 20.0  # seconds more for its process
APPROVE = "approve"
STILL = "wrong outcome"  # a reason to reject where nobody names a better one


@dataclass(frozen=True)
class Judgement:
    """What became of an answer."""

    share: float  # from 0.0, wrong, to 1.0, right
    headline: str
    lines: tuple[str, ...] = ()  # why, a sentence each
    report: str = ""  # a trace or a report, as it is
    shows_witness: bool = False  # the study's own witness says more

    @property
    def is_right(self) -> bool:
        """Whether nothing was missing."""
        return self.share >= 1.0


@dataclass
class Question:
    """An exercise about one subject; ``seed`` draws what is chosen for it."""

    studies: Studies
    subject: Subject
    seed: int
    kind: str = ""

    @cached_property
    def description(self) -> Description:
        """Of its subject."""
        return self.studies.description(self.subject)

    @cached_property
    def variant(self) -> str:
        """The variant that it is about."""
        return "unsafe"

    @cached_property
    def facts(self) -> Facts:
        """About its variant."""
        return self.studies.facts(self.subject, self.variant)

    @property
    def lines(self) -> list[Line]:
        """The code, without its story."""
        return [(number, text) for number, text in self.description.code[self.variant]]

    def why_not(self) -> str:
        """Why it cannot be asked; empty if it can."""
        if not self.facts.fails:
            return f"the engine found no failure to train on: {self.facts.reason}"
        return ""

    def hints(self) -> list[str]:
        """Each tells more than the one before."""
        told = [self.description.hint, *self.description.review]
        pairs = self.facts.pairs
        if pairs:
            told.append(f"One of the lines is {self._first_pair()[0]}.")
        return [one for one in told if one]

    def solution(self) -> list[str]:
        """What there is to know, for those who teach or give up."""
        facts = self.facts
        failure = facts.failure or {}
        told = [facts.story, f"It fails by {failure.get('kind', '')}: {failure.get('message', '')}"]
        if facts.pairs:
            told.append(f"Lines whose order decides: {lines_told(facts.pairs)}.")
        told += [
            f"Bug class: {' or '.join(accepted(facts, self.description))}.",
            f"Shortest schedule: {facts.schedule}",
        ]
        return [one for one in told if one]

    def _first_pair(self) -> list[int]:
        return min(self.facts.pairs, key=lambda pair: (len(pair) != 2, pair))

    def _rng(self) -> random.Random:
        return random.Random(f"{self.seed} {self.subject.name} {self.kind}")


class Spot(Question):
    """Mark the lines that race, and name the bug."""

    def why_not(self) -> str:
        """As for any question; and lines have to be known."""
        return super().why_not() or ("" if self.facts.pairs else "no two lines decide that the engine could find")

    @cached_property
    def choices(self) -> list[str]:
        """Names of bugs, one of them right; none where nobody can name this one."""
        right = accepted(self.facts, self.description)
        return choices(right, self._rng()) if right else []

    def judge(self, lines: set[int], name: str) -> Judgement:
        """Compare with every pair of lines that the engine found, in either order."""
        pairs = [set(pair) for pair in self.facts.pairs]
        right = accepted(self.facts, self.description)
        lines_right, name_right = lines in pairs, not right or name in right
        near = not lines_right and any(lines & pair for pair in pairs)
        share = 0.6 * lines_right + 0.4 * name_right
        told = []
        if near:
            told.append("One of your lines is right, but not both.")
        if not lines_right:
            told.append(f"Lines whose order decides: {lines_told(self.facts.pairs)}.")
        if not name_right:
            told.append(f"It is a {right[0]}: {meaning(right[0])}." if meaning(right[0]) else f"It is a {right[0]}.")
        told.append(self.facts.story)
        headline = "Not yet."
        if lines_right:
            headline = "Right." if name_right else "The lines are right, the name is not."
        elif name_right and right:
            headline = "The name is right, the lines are not."
        if not right:
            share = float(lines_right)
        return Judgement(1.0 if lines_right and name_right else share, headline, tuple(filter(None, told)), "", True)


class Break(Question):
    """Give a schedule under which it fails."""

    def hints(self) -> list[str]:
        """The last tells how the shortest witness begins."""
        runs = self.facts.schedule.split(" | ")
        told = [self.description.hint, f"It can be done with {counted(self.facts.switches, 'switch', 'switches')}."]
        return [*filter(None, told), f"The shortest witness begins with {runs[0]}."]

    def judge(self, text: str, width: int) -> Judgement:
        """Run it; raises InvalidValue in one line for a schedule that cannot be read."""
        order = parse(text, self.facts.actors)
        reply = ask(
            "play",
            self.subject,
            variant=self.variant,
            witness=str(self.studies.witness(self.subject, self.variant)),
            order=order,
            width=width,
        )
        played = required(reply)
        told = [*played["remarks"]]
        if played["fails"]:
            failure = played["failure"]
            par = self.facts.switches
            took = counted(played["switches"], "switch", "switches")
            told.insert(0, f"{failure['kind']}: {failure['message']}")
            told += played["detail"]
            told.append(f"{took}; the shortest witness that the engine found has {par}.")
            return Judgement(1.0, "It fails: you found a schedule.", tuple(told), played["trace"])
        outcome = f" (outcome {played['outcome']}{': ' + played['meaning'] if played['meaning'] else ''})"
        return Judgement(
            0.0, f"It passes{outcome if played['outcome'] else ''}: try another order.", tuple(told), played["trace"]
        )


class Review(Question):
    """A change that claims to repair it: approve or reject, and say why."""

    def why_not(self) -> str:
        """There has to be something to review."""
        if not self._claims():
            return "there is only one variant, so no change to review"
        return super().why_not()

    @cached_property
    def claim(self) -> str:
        """The variant that the change leads to."""
        return self._rng().choice(self._claims())

    def _claims(self) -> list[str]:
        return [name for name in self.description.variants if name != "unsafe"]

    @cached_property
    def claimed(self) -> Facts:
        """What the engine found about it."""
        return self.studies.facts(self.subject, self.claim)

    def diff(self) -> list[str]:
        """The change, all of the code around it included."""
        before, after = (spaced(self.description.code[one]) for one in ("unsafe", self.claim))
        lines = list(difflib.unified_diff(before, after, "before", "after", n=1_000, lineterm=""))
        return [line for line in lines if not line.startswith("@@")][2:]

    @cached_property
    def choices(self) -> list[str]:
        """`APPROVE`, and reasons to reject, one of them right where that is."""
        rng = self._rng()
        if self.claimed.fails:
            return [APPROVE, *choices(self._reasons(), rng)]
        return [APPROVE, *choices(accepted(self.facts, self.description) or [STILL], rng)]

    def _reasons(self) -> list[str]:
        """Why it is to be rejected."""
        return accepted(self.claimed, self.description) or [STILL]

    def hints(self) -> list[str]:
        """What a reviewer looks for."""
        return [one for one in (*self.description.review, self.description.hint) if one]

    def judge(self, name: str) -> Judgement:
        """Half of it is the verdict, half the reason."""
        claimed = self.claimed
        if not claimed.fails:
            told = [f"The engine: {claimed.status}, {claimed.reason}."]
            if claimed.status != "holds":
                told.append("That is no proof, but nothing speaks against the change.")
            if name == APPROVE:
                return Judgement(1.0, "Right: no schedule was found in which it fails.", tuple(told))
            return Judgement(0.0, "It could have been approved.", tuple(told))
        right = self._reasons()
        told = [f"It still fails by {(claimed.failure or {}).get('kind')}: {(claimed.failure or {}).get('message')}"]
        told.append(claimed.story)
        if name == APPROVE:
            headline, share = "It must not be approved: it still fails.", 0.0
        elif name in right:
            headline, share = f"Right: to be rejected, it has a {name}.", 1.0
        else:
            headline, share = f"Rightly rejected, but not for that: it has a {right[0]}.", 0.5
        return Judgement(share, headline, tuple(filter(None, told)), "", True)

    def solution(self) -> list[str]:
        """The verdict on the change."""
        if not self.claimed.fails:
            return [f"Approve: {self.claimed.status}, {self.claimed.reason}."]
        return [
            f"Reject: {' or '.join(self._reasons())}.",
            self.claimed.story,
            f"Shortest schedule: {self.claimed.schedule}",
        ]


class Fix(Question):
    """Edit the code until every schedule holds."""

    def why_not(self) -> str:
        """There has to be a function or class that can be edited."""
        if self.variant not in self.description.editable:
            return "what makes its state has no name in the module, so there is nothing to edit"
        return super().why_not()

    @property
    def text(self) -> str:
        """What is edited."""
        return self.description.editable[self.variant]

    def judge(self, patch: str, width: int, progress: Callable[[str], None] | None = None) -> Judgement:
        """Explore the patched code in a process of its own; ``progress`` hears how far it is."""
        if len(patch.encode("utf-8", "replace")) > _LARGEST:
            raise InvalidValue(f"patch: larger than {_LARGEST >> 10} KiB; give the file that was to be edited")
        reply = ask(
            "grade",
            self.subject,
            seconds=BUDGET + _AROUND,
            progress=progress,
            variant=self.variant,
            model=self.facts.model,
            patch=patch,
            budget=BUDGET,
            width=width,
        )
        printed = f"It printed:\n{_indented(reply.output)}" if reply.output.strip() else ""
        if reply.answer is None:
            return Judgement(0.0, f"It cannot be graded: {reply.reason}.", (), printed)
        return self._graded(reply.answer, printed)

    def _graded(self, graded: dict[str, Any], printed: str) -> Judgement:
        status, failure = graded["status"], graded.get("failure") or {}
        report = "\n\n".join(filter(None, (graded.get("report", ""), printed)))
        if status == "broken":
            return Judgement(0.0, f"It cannot be run: {graded['reason']}", (), printed)
        if status == "fails":
            before = (self.facts.failure or {}).get("kind", "")
            if failure["kind"] in STANDSTILLS and before not in STANDSTILLS:
                headline = f"It no longer fails as before, but now it stands still: {failure['kind']}."
            elif failure["message"].startswith("MemoryError"):
                headline = "It ran out of memory."
            else:
                headline = "It still fails."
            return Judgement(0.0, headline, (), report)
        if status != "holds":
            told = (f"The engine: {graded['reason']}.", *graded["uncontrolled"][:3])
            if graded["uncontrolled"] or not graded["schedules"]:
                return Judgement(0.0, "It cannot be told whether it fails.", told, printed)
            return Judgement(0.5, "No failure was found, but that is no proof.", told, printed)
        told = (f"The engine: holds, {graded['reason']}.", *self._serialises(graded))
        if len(told) > 1 and self._reference_overlaps():
            return Judgement(0.8, "It holds, but it has all take turns from beginning to end.", told, printed)
        return Judgement(1.0, "It holds: no schedule fails any more.", told, printed)

    def _serialises(self, graded: dict[str, Any]) -> Iterator[str]:
        """What was measured, where actors no longer overlap."""
        overlap, locked = graded.get("overlap"), graded.get("under_one_lock")
        if overlap != 0.0 or locked is None:
            return
        yield f"Nobody steps while another one is on the way, and {locked:.0%} of the steps stand under one lock."
        reference = self._reference()
        if reference is not None and reference.overlap == 0.0:
            yield "So it is in the catalogue's own repair."
        elif reference is not None and reference.overlap is not None:
            yield f"In the catalogue's repair {reference.overlap:.0%} of the steps overlap with another actor's."

    def _reference(self) -> Facts | None:
        if "fixed" not in self.description.variants:
            return None
        try:
            return self.studies.facts(self.subject, "fixed")
        except LabError:
            return None

    def _reference_overlaps(self) -> bool:
        """Whether a repair is known that lets actors overlap; without one, the code before is what is compared with."""
        reference = self._reference() or self.facts
        return bool(reference.overlap)

    def hints(self) -> list[str]:
        """What a reviewer looks for, and where."""
        return super().hints()


_LARGEST = 256 << 10  # bytes


def question(kind: str, studies: Studies, subject: Subject, seed: int) -> Question:
    """A question of that kind."""
    made = {"spot": Spot, "break": Break, "review": Review, "fix": Fix}[kind]
    return made(studies, subject, seed, kind)


def read_lines(text: str, known: list[Line]) -> set[int]:
    """Line numbers as typed, one or two; raises InvalidValue in one line for others."""
    words = re.findall(r"[^\s,;]+", text)
    numbers = {number for number, line in known if line.strip()}
    for word in words:
        if not word.isascii() or not word.isdigit() or int(word) not in numbers:
            raise InvalidValue(f"line {word[:20]!a}: is not shown; give one or two of the numbers in front of the code")
    if not 1 <= len(words) <= 2:
        raise InvalidValue(f"lines: {len(words)} given; give the two that race, or one that races with itself")
    return {int(word) for word in words}


def lines_told(pairs: list[list[int]]) -> str:
    """ "30 and 31, or 27 alone"."""
    return ", or ".join(" and ".join(map(str, pair)) if len(pair) > 1 else f"{pair[0]} alone" for pair in pairs)


def counted(number: int, one: str, many: str) -> str:
    """ "1 switch", "2 switches"."""
    return f"{number:,} {one if number == 1 else many}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())
