"""Actors that have pools of processes, which several tests run."""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import Lock, Pool
from pathlib import Path

LOCK = Lock()


def increment(_=None):
    current = int(Path("counter").read_text() or "0")
    Path("counter").write_text(str(current + 1))
    return current


def increment_locked(_=None):
    with LOCK:
        return increment()


def square(number):
    return number * number


def leave(_=None):
    os._exit(3)


def write(text):
    Path("counter").write_text(text)


def maps_over_a_file(state):
    with Pool(2) as pool:
        pool.map(increment, range(2), chunksize=1)


def maps_with_a_lock(state):
    with Pool(2) as pool:
        pool.map(increment_locked, range(2), chunksize=1)


def maps_with_one_worker(state):
    with Pool(1) as pool:
        pool.map(increment, range(2), chunksize=1)


def asks_in_every_way(state):
    with Pool(1) as pool:
        assert pool.apply(square, (3,)) == 9
        assert pool.starmap(pow, [(2, 3)]) == [8]
        assert list(pool.imap(square, [1, 2])) == [1, 4]
        assert sorted(pool.imap_unordered(square, [1, 2])) == [1, 4]
        assert pool.apply_async(square, (2,)).get() == 4
        try:
            pool.apply(int, ("x",))
        except ValueError:
            return
    raise AssertionError


def closes_and_joins(state):
    pool = Pool(2)
    results = [pool.apply_async(square, (number,)) for number in (1,)]
    pool.close()
    pool.join()
    assert [result.get(0) for result in results] == [1]


def has_an_initializer(state):
    with Pool(1, write, ("7",)) as pool:
        assert pool.apply(square, (2,)) == 4


def waits_for_who_has_died(state):
    with Pool(1) as pool:
        pool.map(leave, [1])


def submits(state):
    with ProcessPoolExecutor(2) as executor:
        for _ in range(2):
            executor.submit(increment)


def submits_with_a_lock(state):
    with ProcessPoolExecutor(1) as executor:
        for _ in range(2):
            executor.submit(increment_locked)


def asks_an_executor(state):
    with ProcessPoolExecutor(1) as executor:
        assert list(executor.map(square, [2])) == [4]
        assert isinstance(executor.submit(int, "x").exception(), ValueError)


def takes_what_comes_first(state):
    with ProcessPoolExecutor(1) as executor:
        futures = [executor.submit(square, number) for number in (3, 4)]
        assert [future.result() for future in as_completed(futures)] == [9, 16]


def does_not_wait(state):
    executor = ProcessPoolExecutor(1)
    executor.submit(increment)
    executor.shutdown(wait=False)


def meets_a_broken_pool(state):
    with ProcessPoolExecutor(1) as executor:
        try:
            executor.submit(leave).result()
        except BrokenProcessPool:
            return
    raise AssertionError


def looks_whether_it_is_done(state):
    with ProcessPoolExecutor(1) as executor:
        executor.submit(square, 2).done()


def wants_to_be_called(state):
    with ProcessPoolExecutor(1) as executor:
        executor.submit(square, 2).add_done_callback(print)
