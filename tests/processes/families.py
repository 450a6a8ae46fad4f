"""Programs of one actor that starts, kills and joins processes, as they are run and as a model that knows each step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from multiprocessing import Process
from pathlib import Path
from random import Random
from typing import Any

NAMES = ("x", "y")
KILLED = -9


def draw(random: Random) -> tuple[list[tuple[str, Any]], list[list[tuple[str, str]]]]:
    """What the parent does, and what each of its children does."""
    children = [
        [(random.choice(("make", "ask", "remove")), random.choice(NAMES)) for _ in range(random.randint(1, 2))]
        for _ in range(random.randint(1, 2))
    ]
    parent: list[tuple[str, Any]] = []
    for number in range(len(children)):
        parent.append(("start", number))
    for _ in range(random.randint(1, 2)):
        what = random.choice(("make", "ask", "remove", "kill", "alive", "join"))
        whom: Any = random.choice(NAMES) if what in ("make", "ask", "remove") else random.randrange(len(children))
        parent.insert(random.randint(whom + 1 if isinstance(whom, int) else 0, len(parent)), (what, whom))
    return parent, children


# ------------------------------------------------------------ as it is run


def do(what: str, name: str) -> bool:
    """One step."""
    if what == "ask":
        return os.path.exists(name)
    try:
        (os.mkdir if what == "make" else os.rmdir)(name)
    except OSError:
        return False
    return True


def record(who: str, seen: list[Any]) -> None:
    """Two steps."""
    with open(f"seen by {who}", "w") as file:
        file.write(repr(seen))


def child(number: int, calls: list[tuple[str, str]]) -> None:
    """The body of a process."""
    record(f"child {number}", [do(*call) for call in calls])


def actor(parent: list[tuple[str, Any]], children: list[list[tuple[str, str]]]) -> Any:
    """The body of the actor."""

    def alice(state: object) -> None:
        made = [Process(target=child, args=(number, calls)) for number, calls in enumerate(children)]
        seen: list[Any] = []
        for what, whom in parent:
            if what == "start":
                made[whom].start()
            elif what == "join":
                made[whom].join()
            elif what == "kill":
                made[whom].kill()
            elif what == "alive":
                seen.append(made[whom].is_alive())
            else:
                seen.append(do(what, whom))
        for one in made:
            one.join()
            seen.append(one.exitcode)
        record("alice", seen)

    return alice


def outcome(state: object) -> tuple[tuple[str, str], ...]:
    """What is there at the end."""
    return tuple(sorted((path.name, path.read_text() if path.is_file() else "") for path in Path().iterdir()))


# ------------------------------------------------------------ as a model

_ENDED, _TO_BEGIN = "ended", ()
_State = Any


def outcomes(parent: list[tuple[str, Any]], children: list[list[tuple[str, str]]]) -> set[Any]:
    """Of every order in which the steps can come."""
    last = [("join", number) for number in range(len(children))]
    steps = [
        *parent,
        *[one for join in last for one in (join, ("code", join[1]))],
        ("open", "alice"),
        ("write", "alice"),
    ]
    scripts = [
        [*calls, ("open", f"child {n}"), ("write", f"child {n}"), ("end", n)] for n, calls in enumerate(children)
    ]
    start: _State = (frozenset(), (), 0, (), tuple((-1, (), None) for _ in children))
    found, seen, pending = set(), {start}, [start]
    while pending:
        state = pending.pop()
        following = list(_following(state, steps, scripts))
        if not following:
            dirs, files, at, _, _ = state
            assert at == len(steps)
            found.add(tuple(sorted((*[(name, "") for name in dirs], *files))))
        for one in following:
            if one not in seen:
                seen.add(one)
                pending.append(one)
    return found


def _following(state: _State, steps: list[Any], scripts: list[Any]) -> Iterator[_State]:
    dirs, files, at, told, family = state
    if at < len(steps):
        what, whom = steps[at]
        if what == "start":
            yield dirs, files, at + 1, told, _with(family, whom, (0, (), None))
        elif what == "join":
            if family[whom][2] is not None:
                yield dirs, files, at + 1, told, family
        elif what == "code":
            yield dirs, files, at + 1, (*told, family[whom][2]), family
        elif what == "alive":
            yield dirs, files, at + 1, (*told, family[whom][0] >= 0 and family[whom][2] is None), family
        elif what == "kill":
            position, heard, code = family[whom]
            yield dirs, files, at + 1, told, _with(family, whom, (position, heard, KILLED if code is None else code))
        else:
            now, put, heard = _do(what, whom, dirs, files, told)
            yield now, put, at + 1, heard, family
    for number, (position, heard, code) in enumerate(family):
        if position < 0 or code is not None:
            continue
        what, whom = scripts[number][position]
        if what == "end":
            yield dirs, files, at, told, _with(family, number, (position, heard, 0))
        else:
            now, put, seen = _do(what, whom, dirs, files, heard)
            yield now, put, at, told, _with(family, number, (position + 1, seen, None))


def _do(what: str, whom: str, dirs: Any, files: Any, heard: Any) -> Any:
    if what in ("open", "write"):
        kept = dict(files)
        kept[f"seen by {whom}"] = repr(list(heard)) if what == "write" else ""
        return dirs, tuple(sorted(kept.items())), heard
    there = whom in dirs
    if what == "ask":
        return dirs, files, (*heard, there)
    if what == "make":
        return dirs | {whom}, files, (*heard, not there)
    return dirs - {whom}, files, (*heard, there)


def _with(family: Any, number: int, one: Any) -> Any:
    return (*family[:number], one, *family[number + 1 :])
