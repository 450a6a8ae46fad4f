"""A PostgreSQL server to try programs on: the one that ``LAB_POSTGRES`` names, or a private one for this process.

The private one is started from Debian's package by a shell that waits for the end of this process, however it comes,
and then ends the server and removes its directory.  It listens on a socket in that directory only.
"""

from __future__ import annotations

import atexit
import functools
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from typing import Any

from lab.errors import LabError

VARIABLE = "LAB_POSTGRES"
_BINARIES = "/usr/lib/postgresql/*/bin"
_USERS = ("postgres", "nobody")  # of which it is started by root, which it refuses
_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "listen_addresses=",
    "max_connections=40",
    "dynamic_shared_memory_type=mmap",
)
_FOLDER = tempfile.gettempdir()  # not a private directory, where setup may be the first to ask for a server
_PATIENCE = 60.0  # seconds until it has started
_SHELL = r"""
bin=$1; base=$2; shift 2
"$bin/initdb" -D "$base/data" -U lab -A trust -E UTF8 --locale=C --no-sync >"$base/log" 2>&1 || exit 1
"$bin/postgres" -D "$base/data" -k "$base" "$@" >>"$base/log" 2>&1 </dev/null &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf -- "$base"
"""
"""Reads until the one that started it is no more, and then cleans up behind it."""


class NoServer(LabError):
    """There is no server, and none can be started; says why, and what to do."""


@functools.cache
def server() -> str:
    """The connection string of a server on which tables may be made and removed; raises `NoServer`."""
    try:
        import psycopg  # noqa: F401  # is it there?
    except ImportError:
        raise NoServer("psycopg is not installed: pip install 'race-lab[postgres]'") from None
    named = os.environ.get(VARIABLE)
    return named if named else _private_server()


def _private_server() -> str:
    folders = sorted(glob.glob(_BINARIES), key=lambda path: float(path.split("/")[-2]))
    if not folders:
        raise NoServer(
            f"no PostgreSQL server: {VARIABLE} is not set and there is none in {_BINARIES}; "
            "set it to a connection string, or install the package postgresql"
        )
    base = tempfile.mkdtemp(prefix="race-lab-postgres-", dir=_FOLDER)
    options: dict[str, Any] = {}
    if os.getuid() == 0:
        user = _unprivileged()
        os.chown(base, user.pw_uid, user.pw_gid)
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    settings = [part for one in _SETTINGS for part in ("-c", one)]
    shell = subprocess.Popen(
        ["/bin/sh", "-c", _SHELL, "race-lab", folders[-1], base, *settings],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        **options,
    )
    atexit.register(_end, shell, base)
    conninfo = f"host={base} user=lab dbname=postgres"
    _wait_for(conninfo, shell, base)
    return conninfo


def _unprivileged() -> pwd.struct_passwd:
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoServer(f"PostgreSQL refuses to run as root, and there is no user {' or '.join(_USERS)} to start it as")


def _wait_for(conninfo: str, shell: subprocess.Popen[bytes], base: str) -> None:
    import psycopg

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(conninfo).close()
            return
        except psycopg.OperationalError as error:
            if shell.poll() is not None or time.monotonic() > until:
                told = " ".join(_last_line(base).split()) or str(error)
                _end(shell, base)
                raise NoServer(f"the private PostgreSQL server did not start: {told}") from None
            time.sleep(0.05)


def _last_line(base: str) -> str:
    try:
        with open(os.path.join(base, "log"), encoding="utf-8", errors="replace") as file:
            return next((line for line in reversed(file.readlines()) if line.strip()), "")
    except OSError:
        return ""


def _end(shell: subprocess.Popen[bytes], base: str) -> None:
    if shell.stdin is not None and not shell.stdin.closed:
        shell.stdin.close()
    shell.wait()
    shutil.rmtree(base, ignore_errors=True)
