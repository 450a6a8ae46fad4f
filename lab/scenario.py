"""Scenario: one bug, its variants, and what a reviewer should see."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.errors import InvalidType, InvalidValue, LabError
from lab.program import CARRIERS, Program, modules

KINDS = ("check", "exception", "deadlock", "lost wakeup", "livelock", "leak")
"""How a variant may fail otherwise than by a forbidden outcome."""

_VARIANT = re.compile(r"(?:fixed|unsafe|still_unsafe)_\w+", re.ASCII)  # stands in node ids and file names


@dataclass(frozen=True)
class Variant:
    """One implementation of a scenario."""

    name: str
    make: Callable[[], Any]

    @property
    def must_fail(self) -> bool:
        """Whether the catalogue promises that it can go wrong."""
        return self.name.startswith(("unsafe", "still_unsafe"))


@dataclass(frozen=True)
class Scenario:
    """One bug of the catalogue; checks itself when it is defined.

    ``unsafe``, ``fixed`` and ``still_unsafe`` (a popular wrong fix) make the shared
    state, as do the further ``variants``, whose names begin with one of these
    three words.  Every actor takes the state.  ``allowed`` and ``forbidden``
    describe outcomes, ``symptoms`` the other ways to fail: kind -> description.
    ``on``, ``trace``, ``carrier``, ``order``, ``cancel`` and ``crash`` are for `explore`.
    ``needs()`` raises LabError where the scenario cannot run, which is skipped then.

    Raises InvalidType or InvalidValue in one line that names the field and the remedy.
    """

    bug_class: str
    unsafe: Callable[[], Any]
    fixed: Callable[[], Any]
    actors: Mapping[str, Callable[[Any], object]] | Sequence[Callable[[Any], object]]
    cwe: tuple[int, ...] = ()
    still_unsafe: Callable[[], Any] | None = None
    variants: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    outcome: Callable[[Any], Any] | None = None
    allowed: Mapping[Any, str] | None = None
    forbidden: Mapping[Any, str] = field(default_factory=dict)
    symptoms: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Any], object] | None = None
    teardown: Callable[[Any], object] | None = None
    trace: tuple[str, ...] = ()
    carrier: str = "auto"
    order: str = "fifo"
    cancel: bool | Sequence[str] = False
    on: str = "auto"
    crash: bool | Sequence[str] = False
    needs: Callable[[], object] | None = None
    seen_in: tuple[str, ...] = ()
    hint: str = ""
    review: tuple[str, ...] = ()

    def __new__(cls, *arguments: Any, **fields: Any) -> Scenario:
        """Refuse unknown and missing fields with a remedy, before `__init__` would refuse them without."""
        if arguments:
            raise InvalidType("Scenario takes keyword arguments only, such as Scenario(bug_class=..., unsafe=..., ...)")
        known = list(cls.__dataclass_fields__)
        for name in fields:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                meant = f"did you mean {close[0]}?" if close else f"the fields are {', '.join(known)}"
                raise InvalidType(f"Scenario: unknown field {name!r}; {meant}")
        for name in ("bug_class", "unsafe", "fixed", "actors"):
            if name not in fields:
                raise InvalidType(f"Scenario: field {name!r} is missing; add {name}=")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        self._check_words()
        self._check_mappings()
        for name, make in self._makers():
            self.program(Variant(name, make))
        both = [outcome for outcome in self.forbidden if self.allowed is not None and outcome in self.allowed]
        if both:
            raise InvalidValue(f"Scenario: forbidden: outcome {both[0]!r} is also in allowed; keep one")
        if not (self.allowed or self.forbidden or self.symptoms or self.check):
            raise InvalidValue(
                "Scenario: nothing tells right from wrong; add allowed=, forbidden=, symptoms= or check="
            )

    def _check_words(self) -> None:
        if not isinstance(self.bug_class, str) or not self.bug_class.strip():
            raise InvalidType(
                f"Scenario: bug_class={self.bug_class!r}: give a few words, such as 'atomicity violation'"
            )
        numbers = self.cwe
        if not isinstance(numbers, tuple) or not all(type(one) is int and one > 0 for one in numbers):
            raise InvalidType(f"Scenario: cwe={numbers!r}: give a tuple of CWE numbers, such as (366, 362)")
        for name in ("seen_in", "review", "trace"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
                raise InvalidType(
                    f"Scenario: {name}={value!r}: give a tuple of strings; one string needs a comma behind it"
                )
        try:
            modules(self.trace)
        except InvalidValue as error:
            raise InvalidValue(f"Scenario: {error}") from None
        if self.carrier not in CARRIERS:
            raise InvalidValue(f"Scenario: carrier={self.carrier!r}: unknown; choose one of {', '.join(CARRIERS)}")
        if self.needs is not None and not callable(self.needs):
            raise InvalidType(f"Scenario: needs={self.needs!r}: give a function, or leave it out")
        if not isinstance(self.hint, str):
            raise InvalidType(f"Scenario: hint={self.hint!r}: give a string")

    def _check_mappings(self) -> None:
        for name, key in (("allowed", "outcome"), ("forbidden", "outcome"), ("symptoms", "kind of failure")):
            value = getattr(self, name)
            if value is None and name == "allowed":
                continue
            if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
                raise InvalidType(f"Scenario: {name}={value!r}: give a dict of {key} -> description")
        for kind in self.symptoms:
            if kind not in KINDS:
                close = difflib.get_close_matches(str(kind), KINDS, 1)
                meant = f"did you mean {close[0]}?" if close else f"choose from {', '.join(KINDS)}"
                raise InvalidValue(f"Scenario: symptoms: {kind!r} is no kind of failure; {meant}")
        if not isinstance(self.variants, Mapping):
            raise InvalidType(f"Scenario: variants={self.variants!r}: give a dict of name -> function")
        for name in self.variants:
            if not isinstance(name, str) or not _VARIANT.fullmatch(name):
                raise InvalidValue(
                    f"Scenario: variants: {name!r} does not say what it is; "
                    "call it fixed_..., unsafe_... or still_unsafe_..., in letters, digits and underscores"
                )

    def _makers(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        yield "unsafe", self.unsafe
        if self.still_unsafe is not None:
            yield "still_unsafe", self.still_unsafe
        yield from self.variants.items()
        yield "fixed", self.fixed

    def missing(self) -> str:
        """Why the scenario cannot run here: what ``needs`` raised; empty if it can."""
        if self.needs is not None:
            try:
                self.needs()
            except LabError as why:
                return str(why)
        return ""

    def every_variant(self) -> list[Variant]:
        """The variants in reading order: unsafe first, fixed last."""
        return [Variant(name, make) for name, make in self._makers()]

    def program(self, variant: Variant) -> Program:
        """What `explore` and `hammer` run for one variant."""
        try:
            program = Program.of(
                variant.make,
                self.actors,
                self.check,
                self.outcome,
                self.allowed,
                self.forbidden or None,
                self.teardown,
            )
            return program.with_tasks(self.order, self.cancel).on(self.on).with_crashes(self.crash)
        except (InvalidType, InvalidValue) as error:
            text = str(error)
            text = variant.name + text.removeprefix("setup") if text.startswith("setup") else text
            raise type(error)(f"Scenario: {text}") from None

    def exploring(self) -> dict[str, Any]:
        """The keyword arguments of `explore` for any of its variants."""
        names = ("trace", "carrier", "order", "on", "crash")
        return {**{name: getattr(self, name) for name in names}, **self.options()}

    def options(self) -> dict[str, Any]:
        """The keyword arguments that `explore` and `hammer` share."""
        return {
            "check": self.check,
            "outcome": self.outcome,
            "allowed": self.allowed,
            "forbidden": self.forbidden or None,
            "teardown": self.teardown,
            "cancel": self.cancel,
        }


def story(module: Any) -> tuple[str, str]:
    """A scenario module's title and the text below it."""
    text = inspect.cleandoc(module.__doc__ or "")
    title, _, rest = text.partition("\n")
    return title.strip(), rest.strip()
