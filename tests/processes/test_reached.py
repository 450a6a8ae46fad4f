"""Actors begin with the runner's memory: what setup, check or outcome leave there stands against a proof."""

import functools
import os
from pathlib import Path

import pytest

import lab
from tests.processes.programs import both

CACHE = {}
SEEN = []


def explore(actors, **options):
    return lab.explore(write, actors, on="processes", **{"strategy": "dpor", "seconds": 60, **options})


def write():
    Path("config").write_text("1")


def rewrite(state):
    Path("config").write_text("2")


@functools.lru_cache
def cached():
    return Path("config").read_text()


def kept():
    if "config" not in CACHE:
        CACHE["config"] = Path("config").read_text()
    return CACHE["config"]


def by_default(kept=[]):  # noqa: B006  # which is kept
    kept[:] = kept or [Path("config").read_text()]
    return kept[0]


class Settings:
    value = None

    def load(self):
        if self.value is None:
            self.value = Path("config").read_text()
        return self.value


SETTINGS = Settings()


def by_object():
    return SETTINGS.load()


def keeping(load):
    """An actor that notes what it loads, and an outcome that loads it as well."""

    def actor(state):
        Path("seen").write_text(load())

    def outcome(state):
        load()
        return Path("seen").read_text()

    return {"alice": rewrite, "bob": actor}, outcome


@pytest.fixture(autouse=True)
def nothing_kept():
    cached.cache_clear()
    CACHE.clear()
    by_default.__defaults__[0].clear()
    SETTINGS.value = None


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (cached, "actors['bob'] (load) changed from a cache of 0 items to a cache of 1 item"),
        (kept, "test_reached.CACHE changed from a dict of 0 items to a dict of 1 item"),
        (by_default, "actors['bob'] (load) (default) changed from a list of 0 items to a list of 1 item"),
        (by_object, "test_reached.SETTINGS.value changed from None to '2'"),
        (Settings().load, "actors['bob'] (load).__self__.value changed from nothing to '2'"),
    ],
    ids=["cache", "variable", "default", "object", "method"],
)
def test_what_the_runner_keeps_is_no_proof(load, told):
    actors, outcome = keeping(load)
    verdict = explore(actors, outcome=outcome)
    assert verdict.status == "unknown", str(verdict)
    assert "setup does not make everything anew: " in verdict.reason
    assert told in verdict.reason, verdict.reason


def test_what_an_actor_holds_itself():
    class Worker:
        def __init__(self):
            self.config = None

        def load(self):
            self.config = self.config or Path("config").read_text()
            return self.config

        def work(self, state):
            Path("seen").write_text(self.load())

    worker = Worker()

    def outcome(state):
        worker.load()
        return Path("seen").read_text()

    verdict = explore({"alice": rewrite, "bob": worker.work}, outcome=outcome)
    assert verdict.status == "unknown"
    assert (
        "actors['bob'].__self__.config changed from None to '2' in one execution, and so began the next"
        in verdict.reason
    )


def test_the_environment_is_inherited_as_well(monkeypatch):
    monkeypatch.delenv("LAB_CONFIG", raising=False)

    def actor(state):
        Path("seen").write_text(os.environ.get("LAB_CONFIG") or Path("config").read_text())

    def outcome(state):
        monkeypatch.setenv("LAB_CONFIG", "3")
        return Path("seen").read_text()

    verdict = explore({"alice": rewrite, "bob": actor}, outcome=outcome)
    assert verdict.status == "unknown"
    assert "os.environ['LAB_CONFIG'] changed from nothing to '3' in one execution" in verdict.reason


def test_so_is_the_umask():
    before = os.umask(0o22)

    def outcome(state):
        os.umask(0o77)

    try:
        verdict = explore(both(rewrite), outcome=outcome)
    finally:
        os.umask(before)
    assert verdict.status == "unknown"
    assert "the umask changed from '0o22' to '0o77' in one execution" in verdict.reason


def test_what_setup_makes_anew_is_none():
    def setup():
        cached.cache_clear()
        CACHE.clear()
        write()

    def outcome(state):
        cached()
        return Path("seen").read_text()

    actors, _ = keeping(cached)
    verdict = lab.explore(setup, actors, outcome=outcome, on="processes", strategy="dpor", seconds=60)
    assert (verdict.status, verdict.outcomes.keys()) == ("holds", {"1", "2", ""}), str(verdict)


def test_what_only_the_runner_looks_at_is_none():
    def check(state):
        SEEN.append(Path("config").read_text())

    verdict = explore(both(rewrite), check=check)
    assert verdict.status == "holds", str(verdict)
    assert len(SEEN) > 2
