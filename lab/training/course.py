"""Which exercise comes next: what is due, then what is new, the easy ones first."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.files import defines_scenario
from lab.training.history import Card, History
from lab.training.questions import KINDS, Question
from lab.training.repairs import question
from lab.training.studies import Facts, Studies
from lab.training.subject import Subject

_POINTS = 10  # for an exercise of the first level
_PER_HINT = 3
_APART = 2  # exercises until one that was answered wrongly may come again
_KINDS_APART = 2  # subjects that are new before the next kind of exercise about the first one is


def catalogue(folder: Path) -> list[Subject]:
    """The scenarios below a folder, none of them imported."""
    return [Subject.of(path, catalogue=folder) for path in sorted(filter(defines_scenario, folder.rglob("*.py")))]


def points(facts: Facts, share: float, hints: int) -> int:
    """For an answer: more where the bug is harder to see, fewer after hints."""
    return max(0, round(share * _POINTS * facts.level) - _PER_HINT * hints) if share else 0


class Course:
    """Exercises on some subjects, one after another."""

    def __init__(
        self, subjects: Sequence[Subject], kinds: Sequence[str], studies: Studies, history: History, seed: int
    ) -> None:
        self._studies = studies
        self._history = history
        self._seed = seed
        self._lately: deque[tuple[str, str]] = deque(maxlen=_APART)
        self._impossible: set[tuple[str, str]] = set()
        self.troubles: list[str] = []
        easy_first = sorted(subjects, key=self._difficulty)
        ranked = [
            (rank + _KINDS_APART * KINDS.index(kind), KINDS.index(kind), subject, kind)
            for rank, subject in enumerate(easy_first)
            for kind in KINDS
            if kind in kinds
        ]
        self._all = [(subject, kind) for *_, subject, kind in sorted(ranked, key=lambda one: one[:2])]

    def __iter__(self) -> Iterator[Question]:
        """What is due, then what is new; until everything was answered rightly and nothing is due."""
        while True:
            for subject, kind in self._in_turn():
                made = self._possible(subject, kind)
                if made is not None:
                    self._lately.append((subject.key, kind))
                    yield made
                    break
            else:
                return

    def _in_turn(self) -> list[tuple[Subject, str]]:
        cards = self._history.cards()
        now = self._history.now()

        def turn(one: tuple[Subject, str]) -> tuple[int, float]:
            card: Card | None = cards.get((one[0].key, one[1]))
            return (1, 0.0) if card is None else (0, card.due)

        open_ = [
            (subject, kind)
            for subject, kind in self._all
            if (subject.key, kind) not in self._impossible
            and ((subject.key, kind) not in cards or cards[subject.key, kind].due <= now)
        ]
        later = [one for one in open_ if (one[0].key, one[1]) in self._lately]
        sooner = [one for one in open_ if one not in later]
        return sorted(sooner, key=turn) + later

    def _possible(self, subject: Subject, kind: str) -> Question | None:
        made = question(kind, self._studies, subject, self._seed)
        try:
            why = made.why_not()
        except LabError as error:
            why = str(error)
        if not why:
            return made
        self._impossible.add((subject.key, kind))
        self.troubles.append(f"{subject.name}: no exercise of the kind {kind}: {why}")
        return None

    def _difficulty(self, subject: Subject) -> tuple[int, float]:
        """What the engine measured, where it has; else a guess by what the code is made of."""
        try:
            facts = self._studies.known(subject, "unsafe")
        except LabError:
            facts = None
        source = _code(Path(subject.path))
        if facts is not None:
            return facts.level, facts.steps
        strange = "multiprocessing" in source or 'on="processes"' in source or "async def" in source
        return (3 if strange else 1), len(source) / 100


def drawn(
    subjects: Sequence[Subject],
    kinds: Sequence[str],
    studies: Studies,
    seed: int,
    number: int,
    tell: Callable[[int], None] = lambda found: None,
) -> list[Question]:
    """So many questions, the same for every group that has the same seed and the same subjects.

    All is measured that their answers are judged by; ``tell`` hears how many are there.
    Raises LabError where there are not so many.
    """
    rng = random.Random(seed)
    every = [(subject, kind) for subject in sorted(subjects, key=lambda one: one.name) for kind in kinds]
    rng.shuffle(every)
    found: list[Question] = []
    for subject, kind in every:
        tell(len(found))
        if len(found) == number:
            break
        made = question(kind, studies, subject, seed)
        try:
            why = made.why_not()
            if not why:
                made.measure()
        except LabError as error:
            why = str(error)
        if not why:
            found.append(made)
    if len(found) < number:
        raise LabError(f"--exam {number}: there are only {len(found)} exercises; ask for fewer, or give more scenarios")
    return found


def _code(path: Path) -> str:
    """The file without the text that it begins with; empty where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return re.sub(r'\A\s*"""(?s:.*?)"""', "", text)
