"""Messages between the runner and the process of an actor: plain values, one a packet."""

from __future__ import annotations

import _socket
import marshal
import os
import struct
from typing import Any

_SEND, _RECEIVE = os.write, os.read  # as they were before anything was put in their place
_LARGEST = 60_000  # bytes of a packet
ASKS = "asks"
"""The kind of a message that is a question, which the runner answers at once."""
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


def _shortened(part: Any) -> Any:
    if isinstance(part, str):
        return part[:1_000]
    return tuple(_shortened(one) for one in part[:40]) if isinstance(part, tuple) else part


def pair() -> tuple[int, int]:
    """Two connected ends: the runner's, which does not wait for ever, and the child's."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, _LOOK)
    return ours.detach(), theirs.detach()
