"""Sockets in memory, for asyncio's own transports: what one end has sent and the other has not read yet.

What has been sent does not arrive by itself.  `lab.carriers.network` says when it does, and how much of it: of one
connection nothing arrives out of order or is lost.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Iterable
from typing import Any

CAPACITY = 64 * 1024
"""Bytes that may be on their way in one direction; who sends more has to wait until the other end reads."""


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class MemorySocket:
    """One end of a connection, or what listens at an address."""

    type = socket.SOCK_STREAM
    proto = 0

    def __init__(self, number: int, address: Any) -> None:
        self.number = number
        self.name = address  # what `getsockname` says
        self.family = getattr(socket, "AF_UNIX", socket.AF_INET) if isinstance(address, str) else socket.AF_INET
        self.peer: MemorySocket | None = None
        self.closed = False
        self.listening = False
        self.backlog: deque[MemorySocket] = deque()  # of a listener: who has connected and was not accepted yet
        self.coming: deque[bytes] = deque()  # what the peer has sent, as it sent it
        self.halved = False  # the first of it is the rest of something that came in parts
        self.arrived = 0  # bytes of it that can be read
        self.finished = False  # nothing follows what is coming
        self.reset = False  # the connection is no more
        self.told = False  # that it ends has arrived

    # ------------------------------------------------------------ what asyncio asks of a socket

    def fileno(self) -> int:
        """A number that no file has."""
        return -1 if self.closed else self.number

    def getsockname(self) -> Any:
        """Where it is."""
        return self.name

    def getpeername(self) -> Any:
        """Where the other end is."""
        if self.peer is None:
            raise _os_error(errno.ENOTCONN)
        return self.peer.name

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def gettimeout(self) -> float:
        """It never blocks."""
        return 0.0

    def setsockopt(self, *_: object) -> None:
        """There is nothing to set."""

    def getsockopt(self, *_: object) -> int:
        """Nothing has been set."""
        return 0

    def listen(self, backlog: int = 0) -> None:
        """From now on others may connect."""
        self.listening = True

    def accept(self) -> tuple[MemorySocket, Any]:
        """The server's end of the first connection that nobody has accepted."""
        if not self.backlog:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        end = self.backlog.popleft()
        return end, end.getpeername()

    def send(self, data: Any) -> int:
        """How many bytes are on their way now."""
        peer = self.peer
        if self.closed or peer is None:
            raise _os_error(errno.EBADF)
        if self.finished_writing or (self.reset and self.told):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if peer.closed:
            self.reset = True
            return len(data)
        given = bytes(memoryview(data)[: max(CAPACITY - peer.pending(), 0)])
        if not given and len(data):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        if given:
            peer.coming.append(given)
        return len(given)

    def sendmsg(self, buffers: Iterable[Any]) -> int:
        """The same for several pieces."""
        return self.send(b"".join(buffers))

    def recv(self, count: int) -> bytes:
        """What has arrived; nothing at the end."""
        if self.reset and self.told:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        taken = bytearray()
        count = min(count, self.arrived)
        while len(taken) < count:
            first = self.coming[0]
            piece = first[: count - len(taken)]
            taken += piece
            if len(piece) == len(first):
                self.coming.popleft()
                self.halved = False
            else:
                self.coming[0] = first[len(piece) :]
                self.halved = True
        self.arrived -= len(taken)
        if not taken and not self.told:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return bytes(taken)

    def recv_into(self, buffer: Any) -> int:
        """The same, put into ``buffer``."""
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def shutdown(self, how: int) -> None:
        """Send no more."""
        if self.peer is None:
            raise _os_error(errno.ENOTCONN)
        if how != socket.SHUT_RD:
            self.peer.finished = True

    def close(self) -> None:
        """The other end will hear of it; with an error, if something was left unread."""
        if self.closed:
            return
        self.closed = True
        self.listening = False
        for waiting in self.backlog:
            waiting.close()
            if waiting.peer is not None:
                waiting.peer.reset = True
        if self.peer is not None:
            self.peer.finished = True
            self.peer.reset = self.peer.reset or bool(self.coming)

    # ------------------------------------------------------------ for `lab.carriers.network`

    @property
    def finished_writing(self) -> bool:
        """Whether this end has said that it sends no more."""
        return self.peer is not None and self.peer.finished

    def pending(self) -> int:
        """How many bytes the other end has sent that were not read."""
        return sum(map(len, self.coming))

    def has_room(self) -> bool:
        """Whether something can be sent, or is known not to arrive any more."""
        return self.peer is None or self.peer.closed or self.peer.pending() < CAPACITY

    def connect_to(self, listener: MemorySocket, other: MemorySocket) -> None:
        """Let ``other`` be the server's end."""
        self.peer, other.peer = other, self
        listener.backlog.append(other)

    def can_end(self) -> bool:
        """Whether what may arrive next is that nothing more does."""
        return not self.told and (self.reset or (self.finished and not self.coming))

    def part(self) -> int:
        """How many bytes may arrive without what was sent after them; 0 if they all arrive together."""
        if len(self.coming) > 1:
            return len(self.coming[0])
        if self.halved or not self.coming or len(self.coming[0]) < 2:
            return 0
        return len(self.coming[0]) // 2

    def let_arrive(self, count: int) -> bytes:
        """Let so many bytes be read; these bytes."""
        self.arrived = count
        return b"".join(self.coming)[:count]
