"""Servers and clients inside of one exploration: when data arrives is the strategy's choice."""

import asyncio
from types import SimpleNamespace

import pytest

import lab
from lab import explore, replay
from lab.errors import LabError

PORT = 8000


def serving(handle, **more):
    """A setup that serves ``handle(state, reader, writer)``."""

    async def setup():
        state = SimpleNamespace(value=0, seen=[], **more)

        async def serve(reader, writer):
            await handle(state, reader, writer)
            writer.close()

        state.server = await asyncio.start_server(serve, "127.0.0.1", PORT)
        return state

    return setup


async def echo(state, reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()


def says(*lines):
    async def client(state):
        reader, writer = await asyncio.open_connection("localhost", PORT)
        for line in lines:
            writer.write(line)
            state.seen.append(await reader.readline())
        writer.close()
        await writer.wait_closed()

    return client


def seen(state):
    return tuple(state.seen)


async def adds(state, reader, writer):
    await reader.readline()
    value = state.value
    await asyncio.sleep(0)
    state.value = value + 1


@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_two_handlers_of_a_server_lose_an_update_and_it_replays(carrier, tmp_path):
    async def client(state):
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        writer.write(b"add\n")
        await reader.readline()
        writer.close()

    program = {"setup": serving(adds), "actors": {"alice": client, "bob": client}}
    judge = {"outcome": lambda state: state.value, "allowed": {2}}
    found = explore(*program.values(), **judge, carrier=carrier, schedules=2_000, seconds=60)
    assert found.status == "fails", str(found)
    assert str(found.failure) == "outcome: outcome 1 (allowed: 2)"
    assert {"alice", "bob", "connection 1", "connection 1 (server)", "127.0.0.1:8000"} <= set(found.witness.actors)
    witness = lab.Witness.load(found.witness.save(tmp_path / "witness.json"))
    for again in ("greenlet", "thread"):
        assert replay(witness, *program.values(), **judge, carrier=again).reason == (
            "fails again: outcome 1 (allowed: 2)"
        )


def test_a_client_and_a_server_that_talk_in_lines_are_proved():
    found = explore(serving(echo), {"alice": says(b"one\n", b"two\n")}, outcome=seen, seconds=60)
    assert found.status == "holds", str(found)
    assert dict(found.outcomes).keys() == {(b"one\n", b"two\n")}


def test_connections_are_served_in_any_order_and_one_of_them_in_its_own():
    async def notes(state, reader, writer):
        while line := await reader.readline():
            state.seen.append(line)

    def client(*lines):
        async def speaks(state):
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
            for line in lines:
                writer.write(line)
                await asyncio.sleep(0)
            writer.close()

        return speaks

    actors = {"alice": client(b"a\n", b"b\n"), "bob": client(b"c\n")}
    found = explore(serving(notes), actors, outcome=seen, strategy="random", schedules=300)
    assert set(found.outcomes) == {(b"a\n", b"b\n", b"c\n"), (b"a\n", b"c\n", b"b\n"), (b"c\n", b"a\n", b"b\n")}


async def greets(state, reader, writer):
    writer.write(b"hello world")


def test_a_reader_that_takes_a_piece_for_a_message_is_found_and_nothing_is_proved_of_pieces():
    async def reads(state):
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        state.seen.append(await reader.read(100))
        writer.close()

    async def reads_exactly(state):
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        state.seen.append(await reader.readexactly(11))
        writer.close()

    async def reads_in_a_loop(state):
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        data = b""
        while piece := await reader.read(100):
            data += piece
        state.seen.append(data)
        writer.close()

    allowed = {(b"hello world",)}
    found = explore(serving(greets), {"alice": reads}, outcome=seen, allowed=allowed)
    assert str(found.failure) == "outcome: outcome (b'hello',) (allowed: (b'hello world',))"
    assert explore(serving(greets), {"alice": reads_exactly}, outcome=seen, allowed=allowed).status == "holds"
    found = explore(serving(greets), {"alice": reads_in_a_loop}, outcome=seen, allowed=allowed, seconds=2)
    assert found.status == "unknown"
    assert "data of a connection is read in pieces, and it could arrive in smaller ones" in found.reason


def test_who_writes_faster_than_the_other_end_reads_has_to_wait():
    async def floods(state, reader, writer):
        for _ in range(8):
            writer.write(bytes(60_000))
            state.paused = max(state.paused, writer.transport.get_write_buffer_size())
            await writer.drain()
        state.seen.append("written")

    async def reads(state):
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        await asyncio.sleep(20)
        state.seen.append("begins")
        state.value = len(await reader.read())
        writer.close()

    found = explore(
        serving(floods, paused=0),
        {"alice": reads},
        outcome=lambda state: (state.value, state.seen[0]),
        strategy="random",
        schedules=20,
    )
    assert set(found.outcomes) == {(480_000, "begins")}, str(found)


def test_a_server_that_has_closed_the_connection_is_heard_of():
    async def closes(state, reader, writer):
        await reader.readline()

    async def client(state):
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        writer.write(b"one\n")
        await writer.drain()
        try:
            state.seen.append(await reader.readline())
            writer.write(b"two\n")
            await writer.drain()
            state.seen.append(await reader.readline())
        except ConnectionError as error:
            state.seen.append(type(error).__name__)
        writer.close()

    found = explore(serving(closes), {"alice": client}, outcome=seen, strategy="random", schedules=100)
    assert set(found.outcomes) <= {(b"", b""), (b"", "ConnectionResetError")}
    assert found.failure is None


def test_a_server_that_closes_waits_for_its_connections_as_asyncio_does():
    async def closes(state):
        state.server.close()
        await state.server.wait_closed()
        state.seen.append("closed")

    found = explore(serving(echo), {"alice": says(b"one\n"), "bob": closes}, outcome=seen, schedules=200)
    assert found.failure is None or "ConnectionRefusedError" in str(found.failure), str(found)


def test_a_client_may_come_before_the_server():
    async def serves(state):
        await asyncio.start_server(lambda reader, writer: writer.close(), None, PORT)

    async def client(state):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
            state.append("connected")
            writer.close()
        except ConnectionRefusedError as error:
            state.append(str(error))

    found = explore(list, {"alice": client, "bob": serves}, outcome=tuple)
    refused = "[Errno 111] Connect call failed ('127.0.0.1', 8000)"
    assert set(found.outcomes) == {("connected",), (refused,)}, str(found)


NOBODY = (
    "10.0.0.1:6379: nobody in the exploration serves it; serve it with asyncio.start_server() in setup or in an "
    "actor, or put a double in its place"
)


@pytest.mark.parametrize("more", [{}, {"bob": lambda state: None}])
def test_an_address_that_nobody_serves_is_refused_in_one_line(more):
    async def client(state):
        await asyncio.open_connection("10.0.0.1", 6379)

    with pytest.raises(LabError) as caught:
        explore(list, {"alice": client, **more})
    assert str(caught.value) == NOBODY


def test_who_gives_up_an_address_that_nobody_serves_proves_nothing():
    async def client(state):
        try:
            await asyncio.wait_for(asyncio.open_connection("10.0.0.1", 6379), 1)
        except TimeoutError:
            pass

    found = explore(list, {"alice": client}, seconds=1)
    assert found.status == "unknown", str(found)
    assert found.uncontrolled == (NOBODY,)


def test_protocols_and_unix_sockets(tmp_path):
    path = str(tmp_path / "socket")

    class Server(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data.upper())
            self.transport.close()

    class Client(asyncio.Protocol):
        def __init__(self, state):
            self.state, self.lost = state, asyncio.get_running_loop().create_future()
            self.data = b""

        def data_received(self, data):
            self.data += data

        def connection_lost(self, error):
            self.lost.set_result(error)

    async def client(state):
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(Server, path)
        transport, protocol = await loop.create_unix_connection(lambda: Client(state), path)
        assert transport.get_extra_info("peername") == path
        transport.write(b"one")
        error = await protocol.lost
        state.append((protocol.data, error))
        server.close()

    found = explore(list, {"alice": client}, outcome=tuple, schedules=100, seconds=5)
    assert found.failure is None, str(found)
    assert ((b"ONE", None),) in found.outcomes


def test_an_address_is_served_once():
    async def twice(state):
        server = await asyncio.start_server(print, "127.0.0.1", PORT)
        assert server.sockets[0].getsockname() == ("127.0.0.1", PORT)
        try:
            await asyncio.start_server(print, "localhost", PORT)
        except OSError as error:
            state.append(str(error))
        server.close()
        await server.wait_closed()
        server = await asyncio.start_server(print, "127.0.0.1", PORT)
        other = await asyncio.start_server(print, "127.0.0.1", 0)
        state.append(other.sockets[0].getsockname())

    found = explore(list, [twice], outcome=tuple)
    told = "[Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use"
    assert set(found.outcomes) == {(told, ("127.0.0.1", 49152))}, str(found)


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (lambda loop: asyncio.open_connection("localhost", 1, ssl=True), "loop.create_connection(ssl=...)"),
        (lambda loop: asyncio.start_server(print, sock=object()), "loop.create_server(sock=...)"),
        (lambda loop: loop.create_datagram_endpoint(print), "loop.create_datagram_endpoint()"),
    ],
)
def test_what_is_not_controlled_is_refused_in_one_line(operation, told):
    async def actor(state):
        result = operation(asyncio.get_running_loop())
        await result

    with pytest.raises(LabError) as caught:
        explore(list, [actor])
    assert (
        str(caught.value)
        == f"{told}: is not under control; put a double in its place, or leave it out of what is explored"
    )
