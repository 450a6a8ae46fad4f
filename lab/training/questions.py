"""Exercises that are answered, and how an answer is judged: by what the engine found, and by nothing else.

Those in which code is written are `lab.training.repairs`.
"""

from __future__ import annotations

import difflib
import random
import re
from dataclasses import dataclass
from functools import cached_property

from lab.errors import InvalidValue
from lab.training.bug_classes import accepted, choices, meaning
from lab.training.confined import ask, required
from lab.training.hiding import Line, spaced
from lab.training.schedules import parse
from lab.training.studies import Description, Facts, Studies
from lab.training.subject import Subject

KINDS = ("spot", "break", "review", "fix")
"""In the order in which they are learned."""
TASKS = {
    "spot": "Some order of the steps goes wrong. Mark the two lines whose order decides, or one that does by itself.",
    "break": "Say who takes each step, so that it goes wrong.",
    "review": "This change claims to repair a race. Would you approve it?",
    "fix": "Edit the code, so that no order of the steps goes wrong.",
}
"""What is asked for."""
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

    def measure(self) -> None:
        """Find out all that an answer is judged by, so that nobody waits for it then."""
        self.facts  # noqa: B018  found when it is first asked for

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
        told = [facts.story, f"How it fails: {failure_told(facts.failure or {})}"]
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

    def why_not(self) -> str:
        """As for any question; and the names of actors have to be enough."""
        told = "who takes each step is not all that its failure hangs on, so no schedule can be given by hand"
        return super().why_not() or ("" if self.facts.playable else told)

    @property
    def how(self) -> str:
        """How a schedule is written."""
        strike = {"tasks": "NAME! cancels a task.", "processes": "NAME! kills a process."}.get(self.facts.model, "")
        told = "A step is one access to what they share. Name who takes each; NAME*2 takes two."
        return f"{told} {strike}" if self.facts.strikes else told

    def hints(self) -> list[str]:
        """The last tells how the shortest witness begins."""
        runs = self.facts.schedule.split(" ")
        told = [self.description.hint, f"It can be done with {counted(self.facts.switches, 'switch', 'switches')}."]
        return [*filter(None, told), f"The shortest witness begins with {runs[0]}."]

    def judge(self, text: str, width: int) -> Judgement:
        """Run it; raises InvalidValue in one line for a schedule that cannot be read."""
        order = parse(text, self.facts.actors)
        reply = ask(
            "play",
            self.subject,
            stopped=self.studies.stopped,
            variant=self.variant,
            witness=str(self.studies.witness(self.subject, self.variant)),
            order=order,
            width=width,
        )
        played = required(reply, self.subject)
        told = [*played["remarks"]]
        if played["fails"]:
            failure = played["failure"]
            par = self.facts.switches
            took = counted(played["switches"], "switch", "switches")
            told.insert(0, failure_told(failure))
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

    def measure(self) -> None:
        """The change, too."""
        super().measure()
        self.claimed  # noqa: B018

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
        told = [f"It still fails: {failure_told(claimed.failure or {})}", claimed.story]
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


def given_to_spot(lines: set[int], name: str) -> list[str]:
    """An answer in text, the same however it was typed."""
    return [" ".join(map(str, sorted(lines))), *([name] if name else [])]


def failure_told(failure: dict[str, str]) -> str:
    """Its message, with its kind where that does not say so itself."""
    kind, message = failure.get("kind", ""), failure.get("message", "")
    return message if message.startswith(kind) else f"{kind}: {message}"


def lines_told(pairs: list[list[int]]) -> str:
    """ "30 and 31, or 27 alone"."""
    return ", or ".join(" and ".join(map(str, pair)) if len(pair) > 1 else f"{pair[0]} alone" for pair in pairs)


def counted(number: int, one: str, many: str) -> str:
    """ "1 switch", "2 switches"."""
    return f"{number:,} {one if number == 1 else many}"
