"""What exploring processes comes to: outcomes, witnesses, findings."""

import asyncio
import atexit
import os
import signal
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

import lab
from lab.errors import InvalidType, InvalidValue
from tests.processes.programs import both, increment, increment_by_hand, increment_locked, value, zero


def explore(setup, actors, **options):
    options.setdefault("strategy", "dpor")
    return lab.explore(setup, actors, on="processes", seconds=60, **options)


def test_a_lost_update_is_witnessed_and_replayed():
    verdict = explore(zero, both(increment), outcome=value, allowed={2: "both"})
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome 1 (allowed: 2)")
    assert sorted(step.what for step in verdict.witness.trace.steps) == [
        *["reads counter '0'"] * 2,
        *["reads counter nothing"] * 2,
        *["writes counter '1'"] * 2,
    ]
    assert verdict.witness.carrier == "process"
    again = lab.replay(verdict.witness, zero, both(increment), outcome=value, allowed={2})
    assert again.reason == "fails again: outcome 1 (allowed: 2)"


def test_a_witness_on_disk_tells_that_a_repair_no_longer_fails(tmp_path):
    verdict = explore(zero, both(increment_by_hand), outcome=value, allowed={2})
    assert verdict.witness.pattern == "lost update"
    witness = lab.Witness.load(verdict.witness.save(tmp_path / "witness.json"))
    again = lab.replay(witness, zero, both(increment_by_hand), outcome=value, allowed={1, 2})
    assert again.reason == "no longer fails: all 4 steps were taken without the failure"
    other = lab.replay(witness, zero, both(increment_locked), outcome=value, allowed={2})
    assert other.reason.startswith("stale: diverged at step 1")


def test_a_file_lock_makes_one_class_of_each_order():
    verdict = explore(zero, both(increment_locked), outcome=value, allowed={2})
    assert (verdict.status, verdict.schedules, verdict.outcomes) == ("holds", 2, {2: 2})


def test_what_is_in_a_buffer_is_seen_by_nobody():
    def write(state):
        file = open("a", "w")  # noqa: SIM115 - it has to stay open
        file.write("x")
        state["file"] = file  # what the process has at its end is flushed as little as it ever is
        Path("done").touch()

    def look(state):
        done = os.path.exists("done")
        Path("seen").write_text(f"{done} {Path('a').read_text() if done else ''}")

    verdict = explore(dict, {"alice": write, "bob": look}, outcome=lambda state: Path("seen").read_text())
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"False ", "True "})


def test_a_file_that_ends_is_written():
    def write(state):
        open("a", "w").write("x")  # noqa: SIM115 - it ends here

    def look(state):
        Path("seen").write_text(Path("a").read_text())

    def outcome(state):
        return Path("seen").read_text()

    verdict = explore(lambda: Path("a").write_text("old"), {"alice": write, "bob": look}, outcome=outcome)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"old", "", "x"})


def killed(state):
    os.kill(os.getpid(), signal.SIGKILL)


def left(state):
    os._exit(3)


def complains(state):
    sys.exit("no such queue")


def exits(state):
    sys.exit(3)


def raises(state):
    raise ValueError("no such thing")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (killed, "alice was killed by SIGKILL"),
        (left, "alice ended its process with status 3"),
        (exits, "SystemExit: 3 left alice"),
        (complains, "SystemExit: no such queue left alice"),
        (raises, "ValueError: no such thing left alice"),
    ],
)
def test_an_end_that_is_none(function, message):
    verdict = explore(dict, {"alice": function, "bob": len})
    assert (verdict.status, verdict.failure.kind, verdict.failure.message) == ("fails", "exception", message)


def test_where_an_exception_came_from():
    verdict = explore(dict, {"alice": raises})
    assert [line.rpartition(os.sep)[2] for line in verdict.failure.detail] == [
        f"test_explore.py:{raises.__code__.co_firstlineno + 1} in raises"
    ]


def test_an_exit_without_complaint_is_an_end():
    assert explore(dict, {"alice": lambda state: sys.exit(0), "bob": len}).status == "holds"


