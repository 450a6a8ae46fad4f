"""Memory that is mapped, and segments of it that have names."""

import mmap
import multiprocessing
import os
from multiprocessing.shared_memory import ShareableList, SharedMemory
from pathlib import Path

import pytest

from tests.processes.programs import both
from tests.processes.test_memory import explore, note, seen, segment


def mapped():
    Path("data").write_bytes(bytes(16))
    with open("data", "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def by_item(memory):
    memory[0] += 1


def by_position(memory):
    memory.seek(0)
    count = memory.read_byte()
    memory.seek(0)
    memory.write_byte(count + 1)


def by_slices(memory):
    memory[0:2] = bytes([memory[0:2][0] + 1, 0])


def by_its_view(memory):
    with memoryview(memory) as view:
        view[0] += 1


@pytest.mark.parametrize("make", [lambda: mmap.mmap(-1, 16), mapped], ids=["of nothing", "of a file"])
@pytest.mark.parametrize("way", [by_item, by_position, by_slices, by_its_view])
def test_mapped_memory(make, way):
    verdict = explore(make, {"alice": way, "bob": by_item}, outcome=lambda memory: memory[0])
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)


def test_a_file_that_actors_map_themselves():
    def add(_):
        with open("data", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory[0] += 1
            memory.flush()

    verdict = explore(lambda: mapped().close(), both(add), outcome=lambda _: Path("data").read_bytes()[0])
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2})


@pytest.mark.parametrize("writes", [False, True], ids=["reads it", "writes it"])
def test_the_file_of_mapped_memory(writes):
    def maps(memory):
        memory[0:1] = b"m"
        memory[0:1] = bytes(memory[0:1]).upper()

    def uses(memory):
        fd = os.open("data", os.O_RDWR)
        note(os.pread(fd, 1, 0).decode())
        if writes:
            os.pwrite(fd, b"f", 0)
        os.close(fd)

    verdict = explore(mapped, {"alice": maps, "bob": uses}, outcome=lambda memory: seen(memory) + memory[0:1].decode())
    last = {"\0f", "\0F", "\0M", "mf", "mF", "mM", "Mf"} if writes else {"\0M", "mM", "MM"}
    assert (verdict.status, set(verdict.outcomes)) == ("holds", last), str(verdict)


def test_memory_is_moved_found_and_resized():
    def moves(memory):
        memory[0] = 7
        memory.move(8, 0, 4)

    def finds(memory):
        note(memory.find(b"\7", 8))

    verdict = explore(mapped, {"alice": moves, "bob": finds}, outcome=seen)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"-1", "8"})

    def grows(_):
        with open("data", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory.resize(32)
            memory[31] = 1

    def measures(_):
        note(os.stat("data").st_size)

    verdict = explore(lambda: mapped().close(), {"alice": grows, "bob": measures}, outcome=seen)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"16", "32"})


# ------------------------------------------------------------ segments by name


def test_two_make_a_segment_of_one_name():
    def makes(_):
        SharedMemory(name="board", create=True, size=4).close()

    verdict = explore(dict, both(makes))
    assert (verdict.status, verdict.failure.message) == (
        "fails",
        "FileExistsError: [Errno 17] File exists: '/board' left bob",
    )


def test_a_segment_is_removed_before_somebody_opens_it():
    def ends(shared):
        shared.unlink()

    def attaches(shared):
        SharedMemory(name="board").close()

    verdict = explore(lambda: SharedMemory(name="board", create=True, size=4), {"alice": ends, "bob": attaches})
    assert (verdict.status, verdict.failure.message) == (
        "fails",
        "FileNotFoundError: [Errno 2] No such file or directory: '/board' left bob",
    )


def test_a_segment_is_opened_before_it_has_a_size():
    def makes(_):
        SharedMemory(name="board", create=True, size=4)

    def attaches(_):
        try:
            SharedMemory(name="board")
        except FileNotFoundError:
            pass

    verdict = explore(dict, {"alice": makes, "bob": attaches})
    assert (verdict.status, verdict.failure.message) == ("fails", "ValueError: cannot mmap an empty file left bob")


def test_no_segment_is_left(capfd):
    def makes(_):
        memory = SharedMemory(create=True, size=4)
        memory.buf[0] = 1
        note(memory.name)

    verdict = explore(segment(4), both(makes), outcome=lambda shared: (seen(shared), shared.name))
    assert verdict.uncontrolled == ()
    assert not {name for names in verdict.outcomes for name in names} & set(os.listdir("/dev/shm"))
    assert capfd.readouterr() == ("", "")


def test_a_shareable_list():
    def add(items):
        items[0] = items[0] + 1

    def write(position):
        def run(items):
            items[position] = 5

        return run

    def make():
        return ShareableList([0, "ab", 2])

    verdict = explore(make, both(add), outcome=lambda items: items[0], allowed={2})
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome 1 (allowed: 2)")
    verdict = explore(make, {"alice": write(0), "bob": write(2)}, outcome=tuple)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(5, "ab", 5)})


# ------------------------------------------------------------ what an actor makes and has in common with its children

FORKED = multiprocessing.get_context("fork")


def first(shared):
    shared[0] += 1


def first_by_a_view(shared):
    memoryview(shared).cast("B")[0] += 1


def first_of_segment(shared):
    shared.buf[0] += 1


@pytest.mark.parametrize(
    ("make", "add"),
    [
        (lambda: FORKED.RawArray("i", 2), first),
        (lambda: FORKED.RawArray("i", 2), first_by_a_view),
        (lambda: mmap.mmap(-1, 8), first),
        (lambda: mmap.mmap(-1, 8), first_by_a_view),
        (lambda: SharedMemory(create=True, size=8), first_of_segment),
    ],
    ids=["values", "values by a view", "mapped", "mapped by a view", "segment"],
)
def test_processes_that_an_actor_starts_share_what_it_has_made(make, add):
    def starts(_):
        shared = make()
        child = FORKED.Process(target=add, args=(shared,))
        child.start()
        add(shared)
        child.join()
        note(shared[0] if hasattr(shared, "__getitem__") else shared.buf[0])

    verdict = explore(dict, {"alice": starts}, outcome=seen)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"1", "2"}), str(verdict)
