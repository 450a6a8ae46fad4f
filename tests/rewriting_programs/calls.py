"""Calls of every shape, methods, classes and decorators."""

# ruff: noqa: F821, N804, UP008, UP032, UP033 -- odd code is what is tested here

import contextlib
import functools
import math
from dataclasses import dataclass, field

from common import Box, Manager, failure, show


def case_calls_of_every_shape():
    some, more, named = [1, 2], (3,), {"a": 1, "b": 2}
    method = "x".join
    return [
        show(),
        show(1, 2, k=3),
        show(*some),
        show(*some, 9),
        show(0, *some, *more, 5, key=1, **named),
        show(*some, **named),
        show(**named),
        show(**{**named, "c": 3}, d=4),
        show(*(x for x in some), *[*some, *more]),
        show([*some], {*more}, {**named}, (*some, *more)),
        method(["a", "b"]),
        "-".join(str(x) for x in some),
        "{} {k}".format(1, k=2),
        math.floor(1.5) + math.gcd(12, *[18]),
        (lambda *a, **k: (a, k))(1, *some, z=1),
        show(show(show(1), x=show(2)), *show(3)),
        show(some if named else more, (named or some)["a"], not some and named),
        show(1 if some else named, *(some if not named else more)),
        functools.partial(show, 1)(2, k=3),
        type("Made", (Box,), {"x": 1})(y=2).x,
        [].append(1),
        dict(**named, z=[x * y for x in some for y in more]),
        print.__self__.__name__,
    ]


def case_many_arguments():
    return show(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, a=20, b=21, c=22, d=23, e=24), max(
        *range(300), *[7] * 40
    )


def case_calls_that_fail():
    some, nothing = 5, None

    def attempts():
        yield lambda: show(*5)
        yield lambda: show(**5)
        yield lambda: show(**{"a": 1}, **{"a": 2})
        yield lambda: show(**{1: 2})
        yield lambda: some(1, 2)
        yield lambda: nothing(*[1], k=2)
        yield lambda: [].append()
        yield lambda: [].append(1, 2)
        yield lambda: "".join(1)
        yield lambda: "a".upper(1)
        yield lambda: Box(1)
        yield lambda: Box().missing()
        yield lambda: math.missing(1)
        yield lambda: math.sqrt("a")
        yield lambda: missing_name(1)
        yield lambda: Manager()
        yield lambda: {}.get()
        yield lambda: Box.__init__()
        yield lambda: object().__init__(1)
        yield lambda: type.mro()

    return [failure(attempt) for attempt in attempts()]


def case_methods_of_every_kind():
    class Base:
        attribute = staticmethod(show)

        def __init__(self, value=0):
            self.value = value

        def plain(self, *arguments):
            return self.value, arguments

        @classmethod
        def of_class(cls, *arguments):
            return cls.__name__, arguments

        @staticmethod
        def static(*arguments):
            return arguments

        @property
        def prop(self):
            return lambda *a: (self.value, a)

        def __call__(self, *arguments):
            return "called", arguments

        def __getattr__(self, name):
            if name.startswith("any"):
                return lambda *a: (name, a)
            raise AttributeError(name)

    class Derived(Base):
        def plain(self, *arguments, **keywords):
            return "derived", super().plain(*arguments, 1), super(Derived, self).plain(2), keywords

        @classmethod
        def of_class(cls, *arguments):
            return super().of_class(*arguments, "more")

        @property
        def prop(self):
            return super().prop

        def cell(self):
            kept = self

            def inner():
                return super(Derived, kept).plain(3), __class__.__name__

            return inner()

    thing = Derived(7)
    thing.own = lambda *a: ("own", a)
    return [
        thing.plain(1, 2),
        thing.plain(*[3], k=4),
        Derived.plain(thing, 5),
        thing.of_class(1),
        Derived.of_class(),
        thing.static(1),
        Derived.static(*[1, 2]),
        thing.prop(1),
        thing(1, *[2]),
        thing.own(3),
        thing.anything(4),
        thing.attribute(5),
        failure(lambda: thing.nothing()),
        thing.cell(),
        Base(1).plain(*(), *[9]),
    ]


def case_super_through_metaclasses_and_multiple_bases():
    log = []

    class Meta(type):
        def __new__(mcls, name, bases, space, **keywords):
            log.append(("new", name, sorted(keywords)))
            return super().__new__(mcls, name, bases, space)

        def __init__(cls, name, bases, space, flag=None, **keywords):
            super().__init__(name, bases, space)
            cls.flag = flag

        def __prepare__(name, bases, **keywords):
            log.append(("prepare", name))
            return {}

        def __call__(cls, *arguments, **keywords):
            log.append(("call", cls.__name__))
            return super().__call__(*arguments, **keywords)

        def __getitem__(cls, key):
            return cls.__name__, key

    class Left(metaclass=Meta):
        def who(self):
            return ["left"]

    class Right(metaclass=Meta, flag=1):
        def who(self):
            return ["right"]

    bases, options = (Left, Right), {"flag": 2, "extra": 3}

    class Both(*bases, **options):
        def who(self):
            return ["both", *super().who(), *super(Left, self).who()]

        def __init_subclass__(cls, **keywords):
            log.append(("subclass", cls.__name__))
            super().__init_subclass__()

    class Last(Both):
        pass

    return Both().who(), Last().who(), Both.flag, Last["key"], log


def case_decorators():
    log = []

    def note(name):
        log.append(f"make {name}")

        def decorate(function):
            log.append(f"apply {name}")

            @functools.wraps(function)
            def wrapper(*arguments, **keywords):
                return (name, function(*arguments, **keywords))

            return wrapper

        return decorate

    decorators = {"third": note("third"), "list": [note("fourth")]}

    @note("first")
    @note("second")
    @decorators["third"]
    @decorators["list"][0]
    @(lambda function: function)
    def plain(a, b=2, *rest, c=3, **others):
        """With a docstring."""
        return a, b, rest, c, others

    @functools.lru_cache(maxsize=None)
    def cached(n):
        log.append(f"cached {n}")
        return n if n < 2 else cached(n - 1) + cached(n - 2)

    @dataclass(order=True)
    class Point:
        x: int
        y: int = field(default=0, compare=False)

    @functools.total_ordering
    class Ordered:
        def __init__(self, n):
            self.n = n

        def __eq__(self, other):
            return self.n == other.n

        def __lt__(self, other):
            return self.n < other.n

    @contextlib.contextmanager
    def managed(name):
        log.append(f"begin {name}")
        try:
            yield name
        except KeyError:
            log.append("key error")
        finally:
            log.append(f"end {name}")

    with managed("m") as given:
        raise KeyError(given)
    return plain(1, 3, 4, c=5, d=6), plain.__doc__, cached(6), Point(1) < Point(2), Ordered(1) >= Ordered(2), log


def case_docstrings_of_inner_functions():
    def with_one():
        """The docstring."""

    def without():
        return "not a docstring"

    def only_text():
        text = "a", "b"
        return text

    class Kind:
        "The class's."

        def method(self):
            x = "no docstring"
            return x

    functions = (with_one, without, only_text, Kind, Kind.method, lambda: "no")
    return [function.__doc__ for function in functions], without(), only_text()
