"""A path is looked up in one step: that is told where it could make a difference, and nowhere else."""

import os
from multiprocessing import Lock, Process
from pathlib import Path

import pytest

import lab

LOCK = Lock()
TOLD = "but the way to {} was gone in one step, and somebody who leads it elsewhere changes there what it led to before"


def made():
    for version in ("old", "new"):
        os.mkdir(version)
        Path(version, "config").write_text(version)
    os.symlink("old", "current")


def read(state):
    try:
        Path("seen").write_text(Path("current/config").read_text())
    except FileNotFoundError:
        Path("seen").write_text("nothing")


def swap(state):
    os.symlink("new", "next")
    os.replace("next", "current")


def deploy(state):
    swap(state)
    os.unlink("old/config")


def deploy_the_other_way_round(state):
    os.unlink("old/config")
    swap(state)


def rename(state):
    os.rename("old", "kept")


def rename_and_empty(state):
    rename(state)
    os.unlink("kept/config")


def read_old(state):
    try:
        Path("seen").write_text(Path("old/config").read_text())
    except FileNotFoundError:
        Path("seen").write_text("nothing")


def under_a_lock(function):
    def actor(state):
        with LOCK:
            function(state)

    return actor


def seen(state):
    return Path("seen").read_text()


def explore(*actors):
    return lab.explore(
        made,
        dict(zip(("alice", "bob"), actors, strict=False)),
        outcome=seen,
        on="processes",
        strategy="dpor",
        schedules=60,
    )


@pytest.mark.parametrize(
    ("reader", "other"),
    [
        (read, swap),
        (read, deploy_the_other_way_round),
        (read_old, rename),
        (under_a_lock(read), under_a_lock(deploy)),
    ],
)
def test_where_it_makes_no_difference(reader, other):
    verdict = explore(reader, other)
    assert verdict.status == "holds", str(verdict)


@pytest.mark.parametrize(
    ("reader", "other", "path"),
    [(read, deploy, "current/config"), (read_old, rename_and_empty, "old/config")],
)
def test_where_it_may_make_a_difference(reader, other, path):
    verdict = explore(reader, other)
    assert verdict.status == "unknown"
    assert TOLD.format(path) in verdict.reason


def deploys_when_nobody_reads(state):
    process = Process(target=read, args=(state,))
    process.start()
    process.join()
    deploy(state)


def test_who_has_waited_for_the_end_of_who_reads_makes_none():
    assert explore(deploys_when_nobody_reads).status == "holds"


def test_threads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def fresh():
        for path in ("seen", "current", "next"):
            if os.path.lexists(path):
                os.unlink(path)
        for version in ("old", "new"):
            if os.path.isdir(version):
                if os.path.exists(f"{version}/config"):
                    os.unlink(f"{version}/config")
                os.rmdir(version)
        made()

    verdict = lab.explore(fresh, {"alice": read, "bob": deploy}, outcome=seen, strategy="dpor", schedules=60)
    assert verdict.status == "unknown"
    assert TOLD.format("current/config") in verdict.reason
