"""`threading.local`: each actor has its own."""

from __future__ import annotations

import threading

from controlled import State, alike, outcomes

# ------------------------------------------------------------ threading.local


class Greeting(threading.local):
    kind = "plain"

    def __init__(self, words=(), *, mark):
        self.words = [*words, mark]


def test_a_local_holds_what_its_own_thread_stored():
    def body():
        plain = threading.local()
        plain.x = 1
        own = Greeting(["hello"], mark="!")
        own.words.append("alice")
        own.kind = "changed"
        told = []

        def child():
            told.append(hasattr(plain, "x"))
            plain.x = 2
            told.append((plain.x, dict(vars(plain)), list(own.words), own.kind))
            own.words.append("child")

        for _ in range(2):
            thread = threading.Thread(target=child)
            thread.start()
            thread.join()
        return [*sorted(told, key=str), plain.x, own.words, own.kind]

    seen = (2, {"x": 2}, ["hello", "!"], "plain")
    assert alike(body) == [seen, seen, False, False, 1, ["hello", "!", "alice"], "changed"]


def test_actors_have_locals_of_their_own():
    shared = threading.local()
    shared.value = "outside"
    made = Greeting(mark="?")
    made.words.append("outside")

    def actor(name):
        def act(state):
            assert not hasattr(shared, "value")
            assert made.words == ["?"]
            shared.value = name
            state.step = name
            made.words.append(name)
            state.step = name
            state.seen.append((shared.value, tuple(made.words)))

        return act

    def outcome(state):
        return tuple(sorted(state.seen)), shared.value, tuple(made.words)

    def setup():
        return State(seen=[], step="")

    expected = ((("a", ("?", "a")), ("b", ("?", "b"))), "outside", ("?", "outside"))
    assert outcomes(setup, {"a": actor("a"), "b": actor("b")}, outcome, 60) == {expected}
    assert (shared.value, made.words) == ("outside", ["?", "outside"])


def test_a_local_is_a_local_where_other_objects_are_shared():
    """The same line of code touches a shared object and a local."""

    def store(thing, name):
        thing.value = name
        return thing.value

    def actor(name):
        def act(state):
            store(state, name)
            state.seen.append(store(state.local, name) == name)

        return act

    def setup():
        return State(local=threading.local(), seen=[])

    actors = {"a": actor("a"), "b": actor("b")}
    assert outcomes(setup, actors, lambda state: tuple(state.seen), 200) == {(True, True)}