def test_two_locks_in_two_orders():
    import fcntl

    def take(one, other):
        def run(state):
            with open(one, "a") as first, open(other, "a") as second:
                fcntl.flock(first, fcntl.LOCK_EX)
                fcntl.flock(second, fcntl.LOCK_EX)

        return run

    verdict = explore(dict, {"alice": take("a", "b"), "bob": take("b", "a")})
    assert (verdict.failure.kind, verdict.failure.message) == (
        "deadlock",
        "alice waits for b of bob, bob waits for a of alice",
    )
    assert verdict.witness.pattern == "lock-order inversion"


def test_a_lock_that_is_removed_is_another_one_for_who_comes_next():
    import fcntl

    def work(state):
        with open("lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            increment(state)
            os.unlink("lock")

    verdict = explore(zero, both(work), outcome=value, allowed={2})
    assert verdict.status == "fails"


def test_who_waits_in_a_loop_sleeps_until_it_comes():
    def wait(state):
        while not os.path.exists("flag"):
            time.sleep(0.1)

    verdict = lab.explore(
        dict, {"alice": wait, "bob": lambda state: Path("flag").touch()}, on="processes", schedules=20
    )
    assert (verdict.status, verdict.schedules) == ("holds", 1), str(verdict)


def test_a_loop_without_an_end_is_told():
    def wait(state):
        while not os.path.exists("flag"):
            pass

    verdict = explore(dict, {"alice": wait}, steps=50)
    assert verdict.status != "holds"
    assert "no end after" in f"{verdict.reason} {verdict.failure}"


@pytest.mark.parametrize(
    ("actors", "options", "error", "message"),
    [
        ({"a": len}, {"on": "process"}, InvalidValue, "on='process': unknown; choose one of auto, threads, processes"),
        (
            {"a": len},
            {"cancel": True},
            InvalidValue,
            "cancel=True: only tasks can be cancelled, and no actor is an async function; leave it out",
        ),
    ],
)
def test_what_cannot_work(actors, options, error, message):
    with pytest.raises(error) as caught:
        lab.explore(dict, actors, **{"on": "processes", **options})
    assert str(caught.value) == message


async def asleep(state):
    """An actor of another model."""


def test_tasks_are_no_processes():
    with pytest.raises(InvalidType) as caught:
        explore(dict, {"alice": asleep})
    assert str(caught.value) == (
        "on='processes': actor 'alice' is an async function; give a plain one, which may call asyncio.run()"
    )


@pytest.mark.parametrize("door", [lab.explore, lab.hammer])
def test_tasks_are_no_threads(door):
    with pytest.raises(InvalidType) as caught:
        door(dict, {"alice": asleep}, on="threads")
    assert str(caught.value) == (
        "on='threads': actor 'alice' is an async function, which runs as a task; leave on= out, or give a plain one"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"carrier": "thread"}, "carrier='thread': processes run on none; leave it or on='processes' out"),
        ({"trace": ("json",)}, "trace=('json',): processes are stopped at files, not at library code; leave it out"),
    ],
)
def test_what_processes_do_not_have(options, message):
    with pytest.raises(InvalidValue) as caught:
        explore(dict, {"alice": lambda state: None}, **options)
    assert str(caught.value) == message


def test_a_generator_is_told_in_the_words_of_the_other_models():
    def actor(state):
        return (one for one in ())

    with pytest.raises(InvalidType, match=r"^actors\['alice'\]: actor\(\) returned a generator that nobody runs"):
        explore(dict, {"alice": actor})


def test_no_exploration_inside_of_one():
    def actor(state):
        explore(dict, {"alice": len})

    for place in ({"setup": dict, "actors": {"alice": actor}}, {"setup": lambda: actor(None), "actors": [len]}):
        with pytest.raises(lab.errors.LabError) as caught:
            lab.explore(**place, on="processes")
        assert str(caught.value).startswith("explore() was called inside an exploration")


