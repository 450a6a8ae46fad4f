"""What the system tells of a pipe."""

from __future__ import annotations

import select
import struct
from typing import Any

try:
    import fcntl
    import termios
except ImportError:  # no POSIX
    fcntl = termios = None  # type: ignore[assignment]


def as_sent(data: Any) -> bytes:
    """A message as the library writes it."""
    return struct.pack("!i", len(data)) + bytes(data)


def has(fd: int, amount: int) -> bool:
    """Whether so many bytes are there to be read, or the other end is closed."""
    waiting = bytearray(4)
    try:
        fcntl.ioctl(fd, termios.FIONREAD, waiting)
        if struct.unpack("i", waiting)[0] >= max(amount, 1):
            return True
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return any(event & select.POLLHUP for _, event in poll.poll(0)) or not amount
    except (OSError, ValueError):
        return False


def takes(fd: int) -> bool:
    """Whether there is room for something."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in poll.poll(0))
