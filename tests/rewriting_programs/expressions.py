"""Operators, comprehensions, patterns, format strings, assertions and imports."""

# ruff: noqa: C400, C416, F541, F821, RUF021, SIM223, SIM300, SIM905, UP031 -- odd code is what is tested here

import math
from collections import namedtuple
from dataclasses import dataclass

from common import Box, failure, show


def case_operators_and_comparisons():
    a, b, items = 3, 5, [1, 2, 3]
    return [
        1 < a < b <= 5 != a,
        a < b > 9 < missing_name if a > b else "short",
        a in items in [items, 1],
        a not in items,
        not items,
        items and a or b,
        a and None or items,
        a if items else b,
        -a + ~b,
        not (a is b) is not None,
        items[0],
        items[-1],
        items[1:],
        items[:1],
        items[::2],
        items[slice(1)],
        items[a - 3 : b - 3],
        {**{"a": a}, "b": b},
        [*items, *"ab"],
        {*items, a},
        (*items, a),
        a @ Matmul() if items else 0,
        "%s and %d" % ("x", a),
        "%s" % items,
        "%r" % (items,),
        "%(k)s" % {"k": a},
        [] == items,
        items == (1, 2, 3),
        items < [2],
        b"a" == bytearray(b"a"),
        items * 2,
        2 * items,
        items + [a],
        [a] + items,
        (None or items) is items,
        (0 if a else items),
        [*(() if not a else items)],
        ... is Ellipsis,
        lambda: 0 and 1,
    ][:-1]


class Matmul:
    def __rmatmul__(self, other):
        return "matmul", other


def case_format_strings():
    a, items, width = 3.14159, [1], 10
    box = Box(text="t", nested=Box(width=5))
    return [
        f"{a}",
        f"{a!r:>{width}}",
        f"{a:.{width - 8}f}",
        f"{items}{items!r}{items!s}{items!a}",
        f"{a=}",
        f"{items=!s:>8}",
        f"{box.text:>{box.nested.width}}|",
        f"{'nested' + f'{a:.1f}'}",
        f"{{}}",
        f"{(lambda: 5)()}",
        f"{a if items else 0:x^9}",
        f"{box.nested.width + 1:03d}",
        f"{[x for x in items]}",
        f"{None}{True}",
        "plain",
    ]


def case_truth_of_things_with_side_effects():
    log = []

    class Truth:
        def __init__(self, name, value):
            self.name, self.value = name, value

        def __bool__(self):
            log.append(self.name)
            return self.value

        def __lt__(self, other):
            return Truth(f"{self.name}<{other.name}", self.value)

        def __eq__(self, other):
            return [self, other]

    yes, no = Truth("yes", True), Truth("no", False)
    chosen = [yes and no, no or yes, not yes, yes < no < yes, (yes == no) and 1]
    if yes and not no or yes:
        log.append("then")
    while no or (yes and no):
        log.append("never")
    assert yes, no
    picked = [n for n in (yes, no, yes) if n]
    match yes:
        case Truth() if yes:
            log.append("guard")
    return [getattr(c, "name", c) if not isinstance(c, list) else len(c) for c in chosen], len(picked), log


def case_comprehensions():
    rows = [[1, 2], [3, 4]]
    log = []
    call = show([x for row in rows for x in row if x % 2], *[y for y in range(2)], k={a: b for a, b in rows})
    gen = (x * y for x in range(3) for y in range(x) if (log.append((x, y)) or True))
    return (
        call,
        sum(gen),
        log,
        [[z for z in range(n)] for n in (x for x in range(3))],
        {n: {m for m in range(n)} for n in range(3)},
        [(lambda q: q + n)(1) for n in range(2)],
        [n for n in [1, 2, 3] if n > 1 if n < 3],
        [last := n for n in range(3)],
        last,
        sorted({len(w) for w in "a bb cc".split()}),
        failure(lambda: [1 / n for n in (1, 0)]),
        failure(lambda: list(1 / n for n in (1, 0))),
        failure(lambda: [n for n in 5]),
        failure(lambda: show(1, [a for a, b in [(1, 2, 3)]], k=2)),
        "".join([c for c in "abc"]).upper(),
    )


def case_match_statements():
    Pair = namedtuple("Pair", "left right")

    @dataclass
    class Point:
        x: int
        y: int = 0

    class Keyed:
        __match_args__ = ("only",)
        only = 7

    def describe(subject):
        match subject:
            case None | True | False:
                return "constant"
            case 0 | 1 | -1 as small:
                return "small", small
            case Box(value=[first, *rest]):
                return "box list", first, rest
            case Box(value=Point(x=0)):
                return "box point"
            case Point(0, y):
                return "on axis", y
            case Point(x, y) if x == y:
                return "diagonal", x
            case Point(x=x):
                return "point", x
            case Keyed(only):
                return "keyed", only
            case Pair(left, right=Pair(a, b)):
                return "pairs", left, a, b
            case str("a" | "b") as letter:
                return "letter", letter
            case int(n) | float(n):
                return "number", n
            case []:
                return "empty"
            case [x]:
                return "one", x
            case [first, *_, last] if first == last:
                return "same ends"
            case [[a, b], *rest]:
                return "nested", a, b, rest
            case (1, x) | (x, 1):
                return "with one", x
            case {"kind": "k", "value": {"deep": deep}, **rest}:
                return "mapping", deep, sorted(rest)
            case {"a": a}:
                return "a", a
            case {}:
                return "any mapping"
            case math.pi:
                return "pi"
            case _:
                return "other", str(type(subject).__name__)

    subjects = [None, 1, -1, Box(value=[1, 2, 3]), Box(value=Point(0)), Point(0, 5), Point(2, 2), Point(2, 3), Keyed()]
    subjects += [Pair(1, Pair(2, 3)), "a", "c", 5, 2.5, [], [9], [1, 2, 1], [[1, 2], 3], (1, 7), (7, 1), (2, 3, 4)]
    subjects += [{"kind": "k", "value": {"deep": 1}, "z": 1}, {"a": 3}, {"q": 1}, {1, 2}, Box(), range(3), b"x"]

    def wrong_class(subject):
        match subject:
            case Point(1, 2, 3):
                return 1

    return [describe(subject) for subject in subjects], failure(wrong_class, Point(1, 2))


def case_assertions():
    def with_message(n):
        assert n > 1, f"n is {n}"
        assert [n], show(n)
        return n

    def without(n):
        assert n

    def call_in_message():
        assert show() is None, show(1, *[2], k=3)

    return [failure(with_message, 0), failure(with_message, 2), failure(without, 0), failure(call_in_message)]


def case_imports():
    import collections.abc as abc
    import os.path
    from json import dumps
    from json import loads as read

    def missing_module():
        import no_such_module_anywhere

        return no_such_module_anywhere

    def missing_name():
        from json import no_such_name

        return no_such_name

    return abc.__name__, os.path.join("a", "b"), read(dumps([1])), failure(missing_module), failure(missing_name)[0]
