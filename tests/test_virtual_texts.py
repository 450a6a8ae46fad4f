"""What locks say of themselves, and what happens to them in the child of a fork."""

from __future__ import annotations

import re
import threading

import pytest

from tests.controlled import State, alike, outcomes

KINDS = [threading.Lock, threading.RLock, threading._PyRLock, threading.Condition]


def without_addresses(text):
    return re.sub(r"0x[0-9a-f]+|owner=[1-9]\d*", "...", text)


@pytest.mark.parametrize("make", KINDS, ids=["Lock", "RLock", "_PyRLock", "Condition"])
@pytest.mark.parametrize("text", [repr, str, ascii, format], ids=["repr", "str", "ascii", "format"])
def test_a_lock_tells_that_it_is_held(make, text):
    def body():
        lock = make()
        said = [without_addresses(text(lock))]
        lock.acquire()
        said.append(without_addresses(text(lock)))
        said.append(without_addresses(lock.__repr__()))
        lock.release()
        return [*said, without_addresses(text(lock))]

    said = alike(lambda: [one.replace(threading.current_thread().name, "me") for one in body()])
    assert "<unlocked" in said[0]
    assert "<locked" in said[1]
    assert said[0] == said[3]


def test_an_rlock_tells_who_holds_it_how_often(capsys):
    def alice(state):
        with state.lock, state.lock:
            state.said = repr(state.lock)
            state.named = f"owner={threading.get_ident()} count=2"
            print(state.lock)

    assert outcomes(
        lambda: State(lock=threading.RLock(), said="", named=" "), [alice], lambda state: state.named in state.said
    ) == {True}
    assert "count=2 at" in capsys.readouterr().out


def test_a_subclass_may_add_to_what_its_lock_says():
    class Named(type(threading.RLock())):
        def __repr__(self):
            return f"my {super().__repr__()}"

    def body():
        lock = Named()
        with lock:
            return without_addresses(repr(lock))

    assert re.match(r"my <locked .*Named object \.\.\. count=1 at", alike(body))


def test_both_texts_of_a_lock_that_another_holds_are_seen():
    def alice(state):
        with state.lock:
            pass

    def bob(state):
        state.said = repr(state.lock).split()[0]

    assert outcomes(lambda: State(lock=threading.Lock(), said=""), [alice, bob], lambda state: state.said) == {
        "<unlocked",
        "<locked",
    }


@pytest.mark.parametrize("make", KINDS[:3], ids=["Lock", "RLock", "_PyRLock"])
def test_a_lock_is_free_in_the_child_of_a_fork(make):
    def body():
        lock = make()
        lock.acquire()
        lock._at_fork_reinit()
        return lock.acquire(False), lock.release(), without_addresses(repr(lock))

    assert alike(body)[0] is True
