"""Patterns at files, their names and databases."""

from __future__ import annotations

from lab.detectors.account import Account, did
from lab.detectors.candidate import Candidate, Found, check_then_act, stale_read

_LOOKS = ("asks", "tests", "opens", "removes")
"""What a step begins with from which its actor knows what a name stands for, or that it stands for nothing."""


def stale_row(account: Account) -> Found:
    """What was fetched from a database is no longer in it when it is acted upon."""
    steps = account.steps
    for act in reversed(range(len(steps))):
        if steps[act].word != "executes in" or not account.changes(act):
            continue
        actor = steps[act].actor
        for look in reversed(account.own(actor, -1, act)):
            if steps[look].word != "fetches from":
                continue
            changes = [one for one in account.others(actor, look, act) if account.changes(one)]
            # Until it is fetched, a row keeps writers away: what could have come before is the whole query.
            asked = [one for one in reversed(account.own(actor, -1, look)) if steps[one].word == "executes in"][:1]
            for change in sorted(changes, key=lambda one: steps[one].word != "commits to"):
                if account.conflict(look, change) and account.conflict(change, act):
                    pairs = [(look, change), *((query, change) for query in asked), (change, act)]
                    yield stale_read(account, tuple(pairs), look, change, act)


def replaced(account: Account) -> Found:
    """Of two who open a file and put another one in its place, the second one undoes what the first one did."""
    steps = account.steps
    for last in reversed(range(len(steps))):
        actor = steps[last].actor
        if not steps[last].word.startswith("renames"):
            continue
        for between in reversed(account.others(actor, -1, last)):
            if not steps[between].word.startswith("renames") or not _names(account, between) & _names(account, last):
                continue
            for opened in reversed(account.own(actor, -1, between)):
                if steps[opened].word.startswith("opens") and _names(account, opened) & _names(account, between):
                    yield Candidate(
                        ((opened, between), (between, last)),
                        f"{actor} {did(steps[opened])} (step {opened + 1}) before {steps[between].actor} "
                        f"{did(steps[between])} (step {between + 1}), and then {did(steps[last])} over it "
                        f"(step {last + 1}): a lost update.",
                        "lost update",
                    )
                    break


def changed_name(account: Account) -> Found:
    """A name no longer stands for what it was found to stand for."""
    steps = account.steps
    for act in reversed(range(len(steps))):
        actor = steps[act].actor
        for change in reversed(account.others(actor, -1, act)):
            if not account.changes(change):
                continue
            names = {place for place, writes in account.touches[change] if writes} & _names(account, act)
            if not names:
                continue
            for look in reversed(account.own(actor, -1, change)):
                if steps[look].word.startswith(_LOOKS) and names & _names(account, look):
                    yield check_then_act(account, look, change, act)
                    break


def mixed_write(account: Account) -> Found:
    """What one writes into a file in several steps has something of another one in the middle."""
    steps = account.steps
    for last in reversed(range(len(steps))):
        actor, first = steps[last].actor, None
        if steps[last].word == "writes" and _contents(account, last):
            first = next((one for one in reversed(account.own(actor, -1, last)) if _alike(account, one, last)), None)
        if first is None:
            continue
        for between in account.others(actor, first, last):
            if _alike(account, between, last):
                yield Candidate(
                    ((between, last), (first, between)),
                    f"{steps[between].actor} {did(steps[between])} (step {between + 1}) after {actor} "
                    f"{did(steps[first])} (step {first + 1}) and before {actor} {did(steps[last])} (step {last + 1}): "
                    "a torn write.",
                    "torn write",
                )


def _alike(account: Account, one: int, other: int) -> bool:
    """Whether both write into the same file."""
    return account.steps[one].word == "writes" and bool(_contents(account, one) & _contents(account, other))


def _contents(account: Account, position: int) -> set[object]:
    return {place for place in account.places(position) if isinstance(place, tuple) and place[1] == "contents"}


def _names(account: Account, position: int) -> set[object]:
    """The names of files, as entries of their folders, that a step touches."""
    return {
        place
        for place in account.places(position)
        if isinstance(place, tuple) and isinstance(place[1], tuple) and place[1][0] == "entry"
    }
