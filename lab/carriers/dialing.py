"""What a controlled loop does about connections: asyncio's own servers and transports, on sockets in memory."""

from __future__ import annotations

import functools
import inspect
import os
from asyncio import StreamReaderProtocol, base_events, events, selector_events, sleep
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from lab.carriers.network import address_of
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.carriers.task_actor import TaskActor
    from lab.carriers.tasks import Tasks

_BASE: Any = selector_events.BaseSelectorEventLoop  # of whose inside its stubs know nothing
_TRANSPORT: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]


class Of(events.Handle):
    """A callback that runs when a file can be read or written, and whose it is."""

    __slots__ = ("owner",)

    def __init__(
        self, owner: TaskActor, callback: Any, arguments: Any, loop: Any, context: Context | None = None
    ) -> None:
        super().__init__(callback, arguments, loop, context)
        self.owner = owner


class _NoSelector:
    """Nobody sleeps in it."""

    def get_map(self) -> dict[Any, Any]:
        """It has no files."""
        return {}

    def get_key(self, fileobj: Any) -> Any:
        """None of them, so the text of a transport calls it idle."""
        raise KeyError(fileobj)

    def close(self) -> None:
        """There is nothing to close."""


class _Transport(_TRANSPORT):  # type: ignore[misc]
    """Has nothing to do when garbage is collected, if the loop has let go of it."""

    def __del__(self) -> None:
        if self._sock is not None:
            super().__del__()


class Dialing(_BASE):  # type: ignore[misc]
    """Serves and connects inside of the execution; what would reach out of it is refused."""

    def __init__(self, control: Tasks) -> None:
        self._control = control
        super().__init__(_NoSelector())
        self._transports: dict[int, Any] = {}  # a weak one would depend on when garbage is collected

    def __del__(self) -> None:
        """It is always closed, so there is nothing to do when garbage is collected."""

    def _make_self_pipe(self) -> None:
        """Nobody has to be woken."""

    def _close_self_pipe(self) -> None:
        """There is none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""

    def _process_events(self, event_list: list[Any]) -> None:
        """The strategy says what happens."""

    def _add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any:
        return self._put(fd, "reader", callback, args)

    def _remove_reader(self, fd: int) -> bool:
        return self._control.network.take_away(fd, "reader")

    def _add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any:
        return self._put(fd, "writer", callback, args)

    def _remove_writer(self, fd: int) -> bool:
        return self._control.network.take_away(fd, "writer")

    def _put(self, number: int, kind: str, callback: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        self._check_closed()
        network = self._control.network
        handle = Of(network.owner(number), callback, args, self)
        network.put(number, kind, handle)
        return handle

    def _make_socket_transport(
        self, sock: Any, protocol: Any, waiter: Any = None, *, extra: Any = None, server: Any = None
    ) -> Any:
        return _Transport(self, sock, protocol, waiter, extra, server)

    # ------------------------------------------------------------ connections

    async def create_connection(self, *arguments: Any, **named: Any) -> Any:
        """See `asyncio.loop.create_connection`."""
        given = _given("create_connection", base_events.BaseEventLoop.create_connection, self, arguments, named)
        if given.get("host") is None and given.get("port") is None:
            raise ValueError("host and port was not specified and no sock specified")
        return await self._connected(given, address_of(given.get("host"), given.get("port")))

    async def create_unix_connection(self, protocol_factory: Callable[[], Any], path: Any = None, **named: Any) -> Any:
        """See `asyncio.loop.create_unix_connection`."""
        _refuse("create_unix_connection", named)
        if path is None:
            raise ValueError("no path and sock were specified")
        return await self._connected({"protocol_factory": protocol_factory}, os.fspath(path))

    async def _connected(self, given: dict[str, Any], address: Any) -> Any:
        connected = self.create_future()
        sock = self._control.network.dial(address, connected)
        await connected
        return await self._create_connection_transport(sock, given["protocol_factory"], None, "")

    async def create_server(self, *arguments: Any, **named: Any) -> Any:
        """See `asyncio.loop.create_server`."""
        given = _given("create_server", base_events.BaseEventLoop.create_server, self, arguments, named)
        if given.get("host") is None and given.get("port") is None:
            raise ValueError("Neither host/port nor sock were specified")
        host = given.get("host")
        hosts = [host] if host is None or isinstance(host, str | bytes) else list(host)
        return await self._serving(given, dict.fromkeys(address_of(one, given.get("port")) for one in hosts))

    async def create_unix_server(self, protocol_factory: Callable[[], Any], path: Any = None, **named: Any) -> Any:
        """See `asyncio.loop.create_unix_server`."""
        _refuse("create_unix_server", named)
        if path is None:
            raise ValueError("path was not specified, and no sock specified")
        return await self._serving({"protocol_factory": protocol_factory, **named}, {os.fspath(path): None})

    async def _serving(self, given: dict[str, Any], addresses: dict[Any, None]) -> Any:
        sockets: list[Any] = [self._control.network.listen(address) for address in addresses]
        backlog = given.get("backlog", 100)
        server = base_events.Server(self, sockets, given["protocol_factory"], None, backlog, None)
        if given.get("start_serving", True):
            server._start_serving()  # type: ignore[attr-defined]
            await sleep(0)
        return server

    def let_go_of_transports(self) -> None:
        """What is still open when an execution ends has not been forgotten by the program."""
        for transport in list(self._transports.values()):
            transport._closing = True
            transport._sock = transport._server = None
            if isinstance(transport._protocol, StreamReaderProtocol):
                transport._protocol._stream_writer = None  # type: ignore[attr-defined]  # a circle, with a `__del__`
        self._transports.clear()


def _given(name: str, real: Any, loop: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name; raises TypeError as ``real`` would, and LabError for what is not controlled."""
    try:
        given: dict[str, Any] = _signature(real).bind(loop, *arguments, **named).arguments
    except TypeError as error:
        raise TypeError(f"BaseEventLoop.{name}() {error}") from None
    _refuse(name, given)
    return given


def _refuse(name: str, given: dict[str, Any]) -> None:
    for option in ("ssl", "sock"):
        if given.get(option):
            raise LabError(f"loop.{name}({option}=...): {_NOT}")


_signature = functools.lru_cache(inspect.signature)
_NOT = "is not under control; put a double in its place, or leave it out of what is explored"


def _refused(what: str) -> Any:
    def refuse(self: Dialing, *arguments: Any, **named: Any) -> Any:
        raise LabError(f"{what}: {_NOT}")

    return refuse


for _name in ("create_datagram_endpoint", "connect_read_pipe", "connect_write_pipe", "add_reader", "add_writer"):
    setattr(Dialing, _name, _refused(f"loop.{_name}()"))  # the other side would answer when it likes
for _name in ("sock_recv", "sock_recv_into", "sock_sendall", "sock_connect", "sock_accept", "add_signal_handler"):
    setattr(Dialing, _name, _refused(f"loop.{_name}()"))
for _name in ("sock_recvfrom", "sock_recvfrom_into", "sock_sendto", "start_tls", "connect_accepted_socket"):
    setattr(Dialing, _name, _refused(f"loop.{_name}()"))
for _name in ("exec", "shell"):
    setattr(Dialing, f"subprocess_{_name}", _refused(f"asyncio.create_subprocess_{_name}()"))
