"""Operations that are under control are handed to other processes by their names, as any function is."""

import copy
import multiprocessing
import os
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import lab

FORKED = multiprocessing.get_context("fork")


def explore(actor):
    return lab.explore(
        lambda: None,
        {"alice": actor},
        outcome=lambda _: (os.path.isdir("made"), Path("seen").exists()),
        on="processes",
        strategy="dpor",
        seconds=60,
    )


def by_a_pool(_):
    with FORKED.Pool(1) as pool:
        pool.map(os.mkdir, ["made"])


def by_an_executor(_):
    with ProcessPoolExecutor(1, mp_context=FORKED) as executor:
        executor.submit(os.mkdir, "made").result()


def by_a_queue(_):
    queue = FORKED.SimpleQueue()
    queue.put((os.mkdir, "made"))
    make, name = queue.get()
    make(name)


def by_a_pickle(_):
    mkdir, opened, _, exists = pickle.loads(pickle.dumps((os.mkdir, open, time.sleep, os.path.exists)))
    opened("name", "w").close()
    assert exists("name")
    mkdir("made")


def by_a_copy(_):
    copy.deepcopy([os.mkdir])[0]("made")


@pytest.mark.parametrize("way", [by_a_pool, by_an_executor, by_a_queue, by_a_pickle, by_a_copy])
def test_what_is_handed_over(way):
    verdict = explore(way)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(True, False)}), str(verdict)


def test_a_call_that_cannot_be_handed_over_fails_by_itself():
    def submits(_):
        with ProcessPoolExecutor(1, mp_context=FORKED) as executor:
            local, other = executor.submit(lambda: None), executor.submit(os.mkdir, "made")
            with pytest.raises((AttributeError, pickle.PicklingError), match=r"pickle|local object"):
                local.result()
            other.result()

    verdict = explore(submits)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(True, False)}), str(verdict)
