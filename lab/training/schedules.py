"""A schedule as a person types it: "a a b b a", "alice*2 bob*2", "alice bob, alice".

"alice!" is no step of hers: her task is cancelled there, or her process killed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from lab.errors import InvalidValue

MOST = 2_000
"""Steps of a typed schedule."""
STRIKE = "!"
"""Behind a name: who is cancelled or killed."""
_SEPARATORS = re.compile(r"[\s,|]+")


def parse(text: str, actors: Sequence[str]) -> list[str]:
    """Who takes each step; the beginning of a name is enough where only one actor's begins so.

    Raises InvalidValue in one line that names the word.
    """
    if any(re.search(r"[\s,|*]", actor) for actor in actors):
        text, actors, back = _without_gaps(text, actors)
    else:
        back = {}
    order: list[str] = []
    for word in filter(None, _SEPARATORS.split(text.strip())):
        name, star, count = word.partition("*")
        struck = name.endswith(STRIKE) and not star
        if star and not re.fullmatch(r"[1-9][0-9]{0,3}", count):
            raise InvalidValue(
                f"schedule: {_shown(word)}: give ACTOR*STEPS with a number of steps, as in {actors[0]}*2"
            )
        found = _meant(name.removesuffix(STRIKE) if struck else name, actors)
        order += [back.get(found, found) + STRIKE * struck] * (int(count) if star else 1)
        if len(order) > MOST:
            raise InvalidValue(f"schedule: more than {MOST:,} steps; a shorter one is enough")
    if not order:
        raise InvalidValue(f"schedule: is empty; name who takes each step, as in {actors[0]} {actors[-1]} {actors[0]}")
    return order


def written(order: Sequence[str]) -> str:
    """The order as `parse` reads it, and short."""
    runs = [(name, len(list(steps))) for name, steps in groupby(order)]
    return " ".join(name if count == 1 else f"{name}*{count}" for name, count in runs)


def _meant(name: str, actors: Sequence[str]) -> str:
    found = [actor for actor in actors if actor == name] or [
        actor for actor in actors if name and actor.casefold().startswith(name.casefold())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidValue(f"schedule: {_shown(name)} may be {' or '.join(found)}; write more of the name")
    raise InvalidValue(f"schedule: {_shown(name)} is no actor; choose from {', '.join(actors)}")


def _without_gaps(text: str, actors: Sequence[str]) -> tuple[str, list[str], dict[str, str]]:
    """Names like "copy 1" are one word while the text is taken apart."""
    back = {re.sub(r"[\s,|*]", "_", actor): actor for actor in actors}
    for word, actor in sorted(back.items(), key=lambda one: -len(one[1])):
        text = text.replace(actor, word)
    return text, list(back), back


def _shown(word: str) -> str:
    return ascii(word if len(word) <= 30 else word[:27] + "...")
