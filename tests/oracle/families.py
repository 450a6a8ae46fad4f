"""Programs whose counts are known from the literature or by hand."""

from __future__ import annotations

from typing import NamedTuple

from .language import Catch, Do, If, Join, Next, Program, Raise, Start, Statement, Try, Wait, With

Body = tuple[Statement, ...]


class Family(NamedTuple):
    """A program and what is true of it."""

    name: str
    program: Program
    classes: int
    raw: int
    outcomes: int
    fails: bool = False


def _increments(times: int, thing: str = "x") -> Body:
    return (Do("add", thing),) * times


def _sections(times: int) -> Body:
    return tuple(
        With("lock", (Do("read", "x", into=number), Do("write", "x", value=Next(number)))) for number in range(times)
    )


def _same(actors: int, body: Body) -> Program:
    return Program((body,) * actors)


def _nested(first: str, second: str, body: Body = ()) -> Body:
    return (With(first, (With(second, body),)),)


_AWAIT: Body = (With("condition", (Wait("condition", "x", loop=True),)),)
_NOTIFY: Body = (With("condition", (Do("write", "x", value=1), Do("notify", "condition"))),)
_TELL: Body = (With("condition", (Do("notify", "condition"),)),)

FAMILIES = [
    Family("counter 2 x 1", _same(2, _increments(1)), 4, 6, 2),
    Family("counter 3 x 1", _same(3, _increments(1)), 36, 90, 3),
    Family("counter 4 x 1", _same(4, _increments(1)), 576, 2_520, 4),
    Family("counter 2 x 3", _same(2, _increments(3)), 328, 924, 5),
    Family("global counter 2 x 1", _same(2, _increments(1, "total")), 4, 6, 2),
    Family("closure counter 2 x 1", _same(2, _increments(1, "count")), 4, 6, 2),
    Family("two counters apart", Program((_increments(1), _increments(1, "y"))), 1, 6, 1),
    Family("locked counter 2", _same(2, _sections(1)), 2, 2, 2),
    Family("locked counter 3", _same(3, _sections(1)), 6, 6, 6),
    Family("locked counter 4", _same(4, _sections(1)), 24, 24, 24),
    Family("locked counter 2 x 3", _same(2, _sections(3)), 20, 20, 20),
    # a transfer between three accounts in a ring: each is taken from by one actor and added to by another
    Family(
        "bank transfer",
        Program(
            (
                (Do("add", "x"), Do("add", "y")),
                (Do("add", "y"), Do("add", "total")),
                (Do("add", "total"), Do("add", "x")),
            )
        ),
        37,
        34_650,
        7,
    ),
    # two readers and a writer: each reads before or after
    Family("readers", Program(((Do("read", "x", 0),), (Do("read", "x", 0),), (Do("write", "x", value=1),))), 4, 6, 4),
    Family("two appends", Program(((Do("append", "items", value=1),), (Do("append", "items", value=2),))), 2, 2, 2),
    Family("two lengths", _same(2, (Do("length", "items", 0),)), 1, 2, 1),
    # both check before either sets, or one is through in time: as a counter's 4, but who is late does nothing
    Family(
        "check then act",
        _same(2, (Do("contains", "table", 0, key="a"), If(0, 0, (Do("set item", "table", value=1, key="a"),)))),
        4,
        6,
        3,
    ),
    # one order each, in which the last release and the other's first acquire may be swapped; and the deadlock,
    # whose two steps may be swapped too
    Family("lock order", Program((_nested("lock", "other"), _nested("other", "lock"))), 3, 6, 2, True),
    # either is first, and the other comes while the lock is held or after
    Family("try lock", _same(2, (Try("lock", 0, ()),)), 4, 4, 3),
    # the waiter lines up first, or does not have to
    Family("condition", Program((_AWAIT, _NOTIFY)), 2, 2, 1),
    # nobody is in line when the second notification comes too early
    Family(
        "lost wakeup", Program(((With("condition", (Wait("condition", "y", loop=False),)),), _NOTIFY)), 2, 2, 2, True
    ),
    # lining up or not
    Family("event", Program(((Do("wait", "event", 0),), (Do("set", "event"),))), 2, 2, 1),
    Family("semaphore", Program(((Do("acquire", "gate"),), (Do("release", "gate"),))), 1, 1, 1),
    Family(
        "queue of one",
        Program(
            ((Do("put", "slot", value=1), Do("put", "slot", value=2)), (Do("get", "slot", 0), Do("get", "slot", 1)))
        ),
        1,
        1,
        1,
    ),
    # put put get get, or put get put get
    Family(
        "queue of two",
        Program(
            ((Do("put", "mail", value=1), Do("put", "mail", value=2)), (Do("get", "mail", 0), Do("get", "mail", 1)))
        ),
        2,
        2,
        1,
    ),
    # the child against its parent's write; then nothing is left to order
    Family(
        "child and parent",
        Program(((Start((Do("write", "x", value=1),)), Do("write", "x", value=2), Join()), (Do("read", "y", 0),))),
        2,
        10,
        2,
    ),
    Family(
        "child joined first",
        Program(((Start((Do("write", "x", value=1),)), Join(), Do("write", "x", value=2)), (Do("read", "y", 0),))),
        1,
        5,
        1,
    ),
    Family(
        "exception", Program(((Do("read", "x", 0), If(0, 1, (Raise(),))), (Do("write", "x", value=1),))), 2, 2, 2, True
    ),
    Family("locked twice", _same(2, _nested("again", "again", _increments(1))), 2, 2, 1),
    Family("two locks in one with", _same(2, (With("lock", _increments(1), "other"),)), 2, 2, 1),
    Family("bounded semaphore", _same(2, (With("seat", ()),)), 2, 2, 1),
    # whoever comes first waits, and leaves last
    Family("barrier", _same(2, (Do("meet", "meeting", 0),)), 2, 2, 2),
    # the lock is free before, taken when the time is up, and free after
    Family("lock in time", Program(((With("lock", ()),), (Try("lock", 0, (), timed=True),))), 3, 3, 2),
    # the time is up before the lock is taken, before the notification and never; or that comes too early
    Family("told in time", Program(((With("condition", (Wait("condition", "y", False, 0),)),), _TELL)), 4, 4, 2),
    # it is asked before, while and after somebody has the lock
    Family(
        "notified without the lock",
        Program(
            (
                (Catch((Do("notify", "signal"),), (Do("write", "x", value=1),)),),
                (With("signal", ()),),
            )
        ),
        3,
        5,
        2,
    ),
    Family(
        "caught outside of the lock",
        Program(
            (
                (Catch((With("lock", (Raise(),)),), (Do("write", "x", value=1),)),),
                (With("lock", (Do("read", "x", 0),)),),
            )
        ),
        3,
        5,
        2,
    ),
    Family(
        "grandchild",
        Program(((Start((Start((Do("write", "x", value=1),)),)), Do("write", "x", value=2), Join()),)),
        2,
        5,
        2,
    ),
]
"""The first eleven are the published ones; the twelfth is a program that other tools are measured by."""
