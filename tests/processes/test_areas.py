"""What the system answers about memory that is shared is what it writes down of it."""

import errno
import mmap
import multiprocessing as mp
import os
from multiprocessing.shared_memory import SharedMemory

import pytest

from lab.child.memory import areas

PAGE = mmap.PAGESIZE

pytestmark = pytest.mark.skipif(not os.path.exists(areas.MAPS), reason="no Linux")


@pytest.fixture
def mapped(tmp_path):
    """All sorts of shared memory, and private memory beside it; the sorts by what is found of them."""
    kept = [mp.Semaphore(), mp.RawValue("i", 1)]
    segment = SharedMemory(create=True, size=3 * PAGE)
    file = tmp_path / "a file with spaces (deleted)"
    file.write_bytes(b"x" * 3 * PAGE)
    gone = tmp_path / "gone"
    gone.write_bytes(b"x" * PAGE)
    with open(file, "r+b") as both, open(file, "rb") as one, open(gone, "r+b") as lost:
        kept += [
            mmap.mmap(both.fileno(), 2 * PAGE, offset=PAGE),
            mmap.mmap(one.fileno(), PAGE, access=mmap.ACCESS_READ),
            mmap.mmap(one.fileno(), PAGE, access=mmap.ACCESS_COPY),
            mmap.mmap(lost.fileno(), PAGE),
            mmap.mmap(-1, PAGE),
            mmap.mmap(-1, PAGE, prot=mmap.PROT_READ),
            mmap.mmap(-1, PAGE, prot=0),
            mmap.mmap(-1, PAGE, prot=mmap.PROT_READ | mmap.PROT_EXEC),
            mmap.mmap(-1, PAGE, flags=mmap.MAP_PRIVATE),
        ]
    gone.unlink()
    yield [*kept, segment]
    segment.close()
    segment.unlink()


def asked_for():
    try:
        return areas.asked_for()
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EPERM, errno.ENOSYS):
            raise
        pytest.skip("this system cannot be asked")


def test_the_answer_is_what_is_written_down(mapped):
    found = asked_for()
    assert found == areas.written_down()
    sizes = [one.end - one.start for one in found]
    assert {one.protection for one in found} >= {0, areas.READ, areas.READ | areas.WRITE}
    assert any(one.is_semaphore for one in found)
    assert any(one.is_by_library for one in found)
    assert any(one.path.endswith(b"/gone") for one in found)
    assert any(one.offset == PAGE and size == 2 * PAGE for one, size in zip(found, sizes, strict=True))
    assert not any(one.path.endswith(b"libc.so.6") for one in found)


def test_what_is_unmapped_is_found_no_more(mapped):
    extra = mmap.mmap(-1, 7 * PAGE)
    before = set(asked_for())
    extra.close()
    left = set(asked_for())
    assert left < before
    assert sum(one.end - one.start for one in before - left) - sum(one.end - one.start for one in left - before) == (
        7 * PAGE
    )


def test_a_path_of_any_length(tmp_path):
    folder = tmp_path
    while len(str(folder)) < 3_800:
        folder = folder / ("d" * 200)
        folder.mkdir()
    file = folder / "f"
    file.write_bytes(b"x" * PAGE)
    with open(file, "r+b") as opened, mmap.mmap(opened.fileno(), PAGE):
        found = asked_for()
        assert found == areas.written_down()
        assert os.fsencode(file) in [one.path for one in found]


@pytest.mark.parametrize("number", [errno.ENOTTY, errno.EPERM, errno.EINVAL, errno.ENAMETOOLONG])
def test_a_system_that_cannot_be_asked(mapped, number, monkeypatch):
    before = areas.shared_areas()
    asked = []

    def refuses(*_):
        asked.append(number)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(areas, "_ioctl", refuses)
    assert areas.shared_areas() == before == areas.written_down()
    assert asked == [number]


def test_a_system_without_ioctl(mapped, monkeypatch):
    monkeypatch.setattr(areas, "_ioctl", None)
    assert areas.shared_areas() == areas.written_down() != []


def test_a_system_that_tells_of_nothing(monkeypatch):
    monkeypatch.setattr(areas, "MAPS", "/nowhere/maps")
    with pytest.raises(FileNotFoundError):
        areas.shared_areas()
