"""When two executions fail alike: the same kind of failure at the same place."""

from __future__ import annotations

import re

from lab.program import Failure

_HOLDER = re.compile(r"; .* holds it since ")
_PLACE = re.compile(r"^.*?: (?=.*:\d+ in )")  # the actor before a line of a traceback
_WAITS = re.compile(r"^(?P<actor>.*?) waits for ")


def identity_of_failure(failure: Failure) -> tuple[object, ...]:
    """Equal for failures of the same kind at the same place, whoever of several like actors it struck.

    Exceptions are alike when their type and the line they were raised at are; outcomes and failed
    checks when they say the same; standstills when those that wait for each other do so for the same
    objects at the same lines; executions without an end are all alike.
    """
    kind = failure.kind
    if kind == "livelock":
        return (kind,)
    if kind == "exception" and failure.detail:
        return (kind, failure.message.partition(":")[0].partition(" left ")[0], _PLACE.sub("", failure.detail[-1]))
    if kind in ("deadlock", "lost wakeup", "leak"):
        return (kind, *sorted(_waits(failure)))
    return (kind, failure.message)


def failing_in(one: Failure, other: Failure) -> bool:
    """Whether two failures are alike but for the line: exceptions of the same type that left the same function.

    In another order an exception may come from another access to the same thing a line further down.
    """
    if one.kind == other.kind == "exception" and one.detail and other.detail:
        return _left(one) == _left(other)
    return identity_of_failure(one) == identity_of_failure(other)


def _left(failure: Failure) -> tuple[str, str, str]:
    place = _PLACE.sub("", failure.detail[-1])
    return (
        failure.message.partition(":")[0].partition(" left ")[0],
        place.rpartition(" in ")[0].rpartition(":")[0],
        place.rpartition(" in ")[2],
    )


def _waits(failure: Failure) -> list[str]:
    """What those waited for, and where, that the message is about."""
    told = []
    for line in failure.detail:
        match = _WAITS.match(line)
        if match is None:
            continue
        actor = re.escape(match["actor"])
        if re.search(rf"(?:^|, | and ){actor} (?:waits|was left behind)", failure.message):
            told.append(_HOLDER.sub("; held since ", line[match.end() :]))
    return told or [failure.message]
