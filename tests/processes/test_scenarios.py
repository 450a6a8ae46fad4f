"""The catalogue's processes: what the shortest witnesses are, and that the right variants are covered."""

from pathlib import Path

import pytest

import lab
from lab.catalogue import entries, replay_scenario, run_hammer

FOLDER = Path(lab.__file__).parents[1] / "scenarios" / "processes"
ENTRIES = {entry.name: entry for entry in entries(FOLDER)}
PROVED = {
    "pid_file",
    "killed_while_saving",
    "file_counter",
    "check_then_create",
    "half_written",
    "two_appenders",
    "seat_map",
    "shared_value",
}


def explored(entry, variant):
    scenario = entry.scenario
    return lab.explore(
        variant.make,
        scenario.actors,
        on="processes",
        crash=scenario.crash,
        strategy="dpor",
        seconds=60,
        **scenario.options(),
    )


@pytest.mark.parametrize("name", sorted(PROVED))
def test_each_variant_keeps_its_promise(name):
    entry = ENTRIES[name]
    for variant in entry.scenario.every_variant():
        verdict = explored(entry, variant)
        assert verdict.status == ("fails" if variant.must_fail else "holds"), str(verdict)
        assert verdict.uncontrolled == ()
        if variant.must_fail:
            assert replay_scenario(verdict.witness, entry, variant).status == "fails"


def test_what_outcome_locks_is_another_file_in_the_next_execution():
    entry = ENTRIES["killed_while_saving"]  # whose outcome() takes a lock on a file of which the inode comes again
    verdicts = [explored(entry, entry.scenario.every_variant()[-1]) for _ in range(3)]
    assert {(verdict.status, verdict.schedules) for verdict in verdicts} == {("holds", 12)}


def test_a_deadlock_through_a_full_queue():
    entry = ENTRIES["joined_queue"]
    for variant in entry.scenario.every_variant():
        verdict = explored(entry, variant)
        assert verdict.uncontrolled == ()
        assert (verdict.failure.kind if verdict.failure else None) == ("deadlock" if variant.must_fail else None)


@pytest.mark.parametrize("name", ["pid_file", "killed_while_saving"])
def test_what_a_kill_decides_is_called_so(name):
    entry = ENTRIES[name]
    for variant in entry.scenario.every_variant()[:2]:
        verdict = explored(entry, variant)
        assert verdict.witness.pattern == "killed half-way", str(verdict)
        assert "was killed (step" in verdict.witness.story


@pytest.mark.parametrize("name", ["file_counter", "shared_value"])
def test_a_lost_update_is_called_so(name):
    entry = ENTRIES[name]
    verdict = explored(entry, entry.scenario.every_variant()[0])
    assert verdict.witness.pattern == "lost update"
    assert verdict.realizable == {}  # processes are switched anywhere


def test_processes_are_hammered():
    for variant in ENTRIES["file_counter"].scenario.every_variant():
        result = run_hammer(ENTRIES["file_counter"], variant)
        assert result.passed, result.report
        assert result.verdict.granularity == "real processes"
