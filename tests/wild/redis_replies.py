"""redis: two tasks share one connection, and a command of one of them is cancelled.

Up to 4.5.1 a command that is cancelled after it was sent leaves its reply in the connection, and whoever uses that
next gets it: every reply from then on is off by one.  In 4.5.5 the connection is given up with the command, and the
next one connects anew (redis/redis-py#2624, #2665, CVE-2023-28858, CVE-2023-28859).

Explored with a server of a few lines, as what a real one does is under nobody's control; hammered on a real one where
``redis-server`` is installed.
"""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time

from redis.asyncio import Redis

TRACE = ()
VALUES = {"fruit": "apple", "tree": "oak"}
CANCEL = ("alice",)
PORT = 6379  # of a network in memory


class State:
    def __init__(self, port):
        self.client = Redis(port=port, single_connection_client=True, decode_responses=True)
        self.server = None
        self.got = None


async def setup():
    state = State(PORT)
    state.server = await asyncio.start_server(serve, "localhost", PORT)
    await state.client.initialize()
    return state


async def serve(reader, writer):
    """What Redis answers to GET and SET, in RESP2."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while count := await reader.readline():
            words = []
            for _ in range(int(count[1:])):
                length = int((await reader.readline())[1:])
                words.append((await reader.readexactly(length + 2))[:-2].decode())
            value = VALUES.get(words[-1], "")
            reply = f"${len(value)}\r\n{value}\r\n" if words[0] == "GET" else "+OK\r\n"
            writer.write(reply.encode())
    writer.close()


async def alice(state):
    await state.client.get("fruit")


async def bob(state):
    state.got = await state.client.get("tree")


ACTORS = {"alice": alice, "bob": bob}
check = None


async def teardown(state):
    await state.client.close()
    if state.server is not None:
        state.server.close()


def outcome(state):
    return state.got


ALLOWED = {"oak": "bob has the answer to his question"}


@contextlib.contextmanager
def real():
    """Give what sets the program up with a real server; None where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            asyncio.run(fill(port))

            async def connect():
                state = State(port)
                await state.client.initialize()
                return state

            yield connect
        finally:
            server.terminate()
            server.wait()


async def fill(port):
    for _ in range(100):
        with contextlib.suppress(Exception):
            async with Redis(port=port) as client:
                await client.mset(VALUES)
                return
        time.sleep(0.05)
    raise SystemExit("redis-server does not answer")
