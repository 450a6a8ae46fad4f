"""Exercises in which code is repaired, and how the repair is graded; and the door to every kind of exercise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lab.errors import InvalidValue, LabError
from lab.training.confined import ask
from lab.training.questions import Break, Judgement, Question, Review, Spot
from lab.training.studies import Facts, Studies
from lab.training.subject import STANDSTILLS, Subject

BUDGET = 10.0
"""Seconds that a patch is explored for."""
_AROUND = 20.0  # seconds more for its process
_LARGEST = 256 << 10  # bytes
_ALL = 0.9  # of the steps: what comes before a lock is taken, or after it, may be one or two


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
            stopped=self.studies.stopped,
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
            more = [one for one in graded["uncontrolled"][:3] if one not in graded["reason"]]
            told = (f"The engine: {graded['reason']}.", *more)
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
        if overlap != 0.0 or locked is None or locked < _ALL:
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


def question(kind: str, studies: Studies, subject: Subject, seed: int) -> Question:
    """A question of that kind."""
    made = {"spot": Spot, "break": Break, "review": Review, "fix": Fix}[kind]
    return made(studies, subject, seed, kind)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())
