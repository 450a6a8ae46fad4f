"""What is written down of one execution: its steps, and which sites touch shared objects."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from dataclasses import replace
from io import IOBase
from types import FrameType, GeneratorType
from typing import Any

from lab.alive import Alive
from lab.carriers.actor import Actor
from lab.guards import Guards
from lab.hooks import ABSENT
from lab.instrument import Site
from lab.kinds import is_a
from lab.naming import Names, parameter_of, peek, short
from lab.operations import CACHED, CONTENTS, SYNC, is_iterator, underlying
from lab.origin import frame_of_program, is_unguarded
from lab.trace import Place, Step


def identity_of(site: Site) -> tuple[str, str, int, str]:
    """The same in every process that runs the same source."""
    return Place(site.code.co_filename, site.code.co_qualname, site.number, _operation(site), site.line).identity


def _operation(site: Site) -> str:
    return site.kind if site.key is None else f"{site.kind} {site.key}"


def place_of(site: Site) -> Place:
    """Where ``site`` is, in words; for a step in library code the line of the program that led to it."""
    operation = _operation(site)
    if not site.stepped or is_unguarded(site.code):
        frame = frame_of_program(skip_libraries=True)
        if frame is not None:
            code = frame.f_code
            return Place(code.co_filename, code.co_qualname, site.number, operation, frame.f_lineno)
    return Place(site.code.co_filename, site.code.co_qualname, site.number, operation, site.line)


class Recording:
    """Turns the steps of one execution into a trace."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.names = Names()
        self.waiting: dict[int, Place] = {}  # actor index -> where it waits
        self._met: set[int] = set()

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None:
        """Called before the step happens, so a value read is the value it has now."""
        frame = frame_of_program()
        self._meet(actor)
        if key is CONTENTS:
            word, name, value = self._container(owner, write, site, detail, frame)
        else:
            word = "writes" if write else "reads"
            if site.kind.startswith("delete"):
                word = "deletes"
            name = self._attribute(owner, key, frame)
            value = short(detail if write else peek(owner, key))
            if not write:
                self._name_value(owner, key, name)
        self.steps.append(Step(actor.name, place_of(site), word, name, value))

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None:
        """A step at a lock, queue, thread or clock."""
        self._meet(actor)
        name = "" if word.startswith("sleeps") or owner is None else self.name(owner)
        self.steps.append(Step(actor.name, place_of(site), word, name, detail or None))

    def answered(self, text: str) -> None:
        """What the last step gave, which is known only after it."""
        self.steps[-1] = replace(self.steps[-1], value=text)

    def waits(self, actor: Actor, owner: object, site: Site) -> None:
        """The actor has come to an operation that it cannot do yet."""
        self._meet(actor)
        self.name(owner)
        self.waiting[actor.index] = place_of(site)

    def awaits(self, actor: Actor, found: Any, other: Actor | None) -> None:
        """A task was suspended by an ``await``, as `lab.carriers.awaiting` has ``found``."""
        self._meet(actor)
        name, how = "", found.how
        if other is not None:
            how = other.name
        elif found.owner is not None:
            name, how = self.names.of(found.owner, found.frame), ""
            if found.how:
                name = f"{name}.{found.how.rpartition('.')[2]}()"
        place = self.waiting[actor.index] = place_of(found.site)
        self.steps.append(Step(actor.name, place, "awaits", name, how or None))

    def name(self, owner: object) -> str:
        """The object's name, as the running code knows it."""
        return self.names.of(owner, frame_of_program())

    def _meet(self, actor: Actor) -> None:
        if actor.index in self._met:
            return
        self._met.add(actor.index)
        if not actor.child and actor.argument:
            self.names.give_parts(actor.argument[0], parameter_of(actor.body))
        if actor.thread is not None:
            self.names.give(actor.thread, actor.name)

    def _attribute(self, owner: object, key: object, frame: FrameType | None) -> str:
        kind = type(owner).__name__
        if kind in ("cell", "module", "_Namespace"):
            return str(key)
        return f"{self.names.of(owner, frame)}.{key}"

    def _name_value(self, owner: object, key: object, name: str) -> None:
        value = peek(owner, key)
        if value is not ABSENT:
            self.names.give(value, name)

    def _container(
        self, owner: object, write: bool, site: Site, detail: Any, frame: FrameType | None
    ) -> tuple[str, str, str | None]:
        if type(owner) is CACHED:
            arguments = ", ".join(short(argument) or "?" for argument in detail) if isinstance(detail, tuple) else ""
            return ("stores" if write else "looks up"), f"{self.names.of(owner, frame)}({arguments})", None
        if is_iterator(type(owner)) and not is_a(owner, IOBase):  # the lines of a text are its own
            sources = underlying(owner)
            owner = sources[0] if sources else owner
        name = self.names.of(owner, frame)
        if site.kind == "call" and isinstance(detail, tuple) and detail and isinstance(detail[0], str):
            arguments = ", ".join(short(argument) or "?" for argument in detail[1])
            return "calls", f"{name}.{detail[0]}({arguments})", short(_taken(owner, *detail))
        if site.kind == "in":
            found = _contains(owner, detail)
            return "asks", f"{short(detail[0])} in {name}", None if found is None else str(found)
        if isinstance(detail, tuple) and detail and site.kind in ("item", "delete item", "slice"):
            name = f"{name}[{short(detail[0])}]"
            if site.kind == "delete item":
                return "deletes", name, None
            if write and not (len(detail) == 1 and _contains(owner, detail)):  # a defaultdict may fill itself
                return "writes", name, short(detail[1]) if len(detail) > 1 else None
            return "reads", name, short(_item(owner, detail[0]))
        word = _WORDS.get(site.kind, "changes" if write else "reads")
        if word == "changes" and type(owner) is GeneratorType:
            word = "takes from"
        return word, name, short(owner) if word in ("tests", "reads") else None