def test_the_private_directory_is_no_part_of_a_message():
    def actor(state):
        Path.cwd().joinpath(f"{os.getpid()}").mkdir(parents=False)
        os.listdir(Path.cwd() / "nowhere" / f"{os.getpid()}")

    verdict = explore(dict, {"alice": actor})
    assert verdict.failure.message == (
        "FileNotFoundError: [Errno 2] No such file or directory: 'nowhere/<pid of alice>' left alice"
    )


def test_who_waits_for_its_own_process_waits_for_ever():
    def setup():
        lock = threading.Lock()
        lock.acquire()
        return lock

    def wait(lock):
        Path("waits").touch()
        lock.acquire()

    verdict = explore(setup, {"alice": wait})
    assert (verdict.status, str(verdict.failure)) == (
        "fails",
        "deadlock: alice waits for ever for something in its own process",
    )
    assert "in test_who_waits_for_its_own_process_waits_for_ever.<locals>.wait" in verdict.failure.detail[0]

    def woken(lock):
        signal.signal(signal.SIGALRM, lambda *_: lock.release())
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        lock.acquire()

    verdict = explore(setup, {"alice": woken})
    assert verdict.status == "unknown"
    assert "has a signal sent later, which is not under control" in verdict.reason


def replace_counter(number):
    temporary = Path(f"{os.getpid()}.new")
    temporary.write_text(str(number))
    temporary.replace("counter")


@pytest.mark.parametrize("strategy", ["dpor", "auto", "random"])
def test_what_fails_before_anything_is_known_to_be_shared_is_witnessed(strategy):
    def add(state):
        found = value(state)
        time.sleep(1)
        replace_counter(found + 1)

    verdict = explore(zero, both(add), outcome=value, allowed={2}, strategy=strategy)
    assert (verdict.failure.message, verdict.witness.pattern) == ("outcome 1 (allowed: 2)", "lost update"), str(verdict)
    again = lab.replay(verdict.witness, zero, both(add), outcome=value, allowed={2})
    assert again.reason == "fails again: outcome 1 (allowed: 2)"


def test_an_event_loop_in_a_process_waits_in_virtual_time():
    async def add():
        found = value(None)
        await asyncio.sleep(1)
        replace_counter(found + 1)

    began = time.monotonic()
    program = zero, both(lambda state: asyncio.run(add()))
    verdict = explore(*program, outcome=value, allowed={2})
    assert verdict.failure.message == "outcome 1 (allowed: 2)"
    assert (
        verdict.shrunk is None or time.monotonic() - began < verdict.shrunk.executions
    )  # each would wait for a second
    again = lab.replay(verdict.witness, *program, outcome=value, allowed={2})
    assert again.reason == "fails again: outcome 1 (allowed: 2)"


def note(text):
    with open("log", "a") as file:
        file.write(text)


def logged(state):
    return Path("log").read_text() if Path("log").exists() else ""


class Kept:
    pass


def test_what_is_to_be_done_at_the_end_of_a_process_is():
    kept, older = Kept(), weakref.finalize(Kept, note, "not mine ")

    def run(state):
        atexit.register(note, "first ")
        state.append(Kept())
        weakref.finalize(state[0], note, "kept ")
        atexit.register(note, "not at all ")
        atexit.unregister(note)
        atexit.register(lambda: note("last "))
        atexit.register(lambda: 1 / 0)
        weakref.finalize(kept, note, "younger ")
        note("runs ")

    verdict = explore(list, {"alice": run}, outcome=logged)
    older.detach()
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"runs last younger kept "})


def test_who_removes_its_file_at_the_end_of_its_process_races_with_who_makes_it_anew():
    def run(state):
        Path("app.pid").write_text("")
        atexit.register(os.unlink, "app.pid")

    def look(state):
        if Path("app.pid").exists():
            Path("app.pid").read_text()

    verdict = explore(list, {"alice": run, "bob": look})
    assert verdict.failure.message == "FileNotFoundError: [Errno 2] No such file or directory: 'app.pid' left bob"
