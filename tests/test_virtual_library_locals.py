"""What library code keeps in a `threading.local`: the lab does not step inside, and each actor has its own all the same."""

from __future__ import annotations

import importlib
import itertools
import sys
import threading
from types import SimpleNamespace as State

import pytest

from lab import explore
from tests.test_carriers import BOTH

LIBRARY = """
import threading

class Depth(threading.local):
    def __init__(self, start=0):
        self.depth = start

_plain = threading.local()
_own = Depth(5)

def remember(value):
    _plain.value = value

def recall():
    return getattr(_plain, "value", None)

def enter():
    _own.depth += 1

def depth():
    return _own.depth

class Session:
    def __init__(self):
        self._local = threading.local()

    def begin(self, name):
        if getattr(self._local, "name", None):
            raise RuntimeError("a transaction has begun already")
        self._local.name = name

    def name(self):
        return getattr(self._local, "name", None)

    def end(self):
        self._local.name = None
"""
COUNT = itertools.count()


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A module that counts as an installed package."""
    name = f"lab_library_{next(COUNT)}"
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / f"{name}.py").write_text(LIBRARY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    yield importlib.import_module(name)
    sys.modules.pop(name, None)


def both(*, actors, setup=lambda: State(seen=[], step=0), outcome=lambda s: tuple(sorted(s.seen, key=str)), **options):
    """The outcomes, alike on both carriers (where there are both) and not called anything but `holds`."""
    found = set()
    for carrier in BOTH:
        verdict = explore(setup, actors, outcome=outcome, carrier=carrier, **options)
        assert verdict.status == "holds", str(verdict)
        found.add(frozenset(verdict.outcomes))
    assert len(found) == 1, found
    (outcomes,) = found
    return set(outcomes)


def step(state):
    state.step += 1


def test_a_local_of_a_module(library):
    library.remember("main")

    def actor(name):
        def act(state):
            first = library.recall()
            library.remember(name)
            step(state)
            state.seen.append((name, first, library.recall()))

        return act

    assert both(actors={"a": actor("a"), "b": actor("b")}) == {(("a", None, "a"), ("b", None, "b"))}
    assert library.recall() == "main"


def test_a_local_with_an_init_begins_for_each_actor(library):
    library.enter()

    def act(state):
        library.enter()
        step(state)
        state.seen.append(library.depth())

    assert both(actors=[act, act]) == {(6, 6)}
    assert library.depth() == 6


def test_a_local_that_is_only_read_is_empty_for_an_actor(library):
    library.remember("main")

    def act(state):
        step(state)
        state.seen.append(library.recall())

    assert both(actors=[act, act]) == {(None, None)}


def test_a_local_that_an_object_of_each_execution_has(library):
    def transact(name):
        def act(state):
            state.session.begin(name)
            step(state)
            state.seen.append(state.session.name())
            state.session.end()

        return act

    found = both(actors=[transact("a"), transact("b")], setup=lambda: State(seen=[], step=0, session=library.Session()))
    assert found == {("a", "b")}


def test_a_local_that_an_older_object_has(library):
    session = library.Session()
    session.begin("main")

    def transact(name):
        def act(state):
            session.begin(name)
            step(state)
            state.seen.append(session.name())
            session.end()

        return act

    assert both(actors=[transact("a"), transact("b")]) == {("a", "b")}
    assert session.name() == "main"


def test_a_local_that_the_program_met_late(library):
    """Only where the actors are switched at one place does library code use it."""
    session = library.Session()

    def one(state):
        state.flag = 1
        if state.other:
            session.begin("one")
            step(state)
            session.end()

    def two(state):
        state.other = 1
        if state.flag:
            session.begin("two")
            step(state)
            session.end()

    assert both(
        actors=[one, two], setup=lambda: State(flag=0, other=0, step=0), outcome=lambda s: s.step, schedules=20_000
    ) <= {0, 1, 2}


def test_child_threads_have_their_own(library):
    def act(state):
        library.remember("parent")

        def child():
            state.seen.append(library.recall())
            library.remember("child")

        thread = threading.Thread(target=child)
        thread.start()
        step(state)
        thread.join()
        state.seen.append(library.recall())

    assert both(actors=[act]) == {(None, "parent")}


def test_what_an_actor_kept_ends_with_the_execution(library):
    def act(state):
        state.seen.append(library.recall())
        library.remember("left")

    assert both(actors=[act]) == {(None,)}
    assert library.recall() is None


class Noisy:
    """Its text is made in several steps."""

    def __init__(self, state):
        self.state = state

    def __repr__(self):
        step(self.state)
        return "noisy"


def test_a_list_whose_text_two_actors_make_is_no_list_that_holds_itself():
    def setup():
        state = State(step=0, seen=[])
        state.things = [Noisy(state)]
        return state

    def act(state):
        text = repr(state.things)
        state.seen.append(text)

    alike = ("[noisy]", "[noisy]")
    assert both(setup=setup, actors=[act, act], outcome=lambda s: tuple(s.seen), strategy="dpor") == {alike}
    verdict = explore(setup, [act, act], outcome=lambda s: tuple(s.seen), allowed={alike})
    assert verdict.status == "holds", str(verdict)
