"""Patterns at locks, and those that are named only where no more particular one fits."""

from __future__ import annotations

from lab.detectors import candidate
from lab.detectors.account import Account, did
from lab.detectors.candidate import Candidate, Found


def double_release(account: Account) -> Found:
    """Somebody gives back more often than it took."""
    steps = account.steps
    for position, step in enumerate(steps):
        if step.word != "releases":
            continue
        own = [one for one in account.own(step.actor, -1, position + 1) if account.same(one, position)]
        taken = [one for one in own if steps[one].word == "acquires"]
        given = [one for one in own if steps[one].word == "releases"]
        if taken and len(given) > len(taken):
            for after in account.others(step.actor, position):
                if account.same(after, position) and steps[after].word == "acquires":
                    yield Candidate(
                        ((position, after),),
                        f"{step.actor} acquired {step.name} {_times(len(taken))} and released it "
                        f"{_times(len(given))}, the "
                        f"last time (step {position + 1}) before {steps[after].actor} acquired it (step {after + 1}): "
                        "a double release.",
                        "double release",
                        tuple(one for one in range(len(steps)) if account.same(one, position)),
                    )


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def failed_try(account: Account) -> Found:
    """A lock is held when somebody tries it."""
    steps = account.steps
    for attempt in reversed(range(len(steps))):
        step = steps[attempt]
        if step.word != "tries to acquire":
            continue
        same = [one for one in range(attempt) if account.same(one, attempt)]
        if same and steps[same[-1]].word == "acquires" and steps[same[-1]].actor != step.actor:
            taken = same[-1]
            yield Candidate(
                ((taken, attempt),),
                f"{step.actor} tried to acquire {step.name} (step {attempt + 1}) while {steps[taken].actor} held it "
                f"(since step {taken + 1}): a failed try.",
                "failed try",
            )


def stale_read(account: Account) -> Found:
    """Somebody goes on with a value that is not the present one."""
    steps = account.steps
    for read in reversed(range(len(steps))):
        if steps[read].word != "reads" or account.changes(read):
            continue
        actor = steps[read].actor
        for change in account.others(actor, read):
            if account.changes(change) and account.conflict(read, change):
                later = account.own(actor, change)
                if later and not any(account.conflict(one, change) for one in later):
                    yield candidate.stale_read(account, ((read, change),), read, change, later[0])


def first_look(account: Account) -> Found:
    """Somebody acts upon what it saw first, though it has looked again since: that was for the value only."""
    steps = account.steps
    for act in reversed(range(len(steps))):
        if steps[act].word != "writes":
            continue
        actor = steps[act].actor
        looked = [one for one in account.own(actor, -1, act) if steps[one].word == "reads" and account.same(one, act)]
        for look in looked[:-1]:
            for change in account.others(actor, look, looked[-1]):
                if account.changes(change) and account.conflict(look, change):
                    yield candidate.check_then_act(account, look, change, act)


def torn_write(account: Account) -> Found:
    """One thing is changed in several steps, and somebody looks at it in between."""
    steps = account.steps
    for look in reversed(range(len(steps))):
        if steps[look].word != "reads" or account.changes(look):
            continue
        for actor in dict.fromkeys(steps[one].actor for one in account.others(steps[look].actor, -1)):
            changed = [one for one in account.own(actor, -1) if account.changes(one) and account.conflict(one, look)]
            before, after = [one for one in changed if one < look], [one for one in changed if one > look]
            if before and after and steps[before[-1]].name == steps[after[-1]].name == steps[look].name:
                yield Candidate(
                    ((look, after[-1]), (look, after[0])),
                    f"{steps[look].actor} {did(steps[look])} (step {look + 1}) after {actor} {did(steps[before[-1]])} "
                    f"(step {before[-1] + 1}) and before {actor} {did(steps[after[-1]])} (step {after[-1] + 1}): "
                    "a torn write.",
                    "torn write",
                )
