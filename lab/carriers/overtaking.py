"""Who could come before an actor whose statement a server has let go on: in what order they do is the server's choice.

A statement that has waited in a server for somebody's lock goes on there as soon as the lock is free, whoever is chosen
here.  So it is let come to its end first.  Others who ask the server for something might be faster in truth, which
nobody can make them be: that is put down, as those schedules are not covered.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.carriers.actor import Actor, conflict

IN_SERVER = "server"
"""The kind of a wait that a server ends."""


def without_overtakers(enabled: Sequence[Actor], doubts: dict[str, None]) -> list[Actor]:
    """Those of ``enabled`` who come to nothing that depends on what a server has let go on."""
    going = [actor for actor in enabled if actor.wait is not None and actor.wait.kind == IN_SERVER]
    kept = []
    for actor in enabled:
        ahead = next((one for one in going if one is not actor and conflict(one, actor)), None)
        if ahead is None or (actor in going and going.index(actor) < going.index(ahead)):
            kept.append(actor)
        if ahead is not None:
            doubts[
                f"{ahead.name}'s statement waited in the server and came before {actor.name} went on, "
                "which may be the other way round"
            ] = None
    return kept
