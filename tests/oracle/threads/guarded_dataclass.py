import threading
from dataclasses import asdict, dataclass, field, replace


@dataclass(frozen=True)
class Key:
    name: str


@dataclass
class Order:
    total: int = 0
    lines: list = field(default_factory=list)


class Book:
    def __init__(self):
        self.lock = threading.Lock()
        self.orders = {}
        self.seen = []

    def add(self, name, price):
        with self.lock:
            order = self.orders.get(Key(name), Order())
            order.lines.append(price)
            self.orders[Key(name)] = replace(order, total=order.total + price)

    def look(self, name):
        with self.lock:
            order = self.orders.get(Key(name))
            self.seen.append(order and asdict(order))


def setup():
    return Book()


def alice(book):
    book.add("a", 1)


def bob(book):
    book.add("a", 2)


def carol(book):
    book.look("a")


ACTORS = [alice, bob, carol]


def outcome(book):
    return repr((sorted(book.orders[Key("a")].lines), book.orders[Key("a")].total, book.seen))
