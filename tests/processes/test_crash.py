"""An actor that may be killed between two of its operations: what is left is judged, and every moment is tried."""

import fcntl
import multiprocessing
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import lab
from lab.errors import InvalidType, InvalidValue
from tests.processes.generate import every_tree_after_a_kill, programs, setup, silent_actor, tree


def explore(setup, actors, **options):
    return lab.explore(setup, actors, on="processes", **{"strategy": "dpor", "seconds": 60, "crash": True, **options})


def text(state):
    return Path("data").read_text()


def save(state):
    with open("data", "w") as file:
        file.write("new")


def save_beside(state):
    with open("beside", "w") as file:
        file.write("new")
    os.replace("beside", "data")


def old():
    Path("data").write_text("old")


@pytest.mark.parametrize("seed", range(6))
def test_every_outcome_and_no_other(seed, tmp_path):
    found = programs(seed, steps=2)
    actors = {name: silent_actor(calls) for name, calls in zip(("alice", "bob"), found, strict=True)}
    verdict = explore(setup, actors, outcome=lambda state: tree())
    assert verdict.status == "holds", str(verdict)
    assert set(verdict.outcomes) == every_tree_after_a_kill(found, tmp_path)


def test_a_file_that_is_written_half_is_seen_and_seen_again():
    actors, judged = {"alice": save}, {"outcome": text, "allowed": {"old", "new"}}
    verdict = explore(old, actors, **judged)
    assert (verdict.status, verdict.failure.kind, verdict.failure.message) == (
        "fails",
        "outcome",
        "outcome '' (allowed: 'new', 'old')",
    )
    steps = [(step.actor, step.word, step.value) for step in verdict.witness.trace.steps]
    assert steps[-1] == ("alice", "is killed", "before it writes data")
    assert verdict.witness.crashes == ("alice",)
    assert lab.replay(verdict.witness, old, actors, **judged).status == "fails"
    again = lab.replay(verdict.witness, old, {"alice": save_beside}, **judged)
    assert again.status == "unknown"
    assert again.reason.startswith("stale")


def test_a_file_that_is_exchanged_is_old_or_new():
    verdict = explore(old, {"alice": save_beside}, outcome=text, allowed={"old", "new"})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"old", "new"})


def test_only_who_may_be_killed_is():
    def other(state):
        Path("other").touch()

    verdict = explore(old, {"alice": save, "bob": other}, outcome=text, crash=("bob",))
    assert set(verdict.outcomes) == {"new"}
    assert verdict.status == "holds"
    assert set(explore(old, {"alice": save}, outcome=text, crash=False).outcomes) == {"new"}


def test_a_write_is_cut_at_a_page():
    def big(state):
        Path("data").write_text("x" * 10_000)

    def piecewise(state):
        fd = os.open("data", os.O_RDWR)
        os.pwrite(fd, b"y" * 5_000, 4_000)
        os.lseek(fd, 0, os.SEEK_END)
        os.write(fd, b"y" * 4_096)

    verdict = explore(old, {"alice": big}, outcome=lambda state: len(text(state)))
    assert set(verdict.outcomes) == {3, 0, 4_096, 8_192, 10_000}
    verdict = explore(old, {"alice": piecewise}, outcome=lambda state: len(text(state)))
    assert set(verdict.outcomes) == {3, 4_096, 8_192, 9_000, 12_288, 13_096}


def test_nobody_comes_into_the_middle_of_a_write():
    def big(state):
        Path("data").write_text("x" * 5_000)

    def size(state):
        Path("seen").write_text(str(os.stat("data").st_size))

    verdict = explore(
        old, {"alice": big, "bob": size}, outcome=lambda state: Path("seen").read_text(), crash=("alice",)
    )
    assert verdict.status == "holds"
    assert set(verdict.outcomes) == {"3", "0", "4096", "5000"}
    uncut = explore(old, {"alice": big, "bob": size}, outcome=lambda state: Path("seen").read_text(), crash=("bob",))
    assert "4096" not in str(set(uncut.outcomes))


def test_a_file_lock_ends_with_its_process():
    def locked(state):
        with open("lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            save(state)

    verdict = explore(old, {"alice": locked, "bob": locked}, outcome=text)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"new", ""})


