"""What the process of an actor does while it is hammered: rounds, until nobody asks for more."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import mmap
import os
import pickle
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lab.child.telling import told
from lab.child.wire import Gone, Wire
from lab.hammering.giving_way import giving_way
from lab.hammering.segments import noted_segments
from lab.hammering.staying import digest
from lab.orphans import adopt, end_with
from lab.program import has_run

NOTHING = b""
"""Stands for a state that the process was born with."""
_HEAD_START = 30_000  # nanoseconds in which all see that all are there
_exit, _sleep, _clock = os._exit, time.sleep, time.monotonic_ns


def serve(
    connection: Any,
    index: int,
    actors: int,
    name: str,
    base: str,
    tracker: int,
    actor: Callable[[Any], Any],
    born: Any,
    parent: int,
) -> None:
    """Run rounds of ``actor``, number ``index`` of ``actors``, as the wire tells; ``born`` is a state to begin with."""
    wire = Wire(connection.fileno())
    try:
        _settle(parent)
        os.chdir(os.path.join(base, "work"))
        with noted_segments(base):
            _Server(wire, index, actors, name, base, tracker, actor, born).serve()
    except Gone:
        pass
    except BaseException:  # the lab's own
        with suppress(Gone):
            wire.send("broken", traceback.format_exc())
    _exit(0)


def _settle(parent: int) -> None:
    """Be in a group of its own, end with whoever started this, and be told of what its own children leave behind.

    A process that ``parent`` has forked holds the other end of its wire as well, and would not see that nobody is
    there; 0 where it was not forked.
    """
    end_with(parent)
    adopt()
    os.setpgid(0, 0)
    if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


class _Server:
    def __init__(
        self, wire: Wire, index: int, actors: int, name: str, base: str, tracker: int, actor: Any, born: Any
    ) -> None:
        self._wire, self._index, self._count, self._name, self._actor, self._born = (
            wire,
            index,
            actors,
            name,
            actor,
            born,
        )
        self._work = os.path.join(base, "work")
        self._tracker = tracker  # the process that multiprocessing has for leaked resources, which is none of the actor
        self._threads = _thread._count()  # after a fork those of the process before are counted still
        with open(os.path.join(base, "meeting"), "r+b") as file:
            self._meeting = memoryview(mmap.mmap(file.fileno(), 8 * (actors + 1))).cast("q")

    def serve(self) -> None:
        """Until the wire is gone."""
        self._wire.send("ready", os.getpid())
        while True:
            word, *rest = self._wire.receive()
            if word == "digest":
                self._wire.send("digest", digest([self._actor]))
            else:
                self._round(*rest)

    def _round(self, number: int, data: bytes, path: str, noise: float, seed: int) -> None:
        if path:
            with open(path, "rb") as file:
                data = file.read()
        before = _descriptors()
        state = pickle.loads(data) if data else self._born
        self._born = None
        os.chdir(self._work)
        random.seed(seed)  # of processes that were forked together, each has its own
        self._meet(number)
        begin = _clock()
        if noise:
            with giving_way(noise, seed):
                payload = self._call(state)
        else:
            payload = self._call(state)
        end = _clock()
        del state
        payload = self._let_end(payload)
        self._wire.send("end", begin, end, payload, self._left(before))

    def _meet(self, number: int) -> None:
        """Wait until every actor has come this far, and then for the moment that the first one sets."""
        meeting, start, turns, came = self._meeting, self._count, 0, _clock()
        meeting[self._index] = number
        while (min(meeting[:start]) < number) if not self._index else (meeting[start] < came):
            turns += 1
            _sleep(0 if turns < 2_000 else 1e-3)
        if not self._index:
            meeting[start] = _clock() + _HEAD_START
        while _clock() < meeting[start]:
            pass

    def _call(self, state: Any) -> tuple[Any, ...]:
        try:
            result = self._actor(state)
            if result is not None:
                has_run(f"actors[{self._name!r}]", self._actor, result)
        except BaseException as error:
            payload = told(error)
            if error.__traceback__ is not None:
                traceback.clear_frames(error.__traceback__)
            error.__traceback__ = None
            return payload
        return ("ended",)

    def _let_end(self, payload: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the end of a process waits for: other threads, and what `multiprocessing` has to finish."""
        try:
            util: Any = sys.modules.get("multiprocessing.util")
            process: Any = sys.modules.get("multiprocessing.process")
            if util is not None and (util._finalizer_registry or process._children):
                util._exit_function()
                util._exiting = False
            for thread in threading.enumerate():
                if thread is not threading.current_thread() and not thread.daemon:
                    thread.join()
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException as error:
            return payload if payload[0] != "ended" else told(error)
        return payload

    def _left(self, before: frozenset[str]) -> tuple[str, ...]:
        """What the round left in the process that can be told at once."""
        left = []
        if _thread._count() > self._threads:
            left.append("a thread")
        if self._has_children():
            left.append("a process")
        if _descriptors() != before:
            left.append("an open file")
        return tuple(left)

    def _has_children(self) -> bool:
        """Whether a process that was started here goes on; what has ended is let go."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not pid:
                break
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                found = [int(pid) for pid in file.read().split()]
        except OSError:
            return True
        return any(pid != self._tracker for pid in found)


def _descriptors() -> frozenset[str]:
    try:
        return frozenset(os.listdir("/proc/self/fd"))
    except OSError:
        return frozenset()
