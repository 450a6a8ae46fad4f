"""`mmap.mmap` in the process of an actor: stops before each access, with the bytes of the segment that it touches."""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Any

from lab.child.memory.areas import READ, WRITE
from lab.child.memory.exporting import extent
from lab.child.memory.guard import Segment
from lab.child.stops import Stops
from lab.naming import short

_PAGE = mmap.PAGESIZE
_MAPS = mmap.mmap
_PRIVATE = getattr(mmap, "MAP_PRIVATE", 0)
_FLAGS, _ACCESS, _OFFSET, _PROTECTION = 2, 4, 5, 3  # where they stand among the arguments


def make(stops: Stops) -> Any:
    """The class that stands in the place of `mmap.mmap`."""
    guard = stops.guard

    class Mapped(_MAPS):
        """Memory that is mapped, of a file or of none."""

        _lab_tells = None
        is_of_segment = False  # it is inside of a `SharedMemory`

        def __new__(cls, *arguments: Any, **named: Any) -> Any:
            fileno = arguments[0] if arguments else named.get("fileno", -1)
            inode = stops.inode(fileno) if isinstance(fileno, int) and fileno >= 0 else None
            alone = _argument(arguments, named, _FLAGS, "flags", 0) & _PRIVATE or (
                _argument(arguments, named, _ACCESS, "access", 0) == mmap.ACCESS_COPY
            )
            if stops.is_called_by("multiprocessing.heap"):
                inode = None  # of a file without a name
            if inode is not None and stops.begun:
                stops.note("maps", "")
                stops.step("maps", stops.label(fileno), ((inode, "sm"),))
            with stops.known():
                made: Any = super().__new__(cls, *arguments, **named)
            made.is_of_segment = stops.is_called_by("multiprocessing.shared_memory")
            if inode is None:
                if stops.begun and not alone:
                    stops.note("maps", "for itself")
                    stops.step("maps memory", "", ())  # the runner has to know of it before anybody is killed there
                    with stops.known():
                        guard.add_unnamed((extent(made) or (0, 0))[0])
                return made
            if alone:
                told = "maps a file for itself, and sees what others write there as long as it does not"
                if stops.begun:
                    stops.note("uncontrolled", f"{stops.place()} {told}, which is not under control")
                else:
                    guard.unfollowed.append(told)
            elif stops.begun:
                protection = READ
                if _argument(arguments, named, _ACCESS, "access", 0) != mmap.ACCESS_READ:
                    protection = _argument(arguments, named, _PROTECTION, "prot", READ | WRITE)
                made._enter(inode, _argument(arguments, named, _OFFSET, "offset", 0), protection)
            return made

        def _enter(self, inode: tuple[int, int], offset: int, protection: int) -> None:
            address, size = extent(self) or (0, 0)
            guard.remove(address, size)  # what is still known of there is no more
            guard.add(Segment(address, address + -(-size // _PAGE) * _PAGE, inode, offset, protection & 3))

        def __del__(self) -> None:
            if stops.begun:
                place = extent(self)
                guard.close()
                if place is not None:
                    guard.remove(*place)

        def _touch(self, word: str, start: int, size: int, value: object = None) -> bool:
            """Stop before some bytes are read or written; false if they are nobody else's."""
            return self._touch_all(word, ((start, size, word != "reads"),), value)

        def _touch_all(self, word: str, ranges: tuple[tuple[int, int, bool], ...], value: object = None) -> bool:
            found = extent(self) if stops.begun else None
            if found is None or guard.find(found[0]) is None:
                return False
            effects = [guard.effect(found[0] + start, size, write) for start, size, write in ranges if size > 0]
            start, size, write = ranges[-1]
            text = str(start) if size == 1 else f"{start}:{start + size}"
            name = stops.name_of(self, "mapped memory") + (".buf" if self.is_of_segment else "")
            detail = (short(value) or "") if write and value is not None else ""
            stops.step(word, f"{name}[{text}]", tuple([one for one in effects if one is not None]), detail)
            for start, size, write in ranges:
                guard.open(found[0] + start, size, write)
            return True

        def _came_to(self, told: bool, result: Any) -> Any:
            if told:
                stops.came_to(short(result))
            return result

        def _range(self, key: Any) -> tuple[int, int]:
            """The first byte, and how many there are up to the last one."""
            if type(key) is slice:
                chosen = range(len(self))[key]
                return (min(chosen), max(chosen) - min(chosen) + 1) if chosen else (0, 0)
            key = key.__index__()
            key += len(self) if key < 0 else 0
            return (key, 1) if 0 <= key < len(self) else (0, 0)

        def __getitem__(self, key: Any) -> Any:
            if not stops.begun:
                return super().__getitem__(key)
            return self._came_to(self._touch("reads", *self._range(key)), super().__getitem__(key))

        def __setitem__(self, key: Any, value: Any) -> None:
            if stops.begun:
                self._touch("writes", *self._range(key), value)
            super().__setitem__(key, value)

        def read(self, n: int | None = None, /) -> Any:
            """Read from the position on."""
            left = max(0, len(self) - self.tell())
            size = left if n is None or n < 0 else min(n, left)
            return self._came_to(self._touch("reads", self.tell(), size), super().read(n))

        def read_byte(self) -> Any:
            """Read the byte at the position."""
            return self._came_to(self._touch("reads", self.tell(), 1), super().read_byte())

        def readline(self) -> Any:
            """Read up to the end of a line, which is looked for to the end."""
            told = self._touch("reads", self.tell(), len(self) - self.tell())
            return self._came_to(told, super().readline())

        def _found(self, real: Any, arguments: tuple[Any, ...]) -> Any:
            chosen = range(len(self))[slice(*arguments[1:])] if arguments[1:] else range(self.tell(), len(self))
            told = self._touch("reads", chosen.start, len(chosen))
            return self._came_to(told, real(*arguments))

        def find(self, *arguments: Any) -> Any:
            """Look for bytes."""
            return self._found(super().find, arguments)

        def rfind(self, *arguments: Any) -> Any:
            """Look for bytes, from the end on."""
            return self._found(super().rfind, arguments)

        def write(self, data: Any, /) -> int:
            """Write at the position."""
            self._touch("writes", self.tell(), memoryview(data).nbytes, data)
            return super().write(data)

        def write_byte(self, byte: int, /) -> None:
            """Write a byte at the position."""
            self._touch("writes", self.tell(), 1, byte)
            super().write_byte(byte)

        def move(self, dest: int, src: int, count: int, /) -> None:
            """Copy bytes inside."""
            self._touch_all("writes", ((src, count, False), (dest, count, True)))
            super().move(dest, src, count)

        def size(self) -> Any:
            """The size of the file."""
            found = guard.find((extent(self) or (0, 0))[0]) if stops.begun else None
            if found is None:
                return super().size()
            stops.step("asks for the size of", stops.name_of(self, "mapped memory"), ((found.inode, "s"),))
            return self._came_to(True, super().size())

        def resize(self, newsize: int, /) -> None:
            """Give the file, and what is mapped of it, another size."""
            found = guard.find((extent(self) or (0, 0))[0]) if stops.begun else None
            if found is None:
                super().resize(newsize)
                return
            name = stops.name_of(self, "mapped memory")
            stops.step("resizes", name, ((found.inode, "w"),), f"to {newsize}")
            before = extent(self)
            with stops.known():
                super().resize(newsize)
            if before is not None:
                guard.remove(*before)
            self._enter(found.inode, found.offset, found.protection)

        def madvise(self, *arguments: Any) -> None:
            """Tell the system how the memory is used."""
            if stops.begun and arguments[:1] != (getattr(mmap, "MADV_NORMAL", None),):
                stops.note("doubt", f"{stops.place()} calls mmap.madvise, which is not under control")
            super().madvise(*arguments)

        def close(self) -> None:
            """Have the memory no more."""
            if not stops.begun or self.closed:
                super().close()
                return
            place = extent(self)
            guard.close()
            super().close()
            if place is not None:
                guard.remove(*place)

        def __exit__(self, *_: object) -> None:
            self.close()

    with suppress(AttributeError, TypeError):
        Mapped.__name__, Mapped.__qualname__, Mapped.__module__ = "mmap", "mmap", "mmap"
    return Mapped


def _argument(arguments: tuple[Any, ...], named: dict[str, Any], position: int, name: str, otherwise: int) -> int:
    found = arguments[position] if len(arguments) > position else named.get(name, otherwise)
    return found if isinstance(found, int) else otherwise
