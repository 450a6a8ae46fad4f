"""The sweep over many generated programs, on a few: ``python -m tests.oracle.many`` looks at thousands."""

from __future__ import annotations

from lab.strategies.dpor import SourceSets

from .many import Checked, check


def test_programs_are_covered_each_class_once():
    found = check((7_000_000, 40))
    assert found.wrong == []
    assert (found.programs, found.unknown) == (40, 0)
    assert found.blocked == 0


def test_a_strategy_that_leaves_something_out_is_noticed(monkeypatch):
    monkeypatch.setattr(SourceSets, "_reverse", lambda *arguments: None)
    found = check((7_000_000, 20))
    assert found.wrong
    assert "# seed 7000" in found.wrong[0]


def test_what_was_checked_is_told():
    found = Checked(programs=2_000, failing=3, executions=4_000, blocked=1)
    assert str(found) == (
        "2,000 programs, 3 of them with a failure; 4,000 executions, 0.03% of them blocked by sleep; 0 unknown; 0 wrong"
    )
