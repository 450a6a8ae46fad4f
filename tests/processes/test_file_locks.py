"""Locks of `fcntl` that processes would wait for in a circle."""

import errno
import fcntl
from pathlib import Path

import lab


def zero():
    Path("n").write_text("0")
    Path("other").write_text("0")


def add(file):
    file.seek(0)
    number = int(file.read())
    file.seek(0)
    file.write(str(number + 1))
    file.flush()


def number(state):
    return Path("n").read_text()


def upgrade(state):
    with open("n", "r+") as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        file.read()
        fcntl.lockf(file, fcntl.LOCK_EX)
        add(file)


def upgrade_or_begin_again(state):
    with open("n", "r+") as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno != errno.EDEADLK:
                raise
            fcntl.lockf(file, fcntl.LOCK_UN)
            fcntl.lockf(file, fcntl.LOCK_EX)
        add(file)


def both(actor):
    return {"alice": actor, "bob": actor}


def explore(actors, **options):
    return lab.explore(zero, actors, outcome=number, on="processes", strategy="dpor", seconds=60, **options)


def test_who_would_close_a_circle_is_told_so_by_the_system():
    verdict = explore(both(upgrade))
    assert verdict.failure.kind == "exception"
    assert verdict.failure.message == "OSError: [Errno 35] Resource deadlock avoided left bob"
    told = [(step.actor, step.what) for step in verdict.witness.trace.steps if "refused" in step.what]
    assert told == [("bob", "acquires (refused) n a circle of processes that would wait for each other")]
    again = lab.replay(verdict.witness, zero, both(upgrade), outcome=number)
    assert again.reason.startswith("fails again")


def test_who_begins_again_when_told_so_goes_on():
    verdict = explore(both(upgrade_or_begin_again))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"2"})


def test_a_circle_over_two_files():
    def locks(first, second):
        def run(state):
            with open(first, "r+") as one, open(second, "r+") as other:
                fcntl.lockf(one, fcntl.LOCK_EX)
                try:
                    fcntl.lockf(other, fcntl.LOCK_EX)
                except OSError:
                    Path(f"{first} first").touch()

        return run

    verdict = lab.explore(
        zero,
        {"alice": locks("n", "other"), "bob": locks("other", "n")},
        outcome=lambda state: " and ".join(sorted(path.name for path in Path().glob("* first"))),
        on="processes",
        strategy="dpor",
    )
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"", "n first", "other first"})


def test_a_circle_of_locks_that_belong_to_open_files_is_waited_in_for_ever():
    def flocks(first, second):
        def run(state):
            with open(first, "r+") as one, open(second, "r+") as other:
                fcntl.flock(one, fcntl.LOCK_EX)
                fcntl.flock(other, fcntl.LOCK_EX)

        return run

    verdict = explore({"alice": flocks("n", "other"), "bob": flocks("other", "n")})
    assert verdict.failure.message == "alice waits for other of bob, bob waits for n of alice"
