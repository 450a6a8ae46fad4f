"""Connections inside of one execution: who listens, who connects, and what may arrive next.

When a connection comes about, when it is accepted and when data arrives are choices of the strategy, as a real loop
hears of files in any order.  What has been sent by then arrives together.  Where the program looks at pieces rather
than at lines or messages of a known length, a part of it may arrive first; it might come in yet smaller parts, so
then nothing is said to hold.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.carriers.awaiting import begin_site
from lab.carriers.sockets import MemorySocket
from lab.carriers.task_actor import (
    CONNECTS,
    DATA_ARRIVES,
    HAS_ROOM,
    IS_ACCEPTED,
    IS_REFUSED,
    PART_ARRIVES,
    THE_END_ARRIVES,
    Outside,
    TaskActor,
)
from lab.errors import LabError
from lab.origin import frame_of_program

if TYPE_CHECKING:
    from lab.carriers.turns import Turns

_HERE = frozenset(("", "0.0.0.0", "::", "::1", "localhost", "127.0.0.1"))
_FIRST_PORT = 49_152
_FIRST_NUMBER = 1_000_000  # of files: far beyond those of the process
_LONGEST_SHOWN = 24
PIECES = "data of a connection is read in pieces, and it could arrive in smaller ones"


def address_of(host: Any, port: Any) -> tuple[str, int]:
    """All addresses of this machine are one."""
    name = os.fsdecode(host) if isinstance(host, bytes) else str(host or "")
    return ("127.0.0.1" if name.lower() in _HERE else name, int(port or 0))


class End:
    """What happens from outside to one end of a connection, or to what listens."""

    def __init__(self, network: Network, name: str, code: Any, sock: MemorySocket) -> None:
        self.network = network
        self.actor = network.make_actor(name, code)
        self.sock = sock
        self.reader: Any = None  # the handle that asyncio has put there
        self.writer: Any = None
        self.dialing: tuple[Any, Any] | None = None  # the address, and the future of the connection
        self.chosen_in = 0  # the turn in which something happened to it
        self._outside: dict[str, Outside] = {}

    def event(self, word: str, happen: Callable[[], None]) -> Outside:
        """The choice that something happens."""
        one = self._outside.get(word)
        if one is None:
            one = self._outside[word] = self.network.control._outside(self.actor, word, happen)
        one.happen = happen
        return one

    def events(self) -> Iterator[Outside]:
        """What may happen next."""
        network, sock = self.network, self.sock
        if self.dialing is not None:
            listener = network.listeners.get(self.dialing[0])
            if listener is not None and listener.sock.listening:
                yield self.event(CONNECTS, partial(network.connect, self, listener))
            elif self.dialing[0] in network.served:
                yield self.event(IS_REFUSED, partial(network.refuse, self))
            return
        reader, writer = self.reader, self.writer
        if reader is not None and not reader._cancelled:
            if sock.backlog:
                yield self.event(IS_ACCEPTED, partial(network.happens, self, IS_ACCEPTED, reader))
            if sock.can_end():
                yield self.event(THE_END_ARRIVES, partial(network.ends, self, reader))
            if sock.coming and not sock.told:
                yield self.event(DATA_ARRIVES, partial(network.arrives, self, reader, False))
                if sock.part() and network.in_pieces(self):
                    yield self.event(PART_ARRIVES, partial(network.arrives, self, reader, True))
        if writer is not None and not writer._cancelled and sock.has_room():
            yield self.event(HAS_ROOM, partial(network.happens, self, HAS_ROOM, writer))


class Network:
    """All connections of one execution."""

    def __init__(self, control: Turns, served: set[Any]) -> None:
        self.control = control
        self.served = served  # in some execution
        self.listeners: dict[Any, End] = {}
        self._ends: dict[int, End] = {}  # by the number of the socket
        self._turn = 1
        self._connections = 0
        self.used = False  # there is a connection, or might be
        self.pieces = False  # in this execution: it is noticed in which pieces data arrives

    def make_actor(self, name: str, code: Any) -> TaskActor:
        """Whose the callbacks of an end are."""
        control = self.control
        actor: TaskActor = control._at_home(TaskActor(control.next_index, name, _Body(code), (), control.main))
        actor.finished = True
        control.next_index += 1
        control.actors.append(actor)
        return actor

    def _new(self, name: str, address: Any) -> End:
        frame = frame_of_program(skip_libraries=True)
        code = frame.f_code if frame is not None else _nothing.__code__
        self.used = True
        sock = MemorySocket(_FIRST_NUMBER + len(self._ends), address)
        end = self._ends[sock.number] = End(self, name, code, sock)
        return end

    # ------------------------------------------------------------ what the program does

    def listen(self, address: Any) -> MemorySocket:
        """A listener at ``address``; a port of 0 is one that is free."""
        if not isinstance(address, str) and not address[1]:
            port = _FIRST_PORT
            while (address[0], port) in self.listeners:
                port += 1
            address = (address[0], port)
        if address in self.listeners and not self.listeners[address].sock.closed:
            told = os.strerror(errno.EADDRINUSE).lower()
            raise OSError(errno.EADDRINUSE, f"error while attempting to bind on address {address!r}: {told}")
        end = self.listeners[address] = self._new(shown(address), address)
        self.served.add(address)
        return end.sock

    def dial(self, address: Any, connected: Any) -> MemorySocket:
        """An end that is going to be connected; the future ``connected`` tells when."""
        self._connections += 1
        local = ("127.0.0.1", _FIRST_PORT + 10_000 + self._connections)
        end = self._new(f"connection {self._connections}", "" if isinstance(address, str) else local)
        end.dialing = (address, connected)
        return end.sock

    def put(self, number: int, kind: str, handle: Any) -> None:
        """Have ``handle`` run when the socket of that number can be read, or written to."""
        end = self._ends[number]
        self.take_away(number, kind)
        setattr(end, kind, handle)

    def take_away(self, number: int, kind: str) -> bool:
        """Whether there was such a handle."""
        end = self._ends.get(number)
        handle = getattr(end, kind, None)
        if handle is None:
            return False
        handle.cancel()
        setattr(end, kind, None)
        return True

    def owner(self, number: int) -> TaskActor:
        """Whose the callbacks of that socket are."""
        return self._ends[number].actor

    # ------------------------------------------------------------ what may happen

    def events(self) -> list[Outside]:
        """What may happen next, in the order in which the ends were made."""
        return [event for end in self._ends.values() if end.chosen_in != self._turn for event in end.events()]

    def next_turn(self) -> None:
        """The loop looks at its files anew."""
        self._turn += 1

    def in_pieces(self, end: End) -> bool:
        """Whether it is noticed in which pieces data arrives at ``end``."""
        protocol = getattr(self.control.loop._transports.get(end.sock.number), "_protocol", None)
        if type(protocol).__module__ != "asyncio.streams":
            self.reads_pieces()
        return self.pieces

    def reads_pieces(self) -> None:
        """The program looks at pieces."""
        self.pieces = True
        self.control.doubts[PIECES] = None

    def connect(self, end: End, listener: End) -> None:
        """A connection comes about; the server has yet to accept it."""
        assert end.dialing is not None
        address, connected = end.dialing
        other = self._new(f"{end.actor.name} (server)", address)
        other.actor.body = listener.actor.body
        end.sock.connect_to(listener.sock, other.sock)
        end.dialing = None
        self._tell(CONNECTS, end, f"to {listener.actor.name}")
        self._settle(connected, None)

    def refuse(self, end: End) -> None:
        """Nobody listens there now."""
        assert end.dialing is not None
        address, connected = end.dialing
        end.dialing = None
        self._tell(IS_REFUSED, end, f"by {shown(address)}")
        if isinstance(address, str):
            error: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        else:
            error = ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {address!r}")
        self._settle(connected, error)

    def _settle(self, connected: Any, error: OSError | None) -> None:
        self.control.current = self.control.rest()
        if connected.done():
            return
        if error is None:
            connected.set_result(None)
        else:
            connected.set_exception(error)

    def arrives(self, end: End, reader: Any, in_part: bool) -> None:
        """What has been sent can be read, or a part of it."""
        count = end.sock.part() if in_part else end.sock.pending()
        data = end.sock.let_arrive(count)
        told = repr(data[:_LONGEST_SHOWN]) + ("..." if len(data) > _LONGEST_SHOWN else "")
        self.happens(end, PART_ARRIVES if in_part else DATA_ARRIVES, reader, told)

    def ends(self, end: End, reader: Any) -> None:
        """It is known that nothing more arrives."""
        end.sock.told = True
        self.happens(end, THE_END_ARRIVES, reader, "reset by peer" if end.sock.reset else "")

    def happens(self, end: End, word: str, handle: Any, detail: str = "") -> None:
        """Something has happened that ``handle`` waits for."""
        end.chosen_in = self._turn
        self._tell(word, end, detail)
        self.control.loop._ready.append(handle)

    def _tell(self, word: str, end: End, detail: str) -> None:
        control = self.control
        end.chosen_in = self._turn
        if control.quiet:
            return
        control.steps += 1
        if control.recorder is not None:
            control.recorder.operation(end.actor, word, None, begin_site(end.actor.body.__code__), detail)

    # ------------------------------------------------------------ the end

    def nobody_serves(self) -> LabError | None:
        """Why who waits for a connection waits for ever: nobody in any execution was there."""
        for end in self._ends.values():
            if end.dialing is not None and not end.dialing[1].done() and end.dialing[0] not in self.served:
                return LabError(f"{shown(end.dialing[0])}: {_UNSERVED}")
        return None

    def given_up(self) -> Iterator[str]:
        """Addresses that somebody tried in vain, though nobody could be there."""
        for end in self._ends.values():
            if end.dialing is not None and end.dialing[1].cancelled() and end.dialing[0] not in self.served:
                yield f"{shown(end.dialing[0])}: {_UNSERVED}"


def shown(address: Any) -> str:
    """As a person would write it."""
    return address if isinstance(address, str) else f"{address[0]}:{address[1]}"


class _Body:
    """Stands for what an end runs: the function of the program that has opened it."""

    def __init__(self, code: Any) -> None:
        self.__code__ = code

    def __call__(self) -> None:
        """Nobody calls it."""


def _nothing() -> None:
    """Stands for a function of the program, where there is none."""


_UNSERVED = (
    "nobody in the exploration serves it; serve it with asyncio.start_server() in setup or in an actor, "
    "or put a double in its place"
)
