"""Messages between the runner and the process of an actor: plain values, one a packet."""

from __future__ import annotations

import _socket
import marshal
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SEND, _RECEIVE, _CLOSE = os.write, os.read, os.close  # as they were before anything was put in their place
_LARGEST = 60_000  # bytes of a packet
ASKS = "asks"
"""The kind of a message that is a question, which the runner answers at once."""
_INT = struct.Struct("i")
_LOOK = struct.pack("ll", 0, 250_000)  # seconds and microseconds that the runner waits before it looks why


class Gone(Exception):
    """The other side is no more."""


class Late(Exception):
    """Nothing has come yet."""


class Wire:
    """One end of a pair of sockets that keeps packets apart."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def send(self, *message: Any) -> None:
        """Send plain values; raises Gone where nobody is there to read them."""
        packet = marshal.dumps(message)
        if len(packet) > _LARGEST:
            packet = marshal.dumps(tuple(_shortened(part) for part in message))
        try:
            _SEND(self.fd, packet)
        except OSError as error:
            raise Gone from error

    def receive(self) -> Any:
        """The next message; raises Gone at the end, and Late where nothing comes in time."""
        try:
            packet = _RECEIVE(self.fd, _LARGEST + 4_000)
        except BlockingIOError:
            raise Late from None
        except OSError as error:
            raise Gone from error
        if not packet:
            raise Gone
        return marshal.loads(packet)


class Lent:
    """An answer with file descriptors, which whoever gives it does not keep."""

    def __init__(self, message: Any, fds: tuple[int, ...]) -> None:
        self.message, self.fds = message, fds


def send_lent(wire: Wire, lent: Lent) -> None:
    """Send an answer with its file descriptors."""
    with _as_socket(wire) as end:
        try:
            rights = b"".join(map(_INT.pack, lent.fds))
            end.sendmsg([marshal.dumps((lent.message,))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
        except OSError as error:
            raise Gone from error
        finally:
            for fd in lent.fds:
                _CLOSE(fd)


def receive_lent(wire: Wire, number: int) -> tuple[Any, list[int]]:
    """The next message, and so many file descriptors that come with it."""
    with _as_socket(wire) as end:
        try:
            packet, extra, _, _ = end.recvmsg(_LARGEST, _socket.CMSG_SPACE(number * _INT.size))
        except OSError as error:
            raise Gone from error
    if not packet:
        raise Gone
    fds = [fd for _, _, data in extra for (fd,) in _INT.iter_unpack(data)]
    return marshal.loads(packet)[0], fds


@contextmanager
def _as_socket(wire: Wire) -> Iterator[_socket.socket]:
    end = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, wire.fd)
    try:
        yield end
    finally:
        end.detach()


def _shortened(part: Any) -> Any:
    if isinstance(part, str):
        return part[:1_000]
    return tuple(_shortened(one) for one in part[:40]) if isinstance(part, tuple) else part


def pair() -> tuple[int, int]:
    """Two connected ends: the runner's, which does not wait for ever, and the child's."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, _LOOK)
    return ours.detach(), theirs.detach()
