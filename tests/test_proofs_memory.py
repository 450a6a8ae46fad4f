"""Memory that threads reach by several objects is that of one object, or named."""

import mmap
from types import SimpleNamespace

import pytest

import lab

NAMED = "uses the memory of a file, which others may reach as well"


def explore(setup, alice, bob, outcome, **options):
    actors = {"alice": alice, "bob": bob}
    return lab.explore(setup, actors, on="threads", strategy="dpor", outcome=outcome, seconds=30, **options)


def views():
    content = bytearray(4)
    return SimpleNamespace(content=content, one=memoryview(content), other=memoryview(content)[0:2].cast("H"))


def by_one(state):
    state.one[0] += 1


def by_the_other(state):
    state.other[0] += 1


def by_itself(state):
    state.content[0] += 1


@pytest.mark.parametrize("other", [by_one, by_the_other, by_itself])
def test_views_are_of_one_object(other):
    verdict = explore(views, by_one, other, lambda state: state.content[0])
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2}), str(verdict)


def test_memory_of_nothing_is_known():
    def add(memory):
        memory[0] += 1

    verdict = explore(lambda: mmap.mmap(-1, 4), add, add, lambda memory: memory[0])
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2})


def test_memory_of_a_file_is_named(tmp_path):
    def setup():
        (tmp_path / "data").write_bytes(bytes(4))
        with open(tmp_path / "data", "r+b") as file:
            return SimpleNamespace(one=mmap.mmap(file.fileno(), 4), other=mmap.mmap(file.fileno(), 4))

    def by_item(state):
        state.one[0] += 1

    def by_method(state):
        state.other.seek(0)
        state.other.write_byte(state.other[0] + 1)

    def close(state):
        state.one.close()
        state.other.close()

    verdict = explore(setup, by_item, by_method, lambda state: state.one[0], teardown=close)
    assert verdict.status == "unknown", str(verdict)
    line = by_item.__code__.co_firstlineno + 1
    assert verdict.reason.endswith(f"test_proofs_memory.py:{line}) {NAMED}"), verdict.reason
    alone = explore(setup, by_method, lambda state: None, lambda state: state.one[0], teardown=close)
    assert NAMED in alone.reason
