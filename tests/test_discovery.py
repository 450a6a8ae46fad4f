"""Functions found as they run, and every one given back its own code, whatever happened."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import sys
import types
import weakref

import pytest
from rewriting import Covering, driven, sites_in

from lab.discovery import CACHE, Discovery
from lab.errors import LabError

MONITORING = getattr(sys, "monitoring", None)


@contextlib.contextmanager
def discovering(trace=()):
    """Run code under a discovery that watches as the engine does."""
    with Discovery(trace) as discovery, driven(Covering(discovery)) as driver:
        discovery.driver = driver
        discovery.watch()
        try:
            yield discovery
        finally:
            discovery.unwatch()


def is_rewritten(function):
    return bool(sites_in(function.__code__))


def plain(box):
    return box.value


def calling(box):
    return plain(box) + helper(box)


def helper(box):
    return box.value


def generator(box):
    yield box.value
    yield box.value


async def coroutine(box):
    await asyncio.sleep(0)
    return box.value


def decorated(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


@decorated
def wrapped(box):
    return box.value


@functools.lru_cache
def cached(box):
    return box.value


class Box:
    value = 1

    def __init__(self):
        self.made = self.value

    def __new__(cls):
        cls.value  # read while it is made
        return super().__new__(cls)

    def __call__(self):
        return self.value

    def method(self):
        return self.value

    @classmethod
    def of_class(cls):
        return cls.value

    @staticmethod
    def static(box):
        return box.value

    @property
    def prop(self):
        return self.value

    @functools.cached_property
    def cached_prop(self):
        return self.value

    def __lt__(self, other):
        return self.value < other.value

    def __contains__(self, thing):
        return self.value == thing

    def __getattr__(self, name):
        return self.value


def functions():
    """Every function that this file defines, by name."""
    found = {name: thing for name, thing in globals().items() if isinstance(thing, types.FunctionType)}
    for name, member in vars(Box).items():
        for part in ("__func__", "fget", "func"):
            member = getattr(member, part, member)
        if isinstance(member, types.FunctionType):
            found[f"Box.{name}"] = member
    found["wrapped.__wrapped__"] = wrapped.__wrapped__
    found["cached.__wrapped__"] = cached.__wrapped__
    return {name: function for name, function in found.items() if function.__globals__ is globals()}


@pytest.fixture(autouse=True)
def everything_is_put_back():
    code = {name: function.__code__ for name, function in functions().items()}
    identities = {name: id(function) for name, function in functions().items()}
    profile, trace = sys.getprofile(), sys.gettrace()
    tools = [MONITORING and MONITORING.get_tool(number) for number in range(6)]
    yield
    assert {name: function.__code__ for name, function in functions().items()} == code
    assert all(function.__code__ is code[name] for name, function in functions().items())
    assert {name: id(function) for name, function in functions().items()} == identities
    assert (sys.getprofile(), sys.gettrace()) == (profile, trace)
    assert [MONITORING and MONITORING.get_tool(number) for number in range(6)] == tools


COVERED = {
    "a function": (lambda box: plain, [plain]),
    "a bound method": (lambda box: box.method, [Box.method]),
    "a method of a class": (lambda box: Box.of_class, [Box.of_class.__func__]),
    "a static method": (lambda box: Box.static, [Box.static]),
    "a static method itself": (lambda box: vars(Box)["static"], [Box.static]),
    "a class": (lambda box: Box, [Box.__init__, Box.__new__]),
    "a callable object": (lambda box: box, [Box.__call__]),
    "a partial function": (lambda box: functools.partial(functools.partial(plain), box), [plain]),
    "a wrapper": (lambda box: wrapped, [wrapped, wrapped.__wrapped__]),
    "a generator function": (lambda box: generator, [generator]),
    "a coroutine function": (lambda box: coroutine, [coroutine]),
}


@pytest.mark.parametrize("name", COVERED)
def test_covering_what_is_called(name):
    make, expected = COVERED[name]
    box = Box()
    with Discovery() as discovery:
        discovery.cover(make(box))
        assert [function for function in functions().values() if is_rewritten(function)] == sorted(
            expected, key=list(functions().values()).index
        )


@pytest.mark.parametrize(
    "callee", [len, 5, None, [].append, object, types.SimpleNamespace, dict, "text", contextlib.suppress]
)
def test_covering_what_is_no_code_of_the_program(callee):
    with Discovery() as discovery:
        discovery.cover(callee)
        assert not any(map(is_rewritten, functions().values()))
        assert not discovery.uncontrolled


def test_what_is_called_from_rewritten_code_is_rewritten_too():
    with discovering() as discovery:
        discovery.cover(calling)
        assert calling(Box()) == 2
        assert is_rewritten(plain)
        assert is_rewritten(helper)


FOUND = {
    "a property": (lambda box: box.prop, "Box.prop"),
    "a cached property": (lambda box: box.cached_prop, "Box.cached_prop"),
    "an operator": (lambda box: box < box, "Box.__lt__"),
    "a membership test": (lambda box: 1 in box, "Box.__contains__"),
    "an attribute made on demand": (lambda box: box.anything, "Box.__getattr__"),
    "a callback from C": (lambda box: list(map(plain, [box])), "plain"),
    "a key function": (lambda box: sorted([box, box], key=helper), "helper"),
    "a cached function": (lambda box: cached(Box()), "cached.__wrapped__"),
}


@pytest.mark.parametrize("name", FOUND)
def test_code_that_no_hooked_call_announces_is_found_as_it_starts(name):
    act, found = FOUND[name]
    box = Box()
    with discovering() as discovery:
        act(box)
        assert discovery.take_found()
        assert is_rewritten(functions()[found])
        before = discovery.driver.count
        act(box if name != "a cached property" else Box())
        assert discovery.driver.count > before
        assert not discovery.uncontrolled


def test_nothing_is_found_of_what_runs_outside_an_execution():
    box = Box()
    with Discovery() as discovery:
        discovery.watch()
        box.prop
        discovery.unwatch()
        assert not discovery.take_found()


class Interruption(BaseException):
    """Stands for Ctrl-C and its like."""


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt, SystemExit, Interruption])
def test_code_is_put_back_whatever_ends_the_run(error):
    with contextlib.suppress(*([error] if error else [])), discovering() as discovery:
        for thing in (calling, Box, wrapped, generator, coroutine):
            discovery.cover(thing)
        calling(Box())
        assert is_rewritten(calling)
        if error:
            raise error


def test_functions_made_by_rewritten_code_are_put_back_too():
    def outer(box):
        def kept():
            return box.value

        class Kind:
            def method(self):
                return box.value

        return kept, lambda: box.value, Kind, [lambda: box.value for _ in range(2)], (box.value for _ in range(1))

    code = outer.__code__
    with discovering() as discovery:
        discovery.cover(outer)
        kept, small, kind, several, pending = outer(Box())
        made = [kept, small, kind.method, *several]
        assert all(map(is_rewritten, made))
    assert outer.__code__ is code
    assert not any(map(is_rewritten, made))
    assert [kept(), small(), kind().method(), several[0]()] == [1, 1, 1, 1]
    assert list(pending) == [1]  # goes on in the rewritten code, in which nobody drives now


def test_generators_and_frames_that_outlive_the_run_go_on():
    with discovering() as discovery:
        discovery.cover(generator)
        begun = generator(Box())
        next(begun)
    assert list(begun) == [1]


def test_code_that_the_program_sets_itself_is_not_undone():
    def one(box):
        return box.value

    def other(box):
        return -box.value

    mine = other.__code__
    with Discovery() as discovery:
        discovery.cover(one)
        one.__code__ = mine
    assert one.__code__ is mine


def test_rewriting_keeps_no_function_alive():
    def temporary(box):
        return box.value

    reference = weakref.ref(temporary)
    with Discovery() as discovery:
        discovery.cover(temporary)
        assert is_rewritten(temporary)
        del temporary
        gc.collect()
        assert reference() is None


def test_two_discoveries_at_a_time():
    with Discovery() as first:
        first.cover(plain)
        inner = plain.__code__
        with Discovery() as second:
            second.cover(helper)
            second.cover(plain)
            assert is_rewritten(helper)
        assert not is_rewritten(helper)
        assert plain.__code__ is inner


def test_the_same_function_gets_the_same_sites_again():
    seen = []
    for _ in range(2):
        with Discovery() as discovery:
            discovery.cover(plain)
            seen.append(sites_in(plain.__code__))
    assert seen[0] == seen[1]


def test_defaults_names_and_closures_stay():
    depth = 3

    def rich(a, b=2, *c, d=depth, **e) -> int:
        """Doc."""
        return a.value + depth

    rich.attribute = 1
    before = (
        rich.__defaults__,
        rich.__kwdefaults__,
        rich.__closure__,
        rich.__doc__,
        rich.__dict__,
        rich.__annotations__,
    )
    with Discovery() as discovery:
        discovery.cover(rich)
        assert is_rewritten(rich)
        assert rich(Box()) == 4
        now = (
            rich.__defaults__,
            rich.__kwdefaults__,
            rich.__closure__,
            rich.__doc__,
            rich.__dict__,
            rich.__annotations__,
        )
        assert now == before


def test_library_code_is_only_controlled_and_traced_libraries_are_stepped():
    import textwrap

    code = textwrap.indent.__code__
    with Discovery() as discovery:
        discovery.cover(textwrap.indent)
        assert {site.kind for site in sites_in(textwrap.indent.__code__)} <= {"call", "with"}
        assert not any(site.stepped for site in sites_in(textwrap.indent.__code__))
    assert textwrap.indent.__code__ is code
    with Discovery(("textwrap",)) as discovery:
        discovery.cover(textwrap.indent)
        assert all(site.stepped for site in sites_in(textwrap.indent.__code__))
    assert textwrap.indent.__code__ is code


def test_the_labs_own_code_is_left_alone():
    from lab.naming import Names

    with Discovery() as discovery:
        discovery.cover(Names)
        discovery.cover(Discovery.cover)
        assert not is_rewritten(Discovery.cover)


def test_code_that_cannot_be_rewritten_is_reported_and_runs_as_it_is(monkeypatch):
    def refuse(code, namespace, accesses, stepped, thorough):
        raise ValueError("not understood")

    def fresh(box):
        return box.value

    monkeypatch.setattr(CACHE, "make", refuse)
    with Discovery() as discovery:
        discovery.cover(fresh)
        assert fresh(Box()) == 1
        [told] = discovery.uncontrolled
    assert told.endswith("could not be instrumented (ValueError: not understood)")
    assert "fresh" in told


@pytest.mark.skipif(MONITORING is None, reason="sys.monitoring is new in Python 3.12")
def test_no_tool_id_is_left():
    with contextlib.ExitStack() as after:
        for number in [number for number in range(6) if MONITORING.get_tool(number) is None]:
            MONITORING.use_tool_id(number, "test")
            after.callback(MONITORING.free_tool_id, number)
        message = "sys.monitoring: all six tool ids are taken; end one of the debuggers, profilers or explorations"
        with pytest.raises(LabError) as caught, Discovery():
            pass
        assert str(caught.value) == message
