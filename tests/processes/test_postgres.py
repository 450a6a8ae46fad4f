"""PostgreSQL as processes use it: what their sessions wait for, and how these end with them."""

import contextlib

import pytest

import lab
from tests.files.seats import (
    LEVELS,
    add,
    admin,  # noqa: F401  # a fixture
    advised,
    both,
    connected,
    explored,
    skewed,
    table,
    take,
    taken,
)

pytestmark = [pytest.mark.usefixtures("admin")]


def processes(alice, bob, **named):
    return explored(alice, bob, on="processes", **{"strategy": "dpor", **named})


def test_read_committed_loses_an_update():
    verdict = processes(take(), take(), allowed={(2, 0)})
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome (1, 0) (allowed: (2, 0))")
    again = lab.replay(verdict.witness, table, {"alice": take(), "bob": take()}, outcome=taken, allowed={(2, 0)})
    assert again.reason.startswith("fails again")


def test_a_row_lock_keeps_it_and_who_waits_is_seen():
    verdict = processes(take("FOR UPDATE"), take("FOR UPDATE"), allowed={(2, 0)})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(2, 0)}), str(verdict)


def test_repeatable_read_refuses_the_second_one():
    verdict = processes(take(level=LEVELS.REPEATABLE_READ), take(level=LEVELS.REPEATABLE_READ), allowed={(2, 0)})
    assert verdict.failure.kind == "exception"
    assert verdict.failure.message in [
        f"SerializationFailure: could not serialize access due to concurrent update left {name}"
        for name in ("alice", "bob")
    ]


def test_a_deadlock_is_the_servers_to_end():
    verdict = processes(both(1, 2), both(2, 1))
    assert verdict.failure.kind == "exception"
    assert "DeadlockDetected: deadlock detected" in verdict.failure.message
    again = lab.replay(verdict.witness, table, {"alice": both(1, 2), "bob": both(2, 1)}, outcome=taken)
    assert again.reason.startswith("fails again")


def test_two_rows_that_belong_together_need_serializable():
    run = skewed(LEVELS.REPEATABLE_READ)
    verdict = processes(run(1), run(2), allowed={(1, 0), (0, 1)})
    assert verdict.failure.message == "outcome (1, 1) (allowed: (0, 1), (1, 0))"
    run = skewed(LEVELS.SERIALIZABLE)
    verdict = processes(run(1), run(2), allowed={(1, 0), (0, 1)})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(1, 0), (0, 1)}), str(verdict)


def test_an_advisory_lock_is_waited_for():
    verdict = processes(advised, advised, allowed={(2, 0)})
    assert (verdict.failure, set(verdict.outcomes)) == (None, {(2, 0)}), str(verdict)


def leaves_open(state):
    state.append(connected())
    state[-1].execute("UPDATE seats SET taken = taken + 1 WHERE id = 1")


def new_list():
    table()
    return []


def test_what_a_process_left_open_ends_with_it():
    actors = {"alice": leaves_open, "bob": add(10)}
    verdict = lab.explore(new_list, actors, outcome=taken, on="processes", strategy="dpor", seconds=60)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(10, 0)}), str(verdict)


def keeps_lock(state):
    state.append(connected(autocommit=True))
    state[-1].execute("SELECT pg_advisory_lock(1)")


def test_an_advisory_lock_that_a_process_left_ends_with_it():
    actors = {"alice": keeps_lock, "bob": advised}
    verdict = lab.explore(new_list, actors, outcome=taken, on="processes", strategy="dpor", seconds=60)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(1, 0)}), str(verdict)


def forgets(state):
    connected().execute("UPDATE seats SET taken = taken + 1 WHERE id = 1")


@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
def test_what_is_forgotten_is_closed():
    verdict = processes(forgets, add(10))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(10, 0)}), str(verdict)


def test_a_killed_actor_leaves_nothing_of_its_transaction():
    verdict = processes(both(1, 2), add(10), crash=("alice",))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(11, 1), (10, 0)}), str(verdict)


def test_a_killed_actor_leaves_what_it_had_committed():
    def one_by_one(state):
        add(1)(state)
        add(1, 2)(state)

    verdict = processes(one_by_one, add(10), crash=("alice",))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(10, 0), (11, 0), (11, 1)}), str(verdict)


def test_who_is_killed_while_it_waits_may_have_changed_something_all_the_same():
    verdict = processes(add(1), both(1, 2), crash=("alice",))
    assert verdict.status == "unknown"
    assert verdict.reason.endswith("but alice was killed while it waited in a database, which goes on without it"), (
        verdict.reason
    )
    assert set(verdict.outcomes) == {(2, 1), (1, 1)}


def test_a_connection_that_setup_made_is_not_under_control():
    def setup():
        table()
        return connected(autocommit=True)

    def use(db):
        db.execute("UPDATE seats SET taken = taken + 1 WHERE id = 1")

    actors = {"alice": use, "bob": use}
    verdict = lab.explore(
        setup, actors, outcome=lambda db: taken(db), teardown=lambda db: db.close(), on="processes", strategy="dpor"
    )
    assert verdict.status == "unknown"
    assert any(
        "uses a connection to a server that another process has opened, so that two have one socket, "
        "which is not under control" in one
        for one in verdict.uncontrolled
    ), verdict.uncontrolled


def test_who_closes_the_connection_of_another_one_is_told():
    def setup():
        table()
        return connected(autocommit=True)

    def use(db):
        with db:
            db.execute("UPDATE seats SET taken = taken + 1 WHERE id = 1")

    with contextlib.ExitStack() as stack:
        made = []

        def kept():
            made.append(stack.enter_context(contextlib.closing(setup())))
            return made[-1]

        verdict = lab.explore(kept, {"alice": use, "bob": use}, on="processes", strategy="dpor")
    assert verdict.status in ("fails", "unknown")
    assert any("another process has opened" in one for one in verdict.uncontrolled), str(verdict)
