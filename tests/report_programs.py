"""Programs whose reports stand in tests/golden/.  Their line numbers do, too: add new ones at the end."""

import threading
from concurrent.futures import ThreadPoolExecutor


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def increment(self):
        current = self.value  # true now ...
        self.value = current + 1

    def increment_on_one_line(self):
        self.value += 1


def add_one(counter):
    counter.increment()


def add_one_on_one_line(counter):
    counter.increment_on_one_line()


def add_many(counter):
    for _ in range(30):
        counter.increment()


def final_value(counter):
    return counter.value


# ------------------------------------------------------------------ standstills


class Kitchen:
    def __init__(self):
        self.tools = {"board": threading.Lock(), "knife": threading.Lock()}

    def cook(self, first, second):
        with self.tools[first]:
            with self.tools[second]:
                pass


def soup(kitchen):
    kitchen.cook("knife", "board")


def salad(kitchen):
    kitchen.cook("board", "knife")


class Door:
    def __init__(self):
        self.bell = threading.Condition()

    def ring(self):
        with self.bell:
            self.bell.notify()

    def listen(self):
        with self.bell:
            self.bell.wait()


class Corridor:
    def __init__(self):
        self.coming = {"alice": False, "bob": False}

    def walk(self, me, other):
        self.coming[me] = True
        while self.coming[other]:  # after you
            pass
        self.coming[me] = False


def from_the_left(corridor):
    corridor.walk("alice", "bob")


def from_the_right(corridor):
    corridor.walk("bob", "alice")


# ------------------------------------------------------------------ exceptions


class Shelf:
    def __init__(self):
        self.loaves = ["rye"]

    def buy(self):
        if self.loaves:
            return self.loaves.pop()
        return None


def customer(shelf):
    shelf.buy()


# ------------------------------------------------------------------ three actors, long names


class Account:
    def __init__(self, balance):
        self.balance = balance


class Bank:
    def __init__(self):
        self.savings = Account(50)
        self.current = Account(50)
        self.audited = None

    def transfer(self, source, target, amount):
        source.balance -= amount
        target.balance += amount


def transfer(bank):
    bank.transfer(bank.savings, bank.current, 10)


def audit(bank):
    bank.audited = bank.savings.balance + bank.current.balance + 0 * len("a line that is too long to stand beside it")


def the_books(bank):
    return bank.audited


# ------------------------------------------------------------------ child threads


def two_threads(counter):
    threads = [threading.Thread(target=counter.increment) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def a_pool(counter):
    with ThreadPoolExecutor(2) as pool:
        pool.submit(counter.increment)
        pool.submit(counter.increment)


TWO = {"outcome": final_value, "allowed": {2: "both counted"}, "forbidden": {1: "one increment lost"}}
"""What two increments may come to."""
