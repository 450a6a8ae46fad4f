"""Small programs, in plain Python, that every tool can be asked to cover completely.

Each stands as name -> (setup, workers, check); the workers and the check take the state.  Those of `BROKEN` have
a schedule in which the check fails, a worker raises or all wait for each other.
"""

from __future__ import annotations

import threading
from functools import partial


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def add(self):
        current = self.value
        self.value = current + 1

    def add_locked(self):
        with self.lock:
            self.add()


def times(count, method, counter):
    for _ in range(count):
        method(counter)


class Table:
    """Philosophers who take the fork with the lower number first."""

    def __init__(self, seats):
        self.forks = [threading.Lock() for _ in range(seats)]
        self.eaten = [False] * seats


def dine(seat, table):
    left, right = sorted((seat, (seat + 1) % len(table.forks)))
    with table.forks[left], table.forks[right]:
        table.eaten[seat] = True


class Bank:
    """Three accounts; whoever moves money locks both accounts in one order."""

    def __init__(self):
        self.locks = [threading.Lock() for _ in range(3)]
        self.balance = [100, 100, 100]


def move(source, target, bank):
    first, second = sorted((source, target))
    with bank.locks[first], bank.locks[second]:
        bank.balance[source] -= 10
        bank.balance[target] += 10


class Account:
    def __init__(self):
        self.balance = 100


def accounts():
    return [Account() for _ in range(3)]


def move_unlocked(source, target, bank):
    bank[source].balance -= 10
    bank[target].balance += 10


class Buffer:
    """Room for one item."""

    def __init__(self):
        self.condition = threading.Condition()
        self.items = []


def produce(buffer):
    for item in range(2):
        with buffer.condition:
            while buffer.items:
                buffer.condition.wait()
            buffer.items.append(item)
            buffer.condition.notify_all()


def consume(buffer):
    for _ in range(2):
        with buffer.condition:
            while not buffer.items:
                buffer.condition.wait()
            buffer.items.pop()
            buffer.condition.notify_all()


def take_early(buffer):
    """Looks only once: whoever else was woken may have taken the item."""
    with buffer.condition:
        if not buffer.items:
            buffer.condition.wait()
        buffer.items.pop()


def put_two(buffer):
    for item in range(2):
        with buffer.condition:
            buffer.items.append(item)
            buffer.condition.notify_all()


def two_locks():
    return [threading.Lock(), threading.Lock()]


def lock_both(first, second, locks):
    with locks[first], locks[second]:
        pass


class Cache:
    def __init__(self):
        self.values = {}
        self.made = 0


def look_up(cache):
    if "key" not in cache.values:
        cache.values["key"] = object()
        cache.made += 1


def made_once(cache):
    return cache.made == 1


def seats(count):
    return partial(Table, count), [partial(dine, seat) for seat in range(count)], anything


def anything(state):
    return True


def is_two(counter):
    return counter.value == 2


PROGRAMS = {
    "counter, 2 x 1": (Counter, [Counter.add] * 2, anything),
    "counter, 3 x 1": (Counter, [Counter.add] * 3, anything),
    "counter, 2 x 3": (Counter, [partial(times, 3, Counter.add)] * 2, anything),
    "counter with a lock, 2 x 1": (Counter, [Counter.add_locked] * 2, is_two),
    "counter with a lock, 2 x 3": (Counter, [partial(times, 3, Counter.add_locked)] * 2, anything),
    "counter with a lock, 3 x 1": (Counter, [Counter.add_locked] * 3, anything),
    "two locks in one order": (two_locks, [partial(lock_both, 0, 1)] * 2, anything),
    "bank transfer, 3 accounts, 3 actors": (
        accounts,
        [partial(move_unlocked, 0, 1), partial(move_unlocked, 1, 2), partial(move_unlocked, 2, 0)],
        anything,
    ),
    "bank transfer with locks": (
        Bank,
        [partial(move, 0, 1), partial(move, 1, 2), partial(move, 2, 0)],
        anything,
    ),
    "bounded buffer, 2 items": (Buffer, [produce, consume], anything),
    "3 philosophers": seats(3),
    "4 philosophers": seats(4),
    "5 philosophers": seats(5),
}
BROKEN = {
    "AB-BA": (two_locks, [partial(lock_both, 0, 1), partial(lock_both, 1, 0)], anything),
    "lost update": (Counter, [Counter.add] * 2, is_two),
    "if in place of while": (Buffer, [put_two, take_early, take_early], anything),
    "look, then make": (Cache, [look_up] * 2, made_once),
}
