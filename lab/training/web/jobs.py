"""Patches that are being graded: each in a thread of its own, which waits for a process."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_MOST = 20
"""Jobs that are remembered."""


@dataclass
class Job:
    """What is known of one patch so far."""

    name: str
    progress: str = "starting"
    result: Any = None
    trouble: str = ""
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether there is a result, or trouble instead."""
        return self.result is not None or bool(self.trouble)


class Jobs:
    """Starts them one after another, and ends with none left."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._one_at_a_time = threading.Lock()

    def start(self, work: Callable[[Callable[[str], None]], Any]) -> Job:
        """Do ``work`` in a thread; it is given whom to tell how far it is."""
        job = Job(secrets.token_hex(8))

        def run() -> None:
            try:
                with self._one_at_a_time:
                    job.result = work(lambda told: setattr(job, "progress", told))
            except Exception as error:  # to be shown to who waits for it
                job.trouble = " ".join(str(error).split()) or type(error).__name__

        job.thread = threading.Thread(target=run, name=f"job {job.name}", daemon=True)
        self._jobs[job.name] = job
        for name in list(self._jobs)[:-_MOST]:
            if self._jobs[name].is_over:
                del self._jobs[name]
        job.thread.start()
        return job

    def get(self, name: str) -> Job | None:
        """The job of that name, if it is remembered."""
        return self._jobs.get(name)

    def join(self) -> None:
        """Wait until none is left."""
        for job in list(self._jobs.values()):
            if job.thread is not None:
                job.thread.join()
