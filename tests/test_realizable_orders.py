"""Whether a witness can happen on a build with the lock: blocks, and who waits for a lock, against brute force."""

import itertools
import random
from dataclasses import replace

from lab.detectors.realizable import Moment, grade


def possible(moments):
    """Whether some order of the steps keeps conflicts and blocks: tries all of them."""
    blocks, latest = [], {}
    for number, moment in enumerate(moments):
        if moment.actor not in latest or moment.surely:
            latest[moment.actor] = number
        blocks.append(latest[moment.actor])
    steps = range(len(moments))
    before = {
        (one, other)
        for one, other in itertools.combinations(steps, 2)
        if moments[one].actor == moments[other].actor
        or one in moments[other].after
        or any(
            place == there and (writes or written)
            for place, writes in moments[one].places
            for there, written in moments[other].places
        )
    }
    found = sorted(set(blocks))
    for order in itertools.permutations(found):
        place = [step for block in order for step in steps if blocks[step] == block]
        if all(place.index(one) < place.index(other) for one, other in before):
            return True
    return False


def drawn(source):
    """A few steps of a few actors."""
    return [
        Moment(
            source.choice("abc"),
            f"file.py:{number}",
            tuple({source.randrange(3): source.random() < 0.5 for _ in range(source.choice((1, 1, 2)))}.items()),
            surely=source.random() < 0.4,
            after=(source.randrange(number),) if number and source.random() < 0.1 else (),
        )
        for number in range(source.randrange(2, 9))
    ]


def locked_orders(moments):
    """Whether the steps can be taken one by one as a build with the lock would: tries all that can come next.

    An actor that comes to a held lock waits. Shares nothing with the lab but `Moment`.
    """
    actors = sorted({moment.actor for moment in moments})
    steps = {actor: [at for at, one in enumerate(moments) if one.actor == actor] for actor in actors}

    def conflict(one, other):
        return any(
            place == there and (writes or written)
            for place, writes in moments[one].places
            for there, written in moments[other].places
        )

    def ready(step, done):
        return all(one in done for one in range(step) if conflict(one, step) or one in moments[step].after)

    def held(step, done):
        return any(taken in done and given_back not in done for taken, given_back in moments[step].held)

    def go_on(done, running, waiting):
        if len(done) == len(moments):
            return True
        for actor in [running] if running else actors:
            left = [step for step in steps[actor] if step not in done]
            if not left:
                continue
            step, rest = left[0], left[1:]
            if ready(step, done):
                free = not rest or moments[rest[0]].surely or actor in waiting
                if go_on(done | {step}, None if free else actor, waiting - {actor}):
                    return True
            elif actor not in waiting and held(step, done) and go_on(done, None, waiting | {actor}):
                return True
        return False

    return go_on(frozenset(), None, frozenset())


def with_a_lock(source):
    """A few steps of a few actors, some of them with a lock that is taken and given back by everybody in turn."""
    parts = ("a", "LU", "LaU", "aLaU")
    plans = {
        name: list("".join(source.choice(parts) for _ in range(source.randrange(1, 3))))
        for name in "abc"[: source.choice((2, 3))]
    }
    moments, holder, since, holds = [], None, 0, []
    while any(plans.values()):
        name = source.choice([one for one, plan in plans.items() if plan and (plan[0] != "L" or holder is None)])
        word, number = plans[name].pop(0), len(moments)
        places = (("lock", True),) if word in "LU" else ((source.randrange(2), source.random() < 0.5),)
        held = tuple((taken, back) for who, taken, back in holds if who != name) if word == "L" else ()
        if word == "L":
            holder, since = name, number
        elif word == "U":
            holds.append((name, since, number))
            holder = None
        moments.append(Moment(name, f"file.py:{number}", places, source.random() < 0.25, held=held))
    return moments


def test_waiting_for_a_lock_against_every_order():
    """Exactly: a lock that nobody can be interrupted with is never waited for."""
    source = random.Random(9)
    found, decided = {"yes": 0, "no": 0}, 0
    for _ in range(1000):
        moments = with_a_lock(source)
        given = grade(moments)
        assert given.status == ("yes" if locked_orders(moments) else "no"), moments
        found[given.status] += 1
        decided += given.status == "yes" and not locked_orders([replace(one, held=()) for one in moments])
    assert min(found.values()) > 100
    assert decided > 2  # in which somebody has to wait


def test_too_much_to_try_is_left_open(monkeypatch):
    """Then who has to wait is not known, and nothing is made up."""
    source = random.Random(9)
    drawn_moments = [with_a_lock(source) for _ in range(1000)]
    exactly = [grade(moments).status for moments in drawn_moments]
    monkeypatch.setattr("lab.detectors.orders.MOST_STATES", 1)
    roughly = [grade(moments) for moments in drawn_moments]
    assert {other.status for one, other in zip(exactly, roughly, strict=True) if one != other.status} == {"unknown"}
    assert all(
        other.reason.endswith("it depends on who has to wait for a lock")
        for other in roughly
        if other.status == "unknown"
    )


def test_blocks_against_every_order():
    source = random.Random(7)
    found = {"yes": 0, "no": 0}
    for _ in range(3000):
        moments = drawn(source)
        given = grade(moments)
        assert given.status == ("yes" if possible(moments) else "no"), moments
        found[given.status] += 1
    assert min(found.values()) > 500


def test_a_doubtful_point_leaves_it_open():
    """With the point it is possible and without it is not."""
    source = random.Random(8)
    found = {"yes": 0, "no": 0, "unknown": 0}
    for _ in range(1500):
        moments = [
            replace(one, surely=False, maybe="may be one") if source.random() < 0.3 else one for one in drawn(source)
        ]
        taken = [replace(one, surely=one.surely or bool(one.maybe)) for one in moments]
        left = [replace(one, maybe="") for one in moments]
        given = grade(moments)
        assert given.status == ("no" if not possible(taken) else "yes" if possible(left) else "unknown")
        assert given.status != "unknown" or given.reason.endswith(" may be one")
        found[given.status] += 1
    assert min(found.values()) > 50
