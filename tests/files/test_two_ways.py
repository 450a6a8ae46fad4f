"""The same programs by threads and by processes: positions, entries of directories, names from an open directory."""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import lab

WAYS = pytest.mark.parametrize("on", ["auto", "processes"])


def explore(on, setup, actors, **named):
    """In a new directory each time, which ``setup(state)`` fills."""

    def made():
        state = SimpleNamespace(folder=tempfile.mkdtemp())
        os.chdir(state.folder)
        setup(state)
        return state

    def removed(state):
        if hasattr(state, "fd"):
            os.close(state.fd)
        if hasattr(state, "file"):
            state.file.close()
        shutil.rmtree(state.folder)

    return lab.explore(made, actors, on=on, teardown=removed, seconds=120, **named)


def text(name):
    return lambda state: Path(name).read_text()


def files(**contents):
    def setup(state):
        for name, content in contents.items():
            Path(name).write_text(content)

    return setup


@WAYS
def test_who_opens_a_file_to_append_begins_at_its_size(on):
    def write(state):
        with open("log", "a") as file:
            file.write("x")

    def look(state):
        with open("log", "a") as file:
            size = file.tell()
        Path("size").write_text(str(size))

    verdict = explore(on, files(log=""), {"alice": write, "bob": look}, outcome=text("size"))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"0", "1"})


@WAYS
def test_the_position_of_a_file_that_both_have_is_seen(on):
    def setup(state):
        Path("f").write_text("abcd")
        state.file = open("f", "rb", buffering=0)  # noqa: SIM115  # teardown closes it

    def look(state):
        Path("place").write_text(str(state.file.tell()))

    actors = {"alice": lambda state: state.file.read(2) and None, "bob": look}
    verdict = explore(on, setup, actors, outcome=text("place"))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"0", "2"})


@WAYS
def test_a_name_from_an_open_directory_leads_there_when_that_is_renamed(on):
    def setup(state):
        os.mkdir("one")
        Path("one/a").write_text("")
        state.fd = os.open("one", os.O_RDONLY)

    def rename(state):
        os.rename("one", "two")
        Path("left").write_text(str(os.listdir("two")))

    actors = {"alice": lambda state: os.unlink("a", dir_fd=state.fd), "bob": rename}
    verdict = explore(on, setup, actors, outcome=text("left"))
    assert (verdict.status, verdict.schedules, set(verdict.outcomes)) == ("holds", 3, {"[]", "['a']"})


@WAYS
def test_an_entry_of_an_open_directory_is_asked_for_its_size(on):
    def setup(state):
        os.mkdir("d")
        Path("d/a").write_text("1")
        state.fd = os.open("d", os.O_RDONLY)

    def look(state):
        (entry,) = os.scandir(state.fd)
        assert isinstance(entry, os.DirEntry)
        assert (entry.name, entry.is_file(), entry.is_dir(), entry.is_symlink()) == ("a", True, False, False)
        Path("size").write_text(str(entry.stat().st_size))

    def write(state):
        with open("d/a", "a") as file:
            file.write("2")

    verdict = explore(on, setup, {"alice": look, "bob": write}, outcome=text("size"))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"1", "2"})


@WAYS
def test_a_tree_is_walked_and_removed_as_the_library_does_it(on):
    def setup(state):
        os.mkdir("tree")
        Path("tree/a").write_text("")

    def walk(state):
        Path("found").write_text(str([names for _, _, names in os.walk("tree")]))

    actors = {"alice": lambda state: shutil.rmtree("tree"), "bob": walk}
    verdict = explore(on, setup, actors, outcome=text("found"))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"[]", "[[]]", "[['a']]"})


@WAYS
def test_the_times_of_files_are_no_part_of_a_proof(on):
    def reload(state):
        before = os.path.getmtime("conf")
        Path("saw").write_text(Path("conf").read_text())
        if os.stat("conf").st_mtime_ns != before:
            Path("saw").write_text(Path("conf").read_text())

    def change(state):
        Path("new").write_text("2")
        os.replace("new", "conf")

    verdict = explore(on, files(conf="1"), {"alice": reload, "bob": change}, strategy="dpor")
    assert verdict.status == "unknown"
    assert "looks at the times of files, which are those of the real clock" in verdict.reason


def database(name, rows):
    connection = sqlite3.connect(name)
    with connection:
        connection.execute("CREATE TABLE t (v)")
        connection.executemany("INSERT INTO t VALUES (?)", rows)
    connection.close()


@WAYS
def test_a_database_that_is_attached_is_no_part_of_a_proof(on):
    def setup(state):
        database("a.db", [])
        database("b.db", [(0,)])

    def attach(state):
        connection = sqlite3.connect("a.db", isolation_level=None)
        connection.execute("ATTACH 'b.db' AS b")
        connection.execute("UPDATE b.t SET v = v + 1")
        connection.close()

    def write(state):
        connection = sqlite3.connect("b.db", isolation_level=None)
        connection.execute("UPDATE t SET v = v * 2")
        connection.close()

    verdict = explore(on, setup, {"alice": attach, "bob": write}, strategy="dpor")
    assert verdict.status == "unknown"
    assert "uses another database, which is not under control" in verdict.reason


