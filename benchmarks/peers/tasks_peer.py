"""Executions per second of another tool on the counter of two tasks with one await, which never fails here.

    python tasks_peer.py detangle | simloop | simloom [--seconds 3] [--cover]

With ``--cover``: how many executions its systematic search needs for two tasks that take one lock.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter as Tally
from importlib.metadata import version

VALUES = Tally()
MOST = 200  # executions of a systematic search


async def increment(box):
    current = box["value"]
    await asyncio.sleep(0)
    box["value"] = current + 1


async def counter():
    box = {"value": 0}
    await asyncio.gather(increment(box), increment(box))
    VALUES[box["value"]] += 1


async def locked():
    box, lock = {"value": 0}, asyncio.Lock()

    async def add():
        async with lock:
            await increment(box)

    await asyncio.gather(add(), add())
    VALUES[box["value"]] += 1


def detangle(runs, seed):
    import detangle

    detangle.explore(counter, runs=runs, seed=seed, strategy="random", database=False)


def simloop(runs, seed):
    import simloop

    simloop.explore(counter, range(seed * runs, (seed + 1) * runs))


def simloom(runs, seed):
    import simloom

    simloom.explore(counter, runs=runs, start_seed=seed * runs)


def covered(peer):
    """Executions of the systematic search until it has no more; None where there is none or it does not end."""
    if peer == "detangle":
        import detangle

        detangle.explore(locked, runs=100_000, strategy=detangle.DFS(max_delays=1_000), database=False)
    elif peer == "simloom":
        from simloom import explore_systematic

        if not explore_systematic(locked, max_delays=1_000, max_schedules=MOST).exhaustive:
            return None
    else:
        return None
    return VALUES.total()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=("detangle", "simloop", "simloom"))
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--cover", action="store_true")
    args = parser.parse_args()
    about = {"peer": args.peer, "version": version(args.peer)}
    if args.cover:
        print(json.dumps(about | {"executions": covered(args.peer)}))
        return
    run = globals()[args.peer]
    run(20, 0)  # warm-up
    VALUES.clear()
    started = time.process_time()
    for seed in itertools.count(1):
        run(20 if args.peer != "detangle" else 200, seed)
        seconds = time.process_time() - started
        if seconds > args.seconds:
            break
    print(json.dumps(about | {"executions": VALUES.total(), "cpu": seconds, "outcomes": dict(VALUES)}))


if __name__ == "__main__":
    main()
