"""Noise in a process: it gives way before calls of C code and between the instructions of the program.

Nothing is under control in a hammered process, and its code is as it was; so what makes it stand still is a profile
function and a trace function.  They are there in noisy rounds only.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lab.origin import LAB, is_library

_sleep, _yield = time.sleep, getattr(os, "sched_yield", lambda: time.sleep(0))
_LONGEST = 3e-4  # seconds of one pause
_MOST_PAUSES = 30  # of one round
_MOST_EVENTS = 5_000  # of one round: what computes for long has nothing to give way at


@contextmanager
def giving_way(noise: float, seed: int) -> Iterator[None]:
    """Until the end of the block, pause with that probability before what others could notice."""
    draw = random.Random(seed)
    pauses, events = _MOST_PAUSES, _MOST_EVENTS

    def pause() -> None:
        nonlocal pauses, events
        events -= 1
        if pauses <= 0 or events <= 0:
            sys.setprofile(None)
            sys.settrace(None)
            return
        if draw.random() < noise:
            pauses -= 1
            if draw.random() < 0.5:
                _yield()
            else:
                _sleep(draw.random() * _LONGEST)

    def profiled(frame: FrameType, event: str, _: Any) -> None:
        if event == "c_call":
            pause()

    def traced(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if name.startswith(LAB) or is_library(name):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return inside

    def inside(frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode" and draw.random() < 0.2:  # between two calls there are many
            pause()
        return inside

    sys.settrace(traced)
    sys.setprofile(profiled)
    try:
        yield
    finally:
        sys.setprofile(None)
        sys.settrace(None)
