"""Pipes and queues of `multiprocessing`: the runner has their ends as well, and sees what is in them."""

from __future__ import annotations

import io
import os
import select
import struct
import sys
import weakref
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lab.child.pipes import as_sent, has, takes
from lab.child.stops import Stops
from lab.child.wire import Lent
from lab.filesystem.request import CLOSES
from lab.filesystem.stops import TIMED_OUT

try:
    import fcntl
    import termios
except ImportError:  # no POSIX
    fcntl = termios = None  # type: ignore[assignment]

_CONNECTION, _QUEUES = "multiprocessing.connection", "multiprocessing.queues"
_AT_ONCE = select.PIPE_BUF if hasattr(select, "PIPE_BUF") else 512  # bytes that are written in one piece
_AFTERWARDS = "what is put into a Queue was there at once; the library's own thread brings it a little later"

_WIDE = 1 << 20  # bytes
LENDS = "lends"
"""What the runner is asked for a pipe."""
_write, _read = os.write, os.read
_fcntl: Any = getattr(fcntl, "fcntl", None)

Inode = tuple[int, int]


class Channels:
    """The pipes that the runner knows, and so do the processes that it forks."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._peers: dict[Inode, Inode] = {}  # where what is sent into an end arrives
        self._ends: dict[Inode, list[int]] = {}  # file descriptors of the runner
        self._lent: dict[Inode, list[Any]] = {}  # in the runner: of pipes that it made for actors, its own ends
        self._own: list[weakref.ref[Any]] = []  # in a process: ends that it has made
        self._quiet: set[Inode | None] = set()  # of which nobody closes an end while others may notice
        self.is_shared = False  # in a process: pipes that it has made are shared with one that it forked
        self.is_held: Callable[[Inode, bool], bool] = lambda inode, writing: True  # by a process other than the runner
        self._real: dict[str, Any] = {}
        self._rests: dict[int, list[bytes]] = {}  # in a child: of a queue, what there was no room for yet

    def begin(self) -> None:
        """Another execution; what setup makes comes to be known again."""
        self._peers.clear()
        self._ends.clear()
        self.take_back()

    # ------------------------------------------------------------ in the runner

    def can_get(self, inode: Inode, amount: int) -> bool:
        """Whether so many bytes can be read there, or never so many more."""
        if any(has(fd, amount) for fd in self._open(inode)):
            return True
        return inode in self._lent and self._let_go(self._peers[inode], writing=True)

    def can_put(self, inode: Inode) -> bool:
        """Whether something can be written there."""
        return any(takes(fd) for fd in self._open(inode))

    def lend(self, duplex: bool) -> Lent:
        """A pipe for an actor, who asks for one: so the runner has it as well."""
        ends = self._make(duplex)
        for end in ends:
            self._lent.setdefault(self._stops.inode(end.fileno()), []).append(end)  # type: ignore[arg-type]
        return Lent((), tuple([os.dup(end.fileno()) for end in ends]))

    def of(self, names: Container[str]) -> list[Inode]:
        """What is received from where a process has an end of a pipe that was lent; it has open what is named so."""
        found: dict[Inode, None] = {}
        for inode in self._lent:
            if f"pipe:[{inode[1]}]" in names or f"socket:[{inode[1]}]" in names:
                found.update(dict.fromkeys((inode, self._peers[inode])))
        return [*found]

    @property
    def lends(self) -> bool:
        """Whether there are any."""
        return bool(self._lent)

    def see_to_reader(self, inode: Inode) -> None:
        """Before something is sent to that end: if nobody has it any more, who sends is to be told so."""
        if inode in self._lent:
            self._let_go(inode, writing=False)

    def _let_go(self, inode: Inode, writing: bool) -> bool:
        """Whether nobody but the runner has an end, which it closes then; a pipe has two of one inode."""
        if self.is_held(inode, writing):
            return False
        for end in self._lent.get(inode, ()):
            if not end.closed and (self._peers[inode] != inode or end.writable == writing):
                end.close()
        return True

    def take_back(self) -> None:
        """Of what was lent nothing is left open."""
        for ends in self._lent.values():
            for end in ends:
                end.close()
        self._lent.clear()

    def _open(self, inode: Inode) -> Iterator[int]:
        for fd in self._ends.get(inode, ()):
            if self._stops.inode(fd) == inode:
                yield fd

    def _pipe(self, duplex: bool = True) -> Any:
        """Stands for `multiprocessing.Pipe`."""
        if not self._stops.begun:
            return self._make(duplex)
        if not self._stops.is_its_thread():
            return self._real["Pipe"](duplex)
        _, (one, other) = self._stops.borrow(2, LENDS, duplex)
        kind = sys.modules[_CONNECTION].Connection
        ends = kind(one, writable=duplex), kind(other, readable=duplex)
        inodes = [self._stops.inode(end.fileno()) for end in ends]
        self._own += map(weakref.ref, ends)
        self._peers.update(zip(inodes, reversed(inodes), strict=True))  # type: ignore[arg-type]
        return ends

    def _make(self, duplex: bool) -> Any:
        ends = self._real["Pipe"](duplex)
        inodes = [self._stops.inode(end.fileno()) for end in ends]
        for end, inode, other in zip(ends, inodes, reversed(inodes), strict=True):
            if inode is not None and other is not None:
                self._ends.setdefault(inode, []).append(end.fileno())
                self._peers[inode] = other
        return ends

    # ------------------------------------------------------------ what goes through a pipe in one piece

    def make_wide(self) -> tuple[Any, Any]:
        """The ends of a pipe that there is much room in."""
        reader, writer = self._pipe(False)
        self._quiet.add(self._stops.inode(reader.fileno()))
        with suppress(OSError, AttributeError):
            _fcntl(writer.fileno(), fcntl.F_SETPIPE_SZ, _WIDE)
        return reader, writer

    def send_whole(self, end: Any, label: str, data: bytes) -> None:
        """Put a message into such a pipe."""
        stops, inode = self._stops, self._stops.inode(end.fileno())
        assert inode is not None
        stops.step("puts into", label, (), wait=("put", inode, inode, 0, None))
        rest = [as_sent(data)]
        self._send_some(end.fileno(), rest)
        if rest:
            stops.note("escapes", f"{stops.place()} puts more into {label} than there is room for at once")
            stops.step("goes on", "", ())

    def await_whole(self, end: Any, label: str) -> None:
        """Wait until there is one."""
        inode = self._stops.inode(end.fileno())
        self._stops.step("takes from", label, (), wait=("get", inode, inode, 4, None))

    def look(self, end: Any, label: str) -> None:
        """Look how many there are."""
        inode = self._stops.inode(end.fileno())
        self._stops.step("looks at", label, (), wait=("look", inode, inode, 1, None))

    def take_whole(self, end: Any) -> Any:
        """Take a message that is there."""
        with self._stops.known():
            return self._real["_recv_bytes"](end).getbuffer()

    def share(self) -> None:
        """Before a process is forked, which has them as well."""
        self.is_shared = True
        own, self._own = self._own, []
        for end in (one() for one in own):
            if end is not None:
                self._stops.keep_name(end)

    def tell(self) -> Any:
        """What a process has to know of them that is not forked."""
        return [*self._peers.items()], [*self._quiet]

    def take(self, told: Any) -> None:
        """In such a process: what it was told."""
        peers, quiet = told
        self._peers.update(peers)
        self._quiet.update(quiet)
        self.is_shared = True

    def knows(self, handle: int) -> bool:
        """Whether it is an end of a pipe that is under control."""
        return handle not in self._stops.own and self._stops.inode(handle) in self._peers

    # ------------------------------------------------------------ in a child

    def _known(self, handle: int, word: str) -> Inode | None:
        """The inode of an end that others have as well; None for one of which only this process knows."""
        stops = self._stops
        if not stops.begun or handle in stops.own:
            return None
        inode = stops.inode(handle)
        if inode not in self._peers:
            stops.note("uncontrolled", f"{stops.place()} {word} a pipe or socket, which is not under control")
            return None
        return inode

    def _close(self, connection: Any, *_: Any) -> None:
        """Stands for the method that closes an end: who has the other one may come to notice."""
        inode = self._stops.inode(connection._handle) if self._stops.begun else None
        if self.is_shared and inode in self._peers and inode not in self._quiet and self._stops.is_its_thread():
            assert inode is not None
            ends = tuple(dict.fromkeys((inode, self._peers[inode])))
            self._stops.step("closes", self._stops.name_of(connection, "a pipe"), (), wait=(CLOSES, ends))
        with self._stops.known():
            self._real["_close"](connection)

    def _send_bytes(self, connection: Any, data: Any) -> None:
        inode = self._known(connection._handle, "sends into")
        if inode is None:
            self._real["_send_bytes"](connection, data)
            return
        stops = self._stops
        if len(data) + 4 > _AT_ONCE:
            stops.note("doubt", f"{stops.place()} sends {len(data):,} bytes, which was taken to be one step")
        label = stops.name_of(connection, "a pipe")
        stops.step("sends into", label, (), wait=("put", self._peers[inode], inode, 0, None))
        if len(data) + 4 > _AT_ONCE:
            self._send_rest(connection._handle, inode, label, [as_sent(data)], first=True)
            return
        with stops.known():
            self._real["_send_bytes"](connection, data)

    def _send_rest(self, handle: int, inode: Inode, label: str, rest: list[bytes], first: bool = False) -> None:
        """Send as much as there is room for, and wait for more."""
        while rest:
            if not first:
                self._stops.step("sends the rest into", label, (), wait=("put", self._peers[inode], inode, 0, None))
            first = False
            self._send_some(handle, rest)

    def _send_some(self, handle: int, rest: list[bytes]) -> None:
        """Take from ``rest`` what there is room for now."""
        with self._stops.known():
            os.set_blocking(handle, False)
            try:
                while rest:
                    sent = _write(handle, rest[0])
                    rest[0] = rest[0][sent:]
                    if not rest[0]:
                        del rest[0]
            except BlockingIOError:
                return
            finally:
                os.set_blocking(handle, True)

    def _recv_bytes(self, connection: Any, maxsize: int | None = None) -> Any:
        inode = self._known(connection._handle, "receives from")
        if inode is None:
            return self._real["_recv_bytes"](connection, maxsize)
        stops = self._stops
        label = stops.name_of(connection, "a pipe")
        stops.step("receives from", label, (), wait=("get", inode, inode, 4, None))
        with stops.known():
            (size,) = struct.unpack("!i", connection._recv(4).getvalue())
        if maxsize is not None and size > maxsize:
            return None
        if size < 0:
            stops.note("uncontrolled", f"{stops.place()} receives what is no message")
        if size + 4 <= _AT_ONCE:
            stops.step("receives the rest from", label, (), wait=("get", inode, inode, max(size, 0), None))
            with stops.known():
                return connection._recv(size)
        received = io.BytesIO()
        while received.tell() < size:
            stops.step("receives more from", label, (), wait=("get", inode, inode, 1, None))
            with stops.known():
                part = _read(connection._handle, size - received.tell())
            if not part:
                raise EOFError if not received.tell() else OSError("got end of file during message")
            received.write(part)
        return received

    def _poll(self, connection: Any, timeout: float | None) -> bool:
        inode = self._known(connection._handle, "asks")
        if inode is None:
            return bool(self._real["_poll"](connection, timeout))
        stops = self._stops
        label = stops.name_of(connection, "a pipe")
        if timeout is not None and timeout <= 0:
            stops.step("asks whether it has something", label, (), wait=("look", inode, inode, 1, None))
            found = bool(select.select([connection._handle], [], [], 0)[0])
            stops.came_to(str(found))
            return found
        return stops.step("waits for something in", label, (), wait=("get", inode, inode, 1, timeout)) != TIMED_OUT

    def _put(self, queue: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
        self._bring(queue, item, block, timeout, lambda: None)

    def _put_joinable(self, queue: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
        def count() -> None:
            with queue._cond:
                queue._unfinished_tasks.release()

        self._bring(queue, item, block, timeout, count)

    def _bring(self, queue: Any, item: Any, block: bool, timeout: float | None, count: Any) -> None:
        """Put something into a queue, and send it at once."""
        library = sys.modules[_QUEUES]
        if queue._closed:
            raise ValueError(f"Queue {queue!r} is closed")
        if not queue._sem.acquire(block, timeout):
            raise library.Full
        self._stops.note("doubt", _AFTERWARDS)
        count()
        data = library._ForkingPickler.dumps(item)
        rest = self._rests.get(id(queue))
        if rest:  # what was put before has to be sent before
            rest.append(as_sent(data))
            return
        inode = self._known(queue._writer._handle, "sends into") if len(data) + 4 > _AT_ONCE else None
        if inode is not None:
            self._begin_to_send(queue, inode, data)
            return
        if queue._wlock is None:
            queue._send_bytes(data)
            return
        with queue._wlock:
            queue._send_bytes(data)

    def _begin_to_send(self, queue: Any, inode: Inode, data: Any) -> None:
        """Send what there is room for; the library's own thread would send the rest, and whoever joins waits for it."""
        handle, label = queue._writer._handle, self._stops.name_of(queue._writer, "a queue")
        if queue._wlock is not None:
            queue._wlock.acquire()
        rest = self._rests[id(queue)] = [as_sent(data)]
        self._stops.step("sends into", label, (), wait=("look", self._peers[inode], inode, 0, None))
        self._send_some(handle, rest)

        def send_all() -> None:
            self._send_rest(handle, inode, label, rest)
            if queue._wlock is not None:
                queue._wlock.release()
            self._stops.note("sent", label)

        if not rest:
            send_all()
            return
        self._stops.note("unsent", label)
        if not queue._joincancelled:
            finalize = sys.modules["multiprocessing.util"].Finalize
            queue._jointhread = finalize(None, send_all, exitpriority=-5)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library do these."""
        before: list[tuple[Any, str, Any]] = []
        connection: Any = sys.modules.get(_CONNECTION)
        queues: Any = sys.modules.get(_QUEUES)
        if connection is not None and fcntl is not None:
            for name in ("_send_bytes", "_recv_bytes", "_poll", "_close"):
                self._real[name] = getattr(connection.Connection, name)
                before.append((connection.Connection, name, self._real[name]))
                setattr(connection.Connection, name, _as_method(getattr(self, name)))
            self._real["Pipe"] = connection.Pipe
            before.append((connection, "Pipe", connection.Pipe))
            connection.Pipe = self._pipe
        if queues is not None:
            for kind, put in ((queues.Queue, self._put), (queues.JoinableQueue, self._put_joinable)):
                before.append((kind, "put", kind.put))
                kind.put = _as_method(put)
        try:
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)


def _as_method(bound: Any) -> Any:
    def method(thing: Any, *arguments: Any, **named: Any) -> Any:
        return bound(thing, *arguments, **named)

    return method
