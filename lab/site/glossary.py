"""The words of the site: what each means, and where they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Word:
    """A word, its meaning, and the other forms in which it is found."""

    name: str
    meaning: str
    forms: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Where it stands on its page."""
        return self.name.replace(" ", "-")


WORDS = (
    Word("actor", "One concurrent party: a thread, a task of an event loop, or a process.", ("actors",)),
    Word(
        "atomicity violation",
        "Several steps are meant as one, and another actor comes in between.",
        ("atomicity violations", "not atomic"),
    ),
    Word("await", "Where a task lets other tasks go on. Between two of them no other task runs.", ("awaits",)),
    Word("barrier", "Where actors wait until as many as agreed have come.", ("barriers",)),
    Word(
        "cancellation",
        "A task is told to end at the await where it stands; a CancelledError is raised there.",
        ("cancelled", "cancel", "cancels"),
    ),
    Word(
        "check then act",
        "An answer is acted upon when it may no longer be true.",
        ("check-then-act", "time of check", "time of use"),
    ),
    Word(
        "class of schedules",
        "All schedules that differ only in the order of steps that do not depend on each other. One of them shows "
        "what all of them come to; a proof covers one of each.",
        ("classes of schedules", "classes"),
    ),
    Word(
        "condition",
        "A lock together with a queue of actors that wait until somebody notifies them.",
        ("condition variable", "conditions"),
    ),
    Word(
        "critical section",
        "Code that only one actor at a time may be in.",
        ("critical sections",),
    ),
    Word(
        "deadlock",
        "Actors wait for each other, and none of them can ever go on.",
        ("deadlocks", "deadlocked"),
    ),
    Word("event loop", "Runs tasks one at a time, each from one await to the next.", ("event loops",)),
    Word("fork", "A process makes a copy of itself; of its threads only the one that forks lives on.", ("forked",)),
    Word(
        "hammer",
        "Run for real, uncontrolled, again and again, half of the time with pauses in between; its rate tells how "
        "often the bug shows where nobody chooses the schedule.",
        ("hammered", "hammering"),
    ),
    Word("holds", "The verdict that every schedule was covered and none fails."),
    Word("livelock", "Actors go on for ever, and nothing comes of it.", ("livelocks",)),
    Word("lock", "Held by one actor at a time; who wants it meanwhile has to wait.", ("locks", "mutex", "locked")),
    Word(
        "lost update",
        "Two actors read the same value, and the one who writes last overwrites what the other one wrote.",
        ("lost updates",),
    ),
    Word(
        "lost wakeup",
        "A notification comes while nobody waits for it, and who waits afterwards waits for ever.",
        ("lost wakeups", "lost notification"),
    ),
    Word(
        "notification",
        "Wakes actors that wait on a condition; nobody keeps it for those who come later.",
        ("notify", "notifies", "notified", "notify_all"),
    ),
    Word(
        "order violation",
        "Something happens before what it relies on.",
        ("order violations",),
    ),
    Word("outcome", "What an execution came to, as the scenario tells it.", ("outcomes",)),
    Word("process", "Has memory of its own; processes share files, databases and shared memory.", ("processes",)),
    Word("queue", "Hands things over from one actor to another, in order.", ("queues",)),
    Word(
        "race condition",
        "Whether a program works depends on the order in which its actors take their steps.",
        ("race", "races", "data race"),
    ),
    Word("schedule", "Which actor takes each step.", ("schedules",)),
    Word("semaphore", "A number of permits; who finds none waits until one is given back.", ("semaphores", "permit")),
    Word(
        "step",
        "One operation that another actor could notice, on an object that more than one actor touches. Nobody comes "
        "in between.",
        ("steps",),
    ),
    Word("switch", "Another actor goes on than the one that took the last step.", ("switches",)),
    Word("task", "A coroutine that an event loop runs; it is interrupted only where it awaits.", ("tasks",)),
    Word("thread", "Shares all memory with the other threads of its process.", ("threads",)),
    Word("witness", "A schedule and its steps that lead to a failure; it can be replayed.", ("witnesses",)),
)

_BY_FORM = {form.lower(): word for word in WORDS for form in (word.name, *word.forms)}
_FORMS = "|".join(sorted(map(re.escape, _BY_FORM), key=len, reverse=True))
_ANY = re.compile(rf"(?<![\w.`-])({_FORMS})(?![\w`(-])", re.IGNORECASE)


def words_in(text: str) -> set[str]:
    """The names of the words that stand in a text."""
    return {_BY_FORM[match[1].lower()].name for match in _ANY.finditer(text)}


def code(text: str) -> Markup:
    """The text as HTML, in which what stands between backquotes is code."""
    return Linking(words=False)(text)


class Linking:
    """Makes links of the first place of each word on one page; what is told to it is escaped."""

    def __init__(self, page: str = "glossary.html", words: bool = True) -> None:
        self._page = page
        self._met: set[str] = set() if words else {word.name for word in WORDS}

    def __call__(self, text: str) -> Markup:
        """The text as HTML; what stands between backquotes is code."""
        return Markup("").join(self._parts(text))

    def _parts(self, text: str) -> Iterator[Markup]:
        for number, part in enumerate(text.split("`")):
            if number % 2 and text.count("`") > number:
                yield Markup("<code>{}</code>").format(part)
            elif number % 2:
                yield Markup("`") + self._linked(part)
            else:
                yield self._linked(part)

    def _linked(self, text: str) -> Markup:
        found, at = Markup(""), 0
        for match in _ANY.finditer(text):
            word = _BY_FORM[match[1].lower()]
            if word.name in self._met:
                continue
            self._met.add(word.name)
            link = Markup('<a class="word" href="{}#{}">{}</a>').format(self._page, word.anchor, match[1])
            found += escape(text[at : match.start()]) + link
            at = match.end()
        return found + escape(text[at:])
