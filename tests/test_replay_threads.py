"""A witness knows child threads by names that mean the same in every execution."""

import threading

import pytest

import lab


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        current = self.value
        self.value = current + 1


def unnamed(counter):
    run([threading.Thread(target=counter.add) for _ in range(2)])


def of_one_name(counter):
    run([threading.Thread(target=counter.add, name="worker") for _ in range(2)])


def with_strange_names(counter):
    run([threading.Thread(target=counter.add, name=name) for name in ("a\nb", " ")])


def run(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


JUDGED = {"outcome": lambda counter: counter.value, "allowed": {2}}


@pytest.mark.parametrize(
    ("actor", "names"),
    [
        (unnamed, ("alice", "Thread-2 (add)", "Thread-3 (add)")),
        (of_one_name, ("alice", "worker", "worker #2")),
        (with_strange_names, ("alice", "'a\\nb'", "' '")),
    ],
)
def test_a_witness_with_child_threads_fails_again(actor, names, tmp_path):
    verdict = lab.explore(Counter, [actor], **JUDGED)
    verdict.assert_fails()
    assert sorted(verdict.witness.actors) == sorted(names)
    witness = lab.Witness.load(verdict.witness.save(tmp_path / "witness.json"))
    again = lab.replay(witness, Counter, [actor], **JUDGED)
    assert again.reason == "fails again: outcome 1 (allowed: 2)"


def test_the_program_still_sees_its_own_names():
    verdict = lab.explore(Counter, [lambda counter: run([threading.Thread(name="worker") for _ in range(2)])])
    assert verdict.status == "holds"
