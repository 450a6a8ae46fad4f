"""loguru: one thread logs while another removes every handler.

0.7.2 copies its dict of handlers once, publishes the copy after the first
removal and goes on popping from what is now public.  A thread that is iterating
over it gets "dictionary changed size during iteration" out of `logger.info`.
0.7.3 copies before every removal (Delgan/loguru#1183).
"""

import copy
from types import SimpleNamespace

from loguru import logger as root

TRACE = ("loguru",)


class Sink:
    """Keeps what is logged, in order."""

    def __init__(self):
        self.lines = []

    def write(self, message):
        self.lines.append(str(message).rstrip("\n"))


def template():
    # Made once: `add` asks for every install path, which takes milliseconds.
    root.remove()
    logger = copy.deepcopy(root)  # loguru's documented way to an independent logger
    sink = Sink()
    for tag in ("first", "second"):
        logger.add(sink, format=tag + ":{message}", colorize=False, backtrace=False, diagnose=False, catch=False)
    return logger, sink


TEMPLATE = template()


def setup():
    logger, sink = copy.deepcopy(TEMPLATE)
    return SimpleNamespace(logger=logger, sink=sink)


def log(state):
    state.logger.info("hello")


def remove(state):
    state.logger.remove()


ACTORS = {"log": log, "remove": remove}


def check(state):
    assert repr(state.logger) == "<loguru.logger handlers=[]>"


def outcome(state):
    return tuple(state.sink.lines)


ALLOWED = {
    (): "logged after both handlers had gone",
    ("first:hello",): "logged by the first handler only",
    ("second:hello",): "logged by the second handler only",
    ("first:hello", "second:hello"): "logged by both",
}


def teardown(state):
    state.logger.remove()
