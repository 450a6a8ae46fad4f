"""What counts as a container, what an iterator reads, and who writes."""

from __future__ import annotations

import array
import collections
import enum
import functools
import io
import itertools
import operator
import os
import pathlib
import queue
import random
import subprocess
import sys
import types
import weakref

import pytest

from lab.operations import function_effect, is_container, is_iterator, is_view, method_writes, underlying


class Colour(enum.Enum):
    RED = 1


class Written:
    """A container that the program has written itself: its methods are stepped."""

    def __getitem__(self, key):
        return key

    def __len__(self):
        return 0

    def __iter__(self):
        return iter(())


class WrittenIterator:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


class Table(dict):
    def __getitem__(self, key):
        return super().__getitem__(key)


class Uncountable(dict):
    __len__ = __iter__ = __contains__ = __getitem__ = None


class Counting(itertools.count):
    pass


Pair = collections.namedtuple("Pair", "left right")

CONTAINERS = [
    [],
    {},
    set(),
    bytearray(),
    collections.deque(),
    collections.Counter(),
    collections.OrderedDict(),
    Table(),
]
CONTAINERS += [
    collections.defaultdict(list),
    os.environ,
]
CONTAINERS += [
    array.array("i"),
    memoryview(b""),
    {}.keys(),
    types.MappingProxyType({}),
    io.BytesIO(),
    weakref.WeakSet(),
]
CONTAINERS += [iter([]), zip(), itertools.count(), Counting(), enumerate([]), map(str, []), (x for x in ())]
STEPPED = [collections.UserDict(), collections.UserList(), collections.ChainMap()]  # their code is all Python
OTHERS = [
    *STEPPED,
    1,
    1.0,
    1j,
    "",
    b"",
    True,
    None,
    ...,
    NotImplemented,
    (),
    Pair(1, 2),
    frozenset(),
    range(1),
    slice(1),
    object(),
    int,
]
OTHERS += [Colour, Colour.RED, len, [].append, types]
OTHERS += [
    Written(),
    WrittenIterator(),
    Uncountable(),
    lambda: 0,
    KeyError(),
    property(),
    random.Random(),
]
OTHERS += [pathlib.Path(), queue.Queue(), functools.partial(len), operator.itemgetter(0), type("Text", (str,), {})("")]


@pytest.mark.parametrize("thing", CONTAINERS, ids=lambda thing: type(thing).__name__)
def test_contents_that_others_may_change(thing):
    assert is_container(type(thing))


@pytest.mark.parametrize("thing", OTHERS, ids=lambda thing: type(thing).__name__)
def test_no_contents_or_only_such_as_the_program_steps_through(thing):
    assert not is_container(type(thing))


ROWS, MORE, TABLE, BUFFER = [1], [2], {1: 2}, bytearray(b"a")
ITERATORS = {
    "iter(ROWS)": [ROWS],
    "reversed(ROWS)": [ROWS],
    "enumerate(ROWS)": [ROWS],
    "enumerate(reversed(ROWS))": [ROWS],
    "zip(ROWS, MORE)": [ROWS, MORE],
    "zip(*[ROWS] * 12, MORE)": [ROWS] * 12 + [MORE],
    "map(str, ROWS)": [ROWS],
    "map(max, ROWS, MORE)": [ROWS, MORE],
    "filter(None, map(str, enumerate(ROWS)))": [ROWS],
    "itertools.zip_longest(ROWS, MORE)": [ROWS, MORE],
    "itertools.islice(ROWS, 1)": [ROWS],
    "itertools.accumulate(ROWS)": [ROWS],
    "itertools.compress(ROWS, MORE)": [ROWS, MORE],
    "itertools.starmap(max, ROWS)": [ROWS],
    "itertools.pairwise(ROWS)": [ROWS],
    "itertools.tee(ROWS)[0]": [ROWS],
    "iter(TABLE)": [TABLE],
    "iter(TABLE.values())": [TABLE],
    "reversed(TABLE)": [TABLE],
    "TABLE.items()": [TABLE],
    "iter(BUFFER)": [BUFFER],
    "memoryview(BUFFER)": [BUFFER],
    "iter(memoryview(BUFFER))": [BUFFER],
    "memoryview(b'a')": [],
    "iter((ROWS, MORE))": [],
    "iter('text')": [],
    "itertools.count()": [],
    "enumerate(row for row in ROWS)": [],
    "iter(Written())": [],
}