@WAYS
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_that_a_busy_timeout_is_up_is_a_choice_like_others(on, mode):
    def setup(state):
        database("b.db", [(0,)])
        connection = sqlite3.connect("b.db")
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.close()

    def book(state):
        connection = sqlite3.connect("b.db", isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE t SET v = v + 1")
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            assert str(error) == "database is locked"  # noqa: PT017  # whether it comes is the strategy's choice
        finally:
            connection.close()

    def booked(state):
        connection = sqlite3.connect("b.db")
        ((value,),) = connection.execute("SELECT v FROM t").fetchall()
        connection.close()
        return value

    verdict = explore(on, setup, {"alice": book, "bob": book}, outcome=booked)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2})


def test_a_lock_on_a_file_from_before_the_fork_keeps_nobody_away():
    def setup(state):
        Path("n").write_text("0")
        state.file = open("lock", "w")  # noqa: SIM115  # teardown closes it

    def increment(state):
        fcntl.flock(state.file, fcntl.LOCK_EX)
        current = int(Path("n").read_text())
        with open("n", "r+") as file:
            file.write(str(current + 1))
        fcntl.flock(state.file, fcntl.LOCK_UN)

    verdict = explore(
        "processes", setup, {"alice": increment, "bob": increment}, outcome=text("n"), allowed={"2": "both"}
    )
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome '1' (allowed: '2')")


def test_a_lock_by_the_double_of_a_file_descriptor_is_the_same_lock():
    def run(state):
        fd = os.open("lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(fd, fcntl.LOCK_EX)
        fcntl.flock(os.dup(fd), fcntl.LOCK_EX)

    verdict = explore("processes", files(), {"alice": run})
    assert verdict.status == "holds"


@WAYS
def test_a_lock_is_given_up_before_one_of_the_other_kind_is_had(on):
    def take(exclusive):
        def run(state):
            with open("lock") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | exclusive)
                except BlockingIOError:
                    return
                with open("log", "a") as log:
                    log.write("x")

        return run

    wait, try_ = take(0), take(fcntl.LOCK_NB)
    verdict = explore(on, files(lock="", log=""), {"alice": wait, "bob": wait}, outcome=text("log"))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"xx"})
    verdict = explore(on, files(lock="", log=""), {"alice": wait, "bob": try_}, outcome=text("log"))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"x", "xx"})


@WAYS
def test_rows_that_are_each_a_transaction_are_no_part_of_a_proof(on):
    def write(mode):
        def run(state):
            connection = sqlite3.connect("b.db", isolation_level=mode)
            with connection:
                connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
            connection.close()

        return run

    verdict = explore(on, lambda state: database("b.db", []), {"alice": write(None)}, strategy="dpor")
    assert verdict.status == "unknown"
    assert verdict.reason.endswith("each a transaction of its own, which was taken to be one step")
    verdict = explore(on, lambda state: database("b.db", []), {"alice": write("DEFERRED")}, strategy="dpor")
    assert verdict.status == "holds"


@WAYS
def test_a_relative_path_goes_by_a_directory_that_may_be_renamed(on):
    def setup(state):
        os.mkdir("one")

    def write(state):
        os.chdir(f"{state.folder}/one")
        Path("a").write_text("")

    def rename(state):
        os.rename(f"{state.folder}/one", f"{state.folder}/two")
        Path(state.folder, "left").write_text(str(os.listdir(f"{state.folder}/two")))

    def left(state):
        return Path(state.folder, "left").read_text()

    verdict = explore(on, setup, {"alice": write, "bob": rename}, outcome=left, strategy="dpor")
    assert verdict.failure.message.startswith("FileNotFoundError: ")  # where alice comes too late to go there

    def late(state):
        try:
            write(state)
        except FileNotFoundError:
            return

    verdict = explore(on, setup, {"alice": late, "bob": rename}, outcome=left)
    assert (verdict.status, verdict.outcomes) == ("holds", {"[]": 2, "['a']": 2})


@WAYS
def test_a_database_is_the_same_by_whatever_name(on):
    def write(name):
        def run(state):
            connection = sqlite3.connect(name, isolation_level=None, timeout=60)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO t VALUES (1)")
            connection.execute("COMMIT")
            connection.close()

        return run

    actors = {"alice": write("b.db"), "bob": write("./b.db")}
    verdict = explore(on, lambda state: database("b.db", []), actors, strategy="dpor")
    assert (verdict.status, verdict.reason.partition(", but ")[2]) == (
        "unknown",
        "a timeout of ten seconds or more was taken to end only when nobody else could go on",
    )
