"""Exploring pools of processes comes to exactly the outcomes that all orders of the steps of their tasks have."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool
from random import Random

import pytest

import lab
from tests.processes.families import NAMES, do, outcome, record

DRAWN = 6


def draw(random):
    """The tasks, each of one step or two."""
    return [
        [(random.choice(("make", "ask", "remove")), random.choice(NAMES[:1])) for _ in range(number)]
        for number in (random.randint(1, 2), 1)
    ]


def run(calls):
    return [do(*call) for call in calls]


def in_a_pool(tasks):
    def alice(state):
        with Pool(2) as pool:
            record("alice", pool.map(run, tasks, chunksize=1))

    return alice


def in_an_executor(tasks):
    def alice(state):
        with ProcessPoolExecutor(2) as executor:
            record("alice", [future.result() for future in [executor.submit(run, calls) for calls in tasks]])

    return alice


def outcomes(tasks, workers=2):
    """Of every order: a worker that has nothing to do may take the next task, one that has one may do its next step."""
    start = (frozenset(), 0, (None,) * workers, ((),) * len(tasks))
    found, seen, pending = set(), {start}, [start]
    while pending:
        dirs, taken, at, told = pending.pop()
        following = []
        for number, task in enumerate(at):
            if task is None:
                if taken < len(tasks):
                    following.append((dirs, taken + 1, (*at[:number], taken, *at[number + 1 :]), told))
                continue
            what, name = tasks[task][len(told[task])]
            there = name in dirs
            now = dirs | {name} if what == "make" else dirs - {name} if what == "remove" else dirs
            heard = (*told[task], there if what != "make" else not there)
            done = len(heard) == len(tasks[task])
            left = (*at[:number], None if done else task, *at[number + 1 :])
            following.append((now, taken, left, (*told[:task], heard, *told[task + 1 :])))
        if not following:
            found.add((("seen by alice", repr([list(one) for one in told])), *[(name, "") for name in sorted(dirs)]))
        for one in following:
            if one not in seen:
                seen.add(one)
                pending.append(one)
    return found


@pytest.mark.parametrize(
    ("make", "seed"), [*[(in_a_pool, seed) for seed in range(DRAWN)], *[(in_an_executor, seed) for seed in (0, 2)]]
)
def test_every_outcome_of_a_model_and_no_other(make, seed):
    tasks = draw(Random(seed))
    verdict = lab.explore(dict, {"alice": make(tasks)}, outcome=outcome, on="processes", strategy="dpor", seconds=100)
    assert verdict.status == "holds", f"{tasks}\n{verdict}"
    assert set(verdict.outcomes) == outcomes(tasks), tasks