@pytest.mark.parametrize("expression", ITERATORS)
def test_containers_that_one_step_of_an_iterator_reads(expression):
    found = underlying(eval(expression))
    assert sorted(map(id, found)) == sorted(map(id, ITERATORS[expression]))


def test_iterators_that_have_ended_read_nothing():
    iterator = iter(ROWS)
    assert list(iterator) == ROWS
    assert underlying(iterator) == []


def test_iterators_and_views():
    iterators = [iter([]), zip(), itertools.count(), Counting(), enumerate([]), io.StringIO(), io.BytesIO()]
    assert [is_iterator(type(thing)) for thing in iterators] == [True] * len(iterators)
    no_iterators = [[], {}, {}.values(), WrittenIterator(), Written(), 1, collections.UserDict()]
    assert [is_iterator(type(thing)) for thing in no_iterators] == [False] * len(no_iterators)
    ordered = collections.OrderedDict()
    views = [
        {}.keys(),
        {}.values(),
        {}.items(),
        ordered.keys(),
        ordered.items(),
        memoryview(b""),
        types.MappingProxyType({}),
    ]
    assert [is_view(type(thing)) for thing in views] == [True] * len(views)
    assert not any(is_view(kind) for kind in (dict, list, type(iter([])), bytes))


READING = {
    list: "copy count index __len__ __contains__ __getitem__ __eq__",
    dict: "get keys values items copy __or__ __getitem__",
    set: "union intersection difference issubset isdisjoint copy __and__",
    collections.deque: "copy count index __len__",
    bytearray: "find split decode hex startswith",
}
WRITING = {
    list: "append extend insert pop remove clear sort reverse __setitem__ __delitem__ __iadd__ __imul__ __init__",
    dict: "pop popitem setdefault update clear __setitem__ __delitem__ __ior__ __init__",
    set: "add discard remove pop update clear intersection_update __isub__",
    collections.deque: "append appendleft pop popleft rotate extend",
    bytearray: "append extend pop clear reverse",
    collections.OrderedDict: "move_to_end popitem",
    type(iter([])): "__next__ __setstate__",
    io.BytesIO: "read write seek truncate",
}


@pytest.mark.parametrize(("methods", "writes"), [(READING, False), (WRITING, True)])
def test_methods_that_change_their_container(methods, writes):
    for kind, names in methods.items():
        for name in names.split():
            assert hasattr(kind, name)
            assert method_writes(name) is writes, (kind, name)


def test_functions_and_their_arguments():
    assert {function_effect(function) for function in (isinstance, id, type, callable, hash, range, int, object)} == {
        None
    }
    reading = (len, sorted, sum, max, list, tuple, repr, zip, map, reversed, any, functools.reduce, operator.contains)
    assert {function_effect(function) for function in reading} == {False}
    assert function_effect(collections.deque) is False
    writing = (next, operator.setitem, operator.iadd, random.shuffle, setattr, delattr, vars)
    assert {function_effect(function) for function in writing} == {True}


def test_callable_that_cannot_be_hashed_may_write():
    class Unhashable:
        __hash__ = None

        def __call__(self):
            return 0

    assert function_effect(Unhashable()) is True


def test_classes_of_traced_libraries_and_of_the_program_are_told_apart_by_their_file(tmp_path):
    """The same class is a container when it is installed, and stepped when it is the program's."""
    source = "class Shelf:\n    def __getitem__(self, key): return key\n"
    library = tmp_path / "site-packages"
    answers = []
    for folder in (library, tmp_path):
        folder.mkdir(exist_ok=True)
        (folder / "shelves.py").write_text(source, encoding="utf-8")
        program = "import shelves, lab.operations as o; print(o.is_container(shelves.Shelf))"
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(folder), *sys.path]))
        result = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        answers.append(result.stdout.strip())
    assert answers == ["True", "False"]
