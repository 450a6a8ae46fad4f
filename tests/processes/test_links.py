"""A link is made in two steps: what has lost its last name in between cannot have one again."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

import lab
from tests.files.places import in_new_directory, removed


def make():
    Path("a").write_text("A")
    Path("b").write_text("B")
    Path("d").mkdir()


def links(_):
    with suppress(FileNotFoundError):
        os.link("a", "c")


def replaces(_):
    os.replace("b", "a")


def removes(_):
    os.unlink("a")


def removes_and_makes(_):
    os.unlink("a")
    Path("a").touch()


def keeps_another_name(_):
    os.link("a", "e")
    os.replace("b", "a")


def result(_):
    return Path("c").read_text() if os.path.exists("c") else None


@pytest.mark.parametrize(
    ("other", "outcomes"),
    [
        (replaces, {"A", "B", None}),
        (removes, {"A", None}),
        (removes_and_makes, {"A", "", None}),
        (keeps_another_name, {"A", "B"}),
    ],
)
@pytest.mark.parametrize("on", ["processes", "threads"])
def test_what_is_linked_may_be_no_more(on, other, outcomes):
    setup, teardown = (in_new_directory(make), removed) if on == "threads" else (make, None)
    verdict = lab.explore(
        setup, {"alice": links, "bob": other}, outcome=result, teardown=teardown, on=on, strategy="dpor", seconds=60
    )
    assert (verdict.status, set(verdict.outcomes)) == ("holds", outcomes), str(verdict)


def explore(actor, **options):
    return lab.explore(make, {"alice": actor}, outcome=result, on="processes", strategy="dpor", seconds=60, **options)


def to_another_directory(_):
    here, there = os.open(".", os.O_RDONLY), os.open("d", os.O_RDONLY)
    os.link("a", "x", src_dir_fd=here, dst_dir_fd=there)
    os.rename("d/x", "c")


def of_what_a_symbolic_link_leads_to(_):
    os.symlink("a", "s")
    os.link("s", "c", src_dir_fd=os.open(".", os.O_RDONLY))
    assert not os.path.islink("c")
    assert os.stat("a").st_nlink == 2


def of_a_symbolic_link(_):
    os.symlink("a", "s")
    os.link("s", "c", follow_symlinks=False)
    os.link("s", "t")
    assert os.readlink("t") == os.readlink("c") == "a"


@pytest.mark.parametrize("way", [to_another_directory, of_what_a_symbolic_link_leads_to, of_a_symbolic_link])
def test_ways_to_make_one(way):
    verdict = explore(way)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"A"}), str(verdict)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("a", "b", "FileExistsError: [Errno 17] File exists: 'a' -> 'b' left alice"),
        ("x", "c", "FileNotFoundError: [Errno 2] No such file or directory: 'x' -> 'c' left alice"),
        ("a", "x/c", "FileNotFoundError: [Errno 2] No such file or directory: 'a' -> 'x/c' left alice"),
        ("d", "c", "PermissionError: [Errno 1] Operation not permitted: 'd' -> 'c' left alice"),
        (Path("a"), b"b", "FileExistsError: [Errno 17] File exists: PosixPath('a') -> b'b' left alice"),
    ],
)
def test_how_it_fails(source, target, message):
    verdict = explore(lambda _: os.link(source, target))
    assert (verdict.status, verdict.failure.message) == ("fails", message)


def test_no_file_descriptor_is_left():
    def links_twice(_):
        before = os.open("a", os.O_RDONLY)
        os.close(before)
        for target in ("c", "b"):
            try:
                os.link("a", target)
            except FileExistsError:
                pass
        assert os.open("a", os.O_RDONLY) == before

    verdict = explore(links_twice)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"A"}), str(verdict)