_WORDS = {
    "iterate": "starts to iterate over",
    "next": "takes the next item of",
    "resume": "goes on in",
    "truth": "tests",
    "in place": "changes",
    "compare": "compares",
    "format": "formats",
    "unpack": "unpacks",
    "spread": "unpacks",
}


def _contains(owner: Any, detail: Any) -> bool | None:
    if type(owner) in (dict, set, defaultdict) and isinstance(detail, tuple) and _is_plain_key(owner, detail[0]):
        return detail[0] in owner
    return None


def _taken(owner: Any, method: str, arguments: tuple[Any, ...]) -> object:
    """What a method that reads one item is about to give, where no code of the program has to run for that."""
    if type(owner) in _DICTIONARIES and method in _ASK_FOR_A_KEY and arguments and _is_plain_key(owner, arguments[0]):
        default = arguments[1] if len(arguments) > 1 else _ASK_FOR_A_KEY[method]
        return dict.get(owner, arguments[0], default)
    if type(owner) in (list, deque) and method in _ENDS and owner:
        return owner[_ENDS[method]] if not arguments else _item(owner, arguments[0])
    return ABSENT


def _item(owner: Any, key: Any) -> object:
    if type(owner) in (dict, defaultdict) and _is_plain_key(owner, key):
        return owner.get(key, ABSENT)
    if type(owner) is list and type(key) is int and -len(owner) <= key < len(owner):
        return owner[key]
    return ABSENT


def _is_plain_key(owner: Any, key: object) -> bool:
    """Whether to look for ``key`` runs no code of the program: a key of its own may have the same hash."""
    return type(key) in _PLAIN and len(owner) <= _MANY and all(type(one) in _PLAIN for one in owner)


_PLAIN = (str, int, bytes)
_MANY = 1_000
_DICTIONARIES = (dict, OrderedDict, defaultdict, Counter)
_ASK_FOR_A_KEY = {"get": None, "setdefault": None, "pop": ABSENT, "__getitem__": ABSENT}
"""Methods -> what they give where the key is missing and no default is given."""
_ENDS = {"pop": -1, "popleft": 0}


_Place = tuple[int, int, object]


class SharingMap:
    """Every access of one execution, to find the sites where a shared object is touched.

    A new object is never taken for an old one in whose place in memory it stands.
    """

    def __init__(self) -> None:
        self._places: dict[_Place, tuple[dict[Site, None], set[int]]] = {}  # at which sites, and by whom
        self._written: set[_Place] = set()
        self._alive = Alive(self._ended)
        self._earlier: dict[int, int] = {}  # id -> how many objects had it that have ended
        self.guards = Guards()
        self.passed_over: dict[Site, None] = {}  # sites of shared places in code that is not stepped
        self.guarded: dict[Site, None] = {}  # those of them that are nowhere but under one lock
        self.counts: dict[tuple[object, int], int] = {}  # site, actor index -> accesses

    def note(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """One access."""
        self._enter(actor, owner, key, write)[0][site] = None
        of_site = (site, actor.index)
        self.counts[of_site] = self.counts.get(of_site, 0) + 1

    def suppose(self, actor: Actor, owner: object, key: object, write: bool, story: str) -> None:
        """One access that is part of a step of several, which is told in ``story``: it counts on a lock."""
        self._enter(actor, owner, key, write)
        self.guards.suppose(self._place(owner, key), story)

    def _place(self, owner: object, key: object) -> _Place:
        return id(owner), self._earlier.get(id(owner), 0), key

    def _enter(self, actor: Actor, owner: object, key: object, write: bool) -> tuple[dict[Site, None], set[int]]:
        self._alive.meet(owner)
        place = self._place(owner, key)
        known = self._places.get(place)
        if known is None:
            known = self._places[place] = ({}, set())
        known[1].add(actor.index)
        if write:
            self._written.add(place)
        self.guards.note(actor, place)
        return known

    def _ended(self, identity: int) -> None:
        self._earlier[identity] = self._earlier.get(identity, 0) + 1

    def living(self, identity: int) -> object | None:
        """The object that was met under this id, if it lives."""
        return self._alive.get(identity)

    def has_ended(self, identity: int) -> bool:
        """Whether an object that had this id is no more."""
        return identity in self._earlier

    def places(self) -> Iterator[tuple[int, object, list[Site], set[int], bool]]:
        """Of every place that was touched: the object's id, the key, the sites that can be decisions, who, and whether
        somebody wrote it."""
        for place, (sites, actors) in self._places.items():
            decides = [site for site in sites if site.decides or place[2] == SYNC]
            yield place[0], place[2], decides, actors, place in self._written

    def met(self, identity: int, key: object) -> bool:
        """Whether that place of the first object with this id was accessed."""
        return (identity, 0, key) in self._places

    def shared(self) -> list[list[Site]]:
        """The sites of every place that two actors touched and one wrote, as far as they can be decisions."""
        found = []
        for place, (all_sites, actors) in self._places.items():
            if len(actors) > 1 and place in self._written:
                sites = [site for site in all_sites if site.decides or place[2] == SYNC]
                over = self.guarded if self.guards.judge(place) else self.passed_over
                over.update(dict.fromkeys(site for site in all_sites if site not in sites))
                if sites:
                    found.append(sites)
        return found