def test_a_lock_of_multiprocessing_does_not():
    def locked(lock):
        with lock:
            Path("data").touch()

    verdict = explore(multiprocessing.Lock, {"alice": locked, "bob": locked})
    assert (verdict.status, verdict.failure.kind) == ("fails", "deadlock")
    assert "alice" in verdict.failure.message + " ".join(verdict.failure.detail)


def test_a_transaction_that_is_not_over_is_rolled_back():
    def make():
        with closing(sqlite3.connect("bank")) as bank, bank:
            bank.execute("CREATE TABLE account (name, amount)")
            bank.execute("INSERT INTO account VALUES ('a', 9), ('b', 0)")

    def transfer(state):
        with closing(sqlite3.connect("bank")) as bank, bank:
            bank.execute("UPDATE account SET amount = amount - 5 WHERE name = 'a'")
            bank.execute("UPDATE account SET amount = amount + 5 WHERE name = 'b'")

    def total(state):
        with closing(sqlite3.connect("bank")) as bank, bank:
            return tuple(amount for (amount,) in bank.execute("SELECT amount FROM account ORDER BY name"))

    verdict = explore(make, {"alice": transfer}, outcome=total)
    assert set(verdict.outcomes) == {(9, 0), (4, 5)}, str(verdict)


def test_who_asks_whether_a_process_goes_on():
    def begin():
        Path("pid").write_text("0")

    def stays(state):
        Path("pid").write_text(str(os.getpid()))
        Path("work").touch()

    def asks(state):
        pid = int(Path("pid").read_text() or "0")
        try:
            alive = pid and (os.kill(pid, 0), "alive")[1]
        except ProcessLookupError:
            alive = "gone"
        Path("seen").write_text(str(alive))

    def seen(state):
        return Path("seen").read_text()

    verdict = explore(begin, {"alice": stays, "bob": asks}, outcome=seen, crash=False)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"0", "alive", "gone"})
    verdict = explore(begin, {"alice": stays, "bob": asks}, outcome=seen, crash=("alice",))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"0", "alive", "gone"})


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        (
            {"crash": True, "on": "auto"},
            InvalidValue,
            "only processes can be killed; add on='processes' or leave it out",
        ),
        ({"crash": "alice"}, InvalidType, "crash='alice': give True, or a tuple of actors' names, such as ('worker',)"),
        ({"crash": ("carol",)}, InvalidValue, "crash: 'carol' is no actor; choose from alice"),
        ({"preemptions": 1}, InvalidValue, "preemptions=1: who is killed is not preempted; leave it or crash= out"),
    ],
)
def test_what_cannot_work_is_told(options, kind, told):
    with pytest.raises(kind) as caught:
        lab.explore(dict, {"alice": len}, **{"on": "processes", "crash": True, **options})
    assert told in str(caught.value)


def counted(state):
    with open("lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        count = int(text(state))
        Path("data").write_text(str(count + 1))


def stored(state):
    bank = sqlite3.connect("bank")
    bank.execute("UPDATE account SET amount = amount + 1")
    bank.execute("UPDATE account SET amount = amount + 10")
    bank.commit()
    bank.close()


def tried(lock):
    if lock.acquire(timeout=0.1):
        with open("data", "a") as file:
            file.write("x")
        lock.release()
    else:
        Path("given up").touch()


def make_count():
    Path("data").write_text("0")


def make_bank():
    with closing(sqlite3.connect("bank")) as bank, bank:
        bank.execute("CREATE TABLE account (amount)")
        bank.execute("INSERT INTO account VALUES (0)")


def amount(state):
    with closing(sqlite3.connect("bank")) as bank, bank:
        return bank.execute("SELECT amount FROM account").fetchone()


def make_lock():
    Path("data").touch()
    return multiprocessing.Lock()


def what_is_there(state):
    return text(state), os.path.exists("given up")


@pytest.mark.parametrize(
    ("make", "actor", "outcome"),
    [(make_count, counted, text), (make_bank, stored, amount), (make_lock, tried, what_is_there)],
)
def test_what_drawn_schedules_come_to_is_known(make, actor, outcome):
    actors = {"alice": actor, "bob": actor}
    drawn = explore(make, actors, outcome=outcome, strategy="random", schedules=50)
    covered = explore(make, actors, outcome=outcome)
    assert set(drawn.outcomes) <= set(covered.outcomes), str(covered)
    assert len(covered.outcomes) > 1
