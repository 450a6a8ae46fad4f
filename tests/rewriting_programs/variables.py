"""Closures, globals, class bodies and assignments."""

# ruff: noqa: B023, C416, F821, F841, RUF059 -- odd code is what is tested here

import contextlib
import math
import sys

from common import Box, failure

counter = 0
removable = 1


def case_closures_and_nonlocal():
    total = 0
    items = []

    def add(n):
        nonlocal total
        total += n
        items.append(total)

        def deeper():
            nonlocal total
            total *= 2
            return total + n

        return deeper

    results = [add(n)() for n in (1, 2, 3)]
    late = [lambda: i for i in range(3)]
    bound = [lambda i=i: i for i in range(3)]
    del items[0]

    def forgotten():
        return gone

    gone = 1
    before = forgotten()
    del gone
    return total, items, results, [f() for f in late], [f() for f in bound], before, failure(forgotten)


def case_comprehension_variables_named_like_others(x=1, y=2):
    def inner():
        rows = [x for x in range(3)]
        return x, rows, [(lambda: y)() for y in "ab"], y

    x_after = [x for x in [x, y] if x]
    nested = [[(a, b, x) for a in range(b)] for b in range(3)]
    functions = [lambda: (x, i) for i in range(2)]
    return inner(), x_after, x, nested, [f() for f in functions], {x: y for x, y in [(1, 2)]}, {x for x in "aa"}


def case_free_variable_and_comprehension_variable(a=1, b=2, c=3):
    def inner():
        rows = [a for a in range(3)]
        keep = lambda: (b, c)  # noqa: E731
        return a, rows, keep()

    return failure(inner)


def case_order_of_locals(flag=1):
    try:
        if flag:
            raise ValueError
    except ValueError:
        first = 1
    second = 2
    for third in range(1):
        fourth = [third for _ in "a"]
    return list(locals()), sorted(vars().items()), first, second, fourth


def case_names_used_before_they_are_set():
    def local():
        if math.pi < 3:
            value = 1
        return value

    def cell():
        if math.pi < 3:
            value = 1
        return (lambda: value)()

    def deleted():
        value = 1
        del value
        return value

    def deleted_twice():
        value = 1
        del value
        del value

    def unset_global():
        return never_set

    def unset_global_deleted():
        global never_set
        del never_set

    return [failure(f) for f in (local, cell, deleted, deleted_twice, unset_global, unset_global_deleted)]


def case_globals():
    global counter, removable, created
    counter = 5
    counter += 1
    created = [counter]
    created += [1]
    created[0] -= 1
    removable = 1
    del removable
    there = "removable" in globals()
    seen = counter, list(created), there, failure(lambda: removable)
    del created
    removable, counter = 1, 0
    return seen


def case_class_bodies():
    outer = "outer"

    class Kind:
        doubled = outer * 2
        numbers = [n for n in range(3)]
        i = 5
        inline = [i for i in range(2)]
        pairs = {k: [v for v in range(k)] for k in range(3)}
        names = sorted(name for name in locals() if not name.startswith("_"))
        annotated: int = 3
        if len(numbers) > 2:
            big = True
        for index in range(2):
            numbers.append(index)
        del index
        __slots__ = ("slot",)

        def get(self):
            return __class__.__name__, self.slot, outer

        class Nested:
            value = [outer for _ in "ab"]

            def get(self):
                return __class__, outer

        try:
            1 / 0
        except ZeroDivisionError as error:
            caught = str(error)
        with contextlib.suppress(KeyError):
            raise KeyError

    thing = Kind()
    thing.slot = 4
    public = {name: str(value) for name, value in vars(Kind).items() if name in Kind.names}
    nested = Kind.Nested().get()
    return (
        public,
        Kind.i,
        Kind.inline,
        Kind.caught,
        Kind.big,
        Kind.pairs,
        thing.get(),
        nested[0] is Kind.Nested,
        nested[1],
    )


def case_locals_of_a_class_body_with_a_comprehension():
    class Kind:
        i = 5
        rows = [i for i in range(3)]
        copied = dict(locals())
        frame = sorted(name for name in sys._getframe().f_locals if name[0] != "_")
        inside = [sorted(name for name in locals() if name[0] != "_") for _ in "a"]

    return Kind.i, Kind.copied["i"], Kind.frame, Kind.inside


def case_functions_made_by_exec_and_eval():
    space = {}
    exec("def made(x, *y, k=1):\n    return [x, y, k, [z for z in y]]", globals(), space)
    local = 3
    return (
        space["made"](1, 2, 3, k=4),
        eval("local + 1"),
        eval("[local for _ in range(2)]", {"local": 9}),
        locals()["local"],
    )


def case_assignments_of_every_kind():
    box = Box(value=1, items=[1, 2, 3], table={"k": 1}, text="a")
    box.value += 2
    box.value **= 2
    box.items += [4]
    box.items *= 2
    box.items[0] -= 5
    box.items[1:3] = box.items[2:4]
    box.items[::2] = [0] * len(box.items[::2])
    del box.items[0], box.items[1:2]
    box.table["k"] <<= 3
    box.table |= {"other": 1}
    box.text += "b"
    (a, *b), (c, d) = [1, 2, 3], "xy"
    *e, f = g = range(3)
    box.x, box.items[0] = box.y, box.table["z"] = 1, 2
    first = second = third = []
    third.append(1)
    h: int = 4
    del box.text
    if (n := len(box.items)) > 1 and (m := n + 1):
        n += m
    matrix = [[0] * 2 for _ in range(2)]
    matrix[0][1] ^= 1
    sets = {1}
    sets |= {2}
    sets -= {1}
    buffer = bytearray(b"a")
    buffer += b"b"
    buffer *= 2
    row = [1]
    row *= 3
    row += (4,)
    row += "x"
    return sorted(vars(box).items()), a, b, c, d, e, f, g, first, second, h, n, matrix, sets, bytes(buffer), row


def case_assignments_that_fail():
    def attempts():
        yield lambda: setattr(5, "x", 1)

        def too_many():
            a, b = [1, 2, 3]

        def too_few():
            a, *b, c = [1]

        def no_iterator():
            a, b = 5

        def tuple_item():
            t = ([1],)
            t[0] += [2]

        def missing_key():
            d = {}
            d["k"] += 1

        def missing_attribute():
            Box().x += 1

        def delete_missing():
            del Box().x

        def delete_item():
            del [1][5]

        def attribute_of_none():
            None.x = 1

        def bad_operator():
            x = []
            x += 1

        yield from (too_many, too_few, no_iterator, tuple_item, missing_key, missing_attribute)
        yield from (delete_missing, delete_item, attribute_of_none, bad_operator)

    return [failure(attempt) for attempt in attempts()]
