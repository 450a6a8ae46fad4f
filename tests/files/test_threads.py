"""What threads do with files is explored like what they do in memory."""

import fcntl
import os
import pathlib
import shutil
import tempfile
import time

import pytest

import lab
from lab.carriers.effects import changes_nothing
from tests.files.places import contents, counter, explored, in_new_directory, removed

CARRIERS = pytest.mark.parametrize("carrier", ["greenlet", "thread"])


def increment(state):
    with open("n", "r+") as file:
        count = int(file.read())
        file.seek(0)
        file.write(str(count + 1))


def locked_increment(state):
    with open("lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        increment(state)


@CARRIERS
def test_a_counter_in_a_file_loses_an_update(carrier):
    verdict = explored(
        counter, {"alice": increment, "bob": increment}, outcome=contents("n"), allowed={"2"}, carrier=carrier
    )
    verdict.assert_fails()
    assert verdict.failure.message == "outcome '1' (allowed: '2')"
    assert [(step.actor, step.word, step.name, step.value) for step in verdict.witness.trace.steps] == [
        ("alice", "reads", "n", "'0'"),
        ("alice", "reads", "n", "nothing"),
        ("bob", "reads", "n", "'0'"),
        ("bob", "reads", "n", "nothing"),
        ("bob", "writes", "n", "'1'"),
        ("alice", "writes", "n", "'1'"),
    ]
    again = lab.replay(
        verdict.witness,
        in_new_directory(counter),
        {"alice": increment, "bob": increment},
        outcome=contents("n"),
        allowed={"2"},
        teardown=removed,
    )
    assert again.status == "fails"


@CARRIERS
def test_a_lock_on_a_file_holds_it_together(carrier):
    verdict = explored(
        counter,
        {"alice": locked_increment, "bob": locked_increment},
        outcome=contents("n"),
        allowed={"2"},
        carrier=carrier,
    )
    verdict.assert_holds()
    assert verdict.schedules == 2


def test_locks_that_belong_to_the_process_keep_no_thread_away():
    def run(state):
        with open("lock", "a") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            increment(state)

    explored(counter, {"alice": run, "bob": run}, outcome=contents("n"), allowed={"2"}).assert_fails()


@CARRIERS
def test_who_waits_for_a_lock_is_seen_to_wait(carrier):
    def takes(first, second):
        def run(state):
            with open(first, "w") as one, open(second, "w") as other:
                fcntl.flock(one, fcntl.LOCK_EX)
                fcntl.flock(other, fcntl.LOCK_EX)

        return run

    verdict = explored(counter, {"alice": takes("a", "b"), "bob": takes("b", "a")}, carrier=carrier)
    assert verdict.failure.kind == "deadlock"
    assert verdict.failure.message == "alice waits for b of bob, bob waits for a of alice"


def test_an_entry_that_comes_after_the_question():
    def create(state):
        if not os.path.exists("made"):
            with open("made", "x"):
                pass

    verdict = explored(counter, {"alice": create, "bob": create})
    assert verdict.failure.message == "FileExistsError: [Errno 17] File exists: 'made' left alice"
    assert [(step.actor, step.word, step.value) for step in verdict.witness.trace.steps] == [
        ("alice", "asks whether it exists", "False"),
        ("bob", "asks whether it exists", "False"),
        ("bob", "creates", None),
        ("alice", "creates", None),
    ]


def test_the_library_makes_steps_of_its_own():
    def run(state):
        pathlib.Path("d").mkdir(exist_ok=True)
        shutil.rmtree("d")

    verdict = explored(counter, {"alice": run, "bob": run})
    verdict.assert_fails()
    assert "FileNotFoundError" in verdict.failure.message


def test_a_file_that_takes_the_place_of_another_is_never_seen_half():
    def replace(text):
        def run(state):
            fd, name = tempfile.mkstemp(dir=".")
            os.write(fd, text)
            os.close(fd)
            os.replace(name, "n")

        return run

    def look(state):
        state = contents("n")(state)
        assert state in ("0", "xx", "yy"), state

    verdict = explored(counter, {"alice": replace(b"xx"), "bob": replace(b"yy"), "carol": look})
    verdict.assert_holds()
    assert verdict.schedules == 6


def test_entries_of_one_directory_concern_who_lists_it():
    def make(name):
        def run(state):
            with open(name, "w"):
                pass

        return run

    verdict = explored(counter, {"alice": make("a"), "bob": make("b"), "carol": lambda state: os.listdir(".")})
    verdict.assert_holds()
    assert verdict.schedules == 4  # what alice and bob do is independent


def test_who_waits_for_a_file_in_a_loop_waits():
    def wait(state):
        while not os.path.exists("made"):
            time.sleep(0.1)

    def make(state):
        with open("made", "w"):
            pass

    explored(counter, {"alice": wait, "bob": make}).assert_holds()


def hold_by_opening(use):
    while True:
        try:
            fd = os.open("held", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            time.sleep(0.1)
    os.close(fd)
    use()
    os.unlink("held")


def hold_by_a_new_file(use):
    while True:
        try:
            with open("held", "x"):
                break
        except FileExistsError:
            time.sleep(0.1)
    use()
    os.unlink("held")


def hold_by_a_directory(use):
    while True:
        try:
            os.mkdir("held")
            break
        except FileExistsError:
            time.sleep(0.1)
    use()
    os.rmdir("held")


def hold_by_a_lock(use):
    with open("lock") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.1)
        use()


@pytest.mark.parametrize("hold", [hold_by_opening, hold_by_a_new_file, hold_by_a_directory, hold_by_a_lock])
def test_what_is_tried_until_it_is_had_is_waited_for(hold):
    def run(state):
        hold(lambda: increment(state))

    verdict = explored(counter, {"alice": run, "bob": run}, outcome=contents("n"))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"2"})


