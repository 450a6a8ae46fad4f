"""Scenarios are gathered by processes of their own, several at once; one that ends or hangs costs only its scenario."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

_PATIENCE = 120.0  # seconds for one scenario


class Worker:
    """One process that gathers; begun when it is first asked, and again when it has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def gather(self, path: Path) -> dict[str, Any]:
        """The record of a scenario, or {"error": one line}."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lab.site.gathering", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(_PATIENCE, process.kill)
        watch.start()
        try:
            process.stdin.write(json.dumps(str(path)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watch.cancel()
        if line.endswith("\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.close()
        return {"error": f"{path}: the process that explored it ended, or took longer than {_PATIENCE:g} s"}

    def kill(self) -> None:
        """End the process from another thread: whoever waits for its answer gets none."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def gather_all(paths: Iterable[Path], taken: Callable[[Path, dict[str, Any]], None]) -> None:
    """Gather every scenario; ``taken`` is called with each answer, from one thread at a time."""
    pending: SimpleQueue[Path] = SimpleQueue()
    count = 0
    for path in paths:
        pending.put(path)
        count += 1
    lock = threading.Lock()
    processes = max(1, min(count, os.cpu_count() or 1))
    workers = [Worker() for _ in range(processes)]

    def work(worker: Worker) -> None:
        try:
            while True:
                try:
                    path = pending.get_nowait()
                except Empty:
                    return
                answer = worker.gather(path)
                with lock:
                    taken(path, answer)
        finally:
            worker.close()

    with ThreadPoolExecutor(processes) as threads:
        try:
            for done in [threads.submit(work, worker) for worker in workers]:
                done.result()
        except BaseException:  # Ctrl-C: what was not begun is not, and nobody is waited for
            with suppress(Empty):
                while True:
                    pending.get_nowait()
            for worker in workers:
                worker.kill()
            raise