@pytest.mark.parametrize(
    ("function", "arguments", "nothing"),
    [
        (os.mkdir, ("a",), True),
        (os.open, ("a", os.O_CREAT | os.O_EXCL), True),
        (os.open, ("a", os.O_CREAT), False),
        (os.open, ("a", os.O_RDONLY), False),
        (open, ("a", "xb"), True),
        (open, ("a", "w"), False),
        (open, ("a",), False),
        (os.unlink, ("a",), False),
        (fcntl.flock, (3, fcntl.LOCK_EX | fcntl.LOCK_NB), True),
        (fcntl.flock, (pathlib.Path("a"), fcntl.LOCK_EX), False),
    ],
)
def test_what_makes_an_entry_or_fails_changes_nothing_by_itself(function, arguments, nothing):
    assert changes_nothing(function, arguments) is nothing


def test_a_relative_path_leads_where_the_process_is():
    def setup():
        os.mkdir("d")
        counter()

    def goes(state):
        os.chdir("d")

    def asks(state):
        assert os.path.exists("n")

    verdict = explored(setup, {"alice": goes, "bob": asks})
    verdict.assert_fails()
    assert [(step.actor, step.word, step.name, step.value) for step in verdict.witness.trace.steps] == [
        ("alice", "sets the", "working directory", "to 'd'"),
        ("bob", "asks whether it exists", "n", "False"),
    ]


def test_pipes_are_named():
    def run(state):
        ends = os.pipe()
        os.write(ends[1], b"x")
        os.close(ends[0])
        os.close(ends[1])

    verdict = explored(counter, {"alice": run, "bob": run}, strategy="dpor")
    assert verdict.status == "unknown"
    assert any("writes a pipe or socket, which is not under control" in one for one in verdict.uncontrolled)


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_a_setup_that_leaves_files_as_they_are_is_told(where, tmp_path):
    path = tmp_path / "n"
    path.write_text("0")

    def run(state):
        path.write_text(str(int(path.read_text()) + 1))

    actors = {"alice": run, "bob": run}
    verdict = lab.explore(lambda: None, actors, outcome=lambda _: path.read_text(), allowed={"2"}, on=where)
    assert (verdict.status, verdict.failure, verdict.witness) == ("unknown", None, None)
    line = run.__code__.co_firstlineno + 1
    assert verdict.reason == (
        f"setup does not make everything anew: {path} is not as the execution before found it, and so an execution may "
        "have failed (outcome: outcome '4' (allowed: '2')); make it anew in setup, or put it back in teardown; step 1 "
        f"was 'alice reads {path} '4'' (test_threads.py:{line}) in one execution of a schedule and "
        f"'alice reads {path} '6'' (test_threads.py:{line}) in another"
    )


def test_what_an_execution_leaves_behind_is_no_part_of_a_proof(tmp_path):
    def run(state):
        with open(tmp_path / "log", "a") as file:
            file.write("x")

    verdict = lab.explore(lambda: None, {"alice": run, "bob": run}, strategy="dpor")
    assert verdict.status == "unknown"
    expected = f"setup does not make everything anew: {tmp_path / 'log'} is not as the execution before found it"
    assert verdict.reason.endswith(expected)


def test_what_only_the_first_execution_finds_is_no_part_of_a_proof(tmp_path):
    def run(state):
        try:
            os.close(os.open(tmp_path / "app.pid", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        state.append("runs")

    verdict = lab.explore(list, {"alice": run, "bob": run}, outcome=len, strategy="dpor")
    assert (verdict.status, verdict.reason) == (
        "unknown",
        "1 class of schedules covered, but setup does not make everything anew: "
        f"{tmp_path / 'app.pid'} is not as the execution before found it",
    )


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_what_only_the_first_execution_ever_changes_is_told(where, tmp_path):
    path = tmp_path / "made"

    def run(state):
        if not path.exists():
            path.write_text("x")

    verdict = lab.explore(lambda: None, {"alice": run, "bob": run}, strategy="dpor", on=where)
    assert (verdict.status, verdict.reason) == (
        "unknown",
        "1 class of schedules covered, but "
        f"setup does not make everything anew: {path} is not as the execution before found it",
    )
