"""Actors that start processes with an interpreter of their own, with what setup has made for them."""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory, sharedctypes
from pathlib import Path

METHOD = "spawn"
IS_SET = False


class State:
    """All that processes share."""

    def __init__(self):
        context = multiprocessing.get_context(METHOD)
        self.method = METHOD
        self.value, self.array = context.Value("i", 0), sharedctypes.RawArray("i", 3)
        self.lock, self.event, self.condition = context.Lock(), context.Event(), context.Condition()
        self.queue, self.pipe, self.barrier = context.SimpleQueue(), context.Pipe(), context.Barrier(2)

    @property
    def context(self):
        return multiprocessing.get_context(self.method)

    def start(self, target, *args):
        process = self.context.Process(target=target, args=args)
        process.start()
        return process


def number(state):
    return state.value.value


def add(value):
    now = value.value
    value.value = now + 1


def add_locked(value):
    with value.get_lock():
        value.value += 1


def add_to_array(array, lock):
    with lock or multiprocessing.Lock():
        array[1] += 1


def adds_beside(state):
    process = state.start(add, state.value)
    add(state.value)
    process.join()


def adds_locked_beside(state):
    process = state.start(add_locked, state.value)
    add_locked(state.value)
    process.join()


def adds_to_array_beside(state):
    process = state.start(add_to_array, state.array, None)
    add_to_array(state.array, None)
    process.join()
    state.value.value = state.array[1]


def adds_locked_to_array_beside(state):
    process = state.start(add_to_array, state.array, state.lock)
    add_to_array(state.array, state.lock)
    process.join()
    state.value.value = state.array[1]


def add_to_segment(name):
    segment = shared_memory.SharedMemory(name)
    segment.buf[0] += 1
    segment.close()


def adds_to_segment(state):
    segment = shared_memory.SharedMemory(create=True, size=8)
    processes = [state.start(add_to_segment, segment.name) for _ in range(2)]
    for process in processes:
        process.join()
    state.value.value = segment.buf[0]
    segment.close()
    segment.unlink()


def put_two(queue):
    queue.put(1)
    queue.put(1)


def takes_from_queue(state):
    process = state.start(put_two, state.queue)
    state.value.value = state.queue.get() + state.queue.get()
    process.join()


def wait_and_add(event, value):
    event.wait()
    value.value += 1


def sets_before_it_adds(state):
    process = state.start(wait_and_add, state.event, state.value)
    state.event.set()
    state.value.value += 1
    process.join()


def sets_after_it_added(state):
    process = state.start(wait_and_add, state.event, state.value)
    state.value.value += 1
    state.event.set()
    process.join()


def meet(barrier, value):
    with value.get_lock():
        value.value += 1
    barrier.wait()


def meets(state):
    for process in [state.start(meet, state.barrier, state.value) for _ in range(2)]:
        process.join()


def wait_for_number(condition, value):
    with condition:
        while not value.value:
            condition.wait()
        value.value += 1


def notifies(state):
    process = state.start(wait_for_number, state.condition, state.value)
    with state.condition:
        state.value.value = 1
        state.condition.notify()
    process.join()


def wait_for_call(condition):
    with condition:
        condition.wait()


def notifies_too_early(state):
    process = state.start(wait_for_call, state.condition)
    with state.condition:
        state.condition.notify()
    process.join()


def answer(end):
    end.send(end.recv() + 1)


def asks(state):
    ours, theirs = state.pipe
    process = state.start(answer, theirs)
    ours.send(1)
    state.value.value = ours.recv()
    process.join()


def take(lock):
    with lock:
        pass


def forgets_its_lock(state):
    lock = state.context.Lock()
    process = state.start(take, lock)
    del lock
    process.join()
    state.value.value = process.exitcode


def keeps_its_lock(state):
    lock = state.context.Lock()
    process = state.start(take, lock)
    process.join()
    state.value.value = process.exitcode
    del lock


def tell_surroundings(value, parent):
    os.close(os.open("made", os.O_CREAT | os.O_WRONLY, 0o666))
    value.value = (
        (not IS_SET)
        + 2 * (os.environ["FROM_PARENT"] == "yes")
        + 4 * os.path.samefile(".", "inside")
        + 8 * (os.stat("made").st_mode & 0o777 == 0o600)
        + 16 * (os.getppid() == parent == multiprocessing.parent_process().pid)
    )


def has_surroundings(state):
    global IS_SET
    IS_SET = True
    os.environ["FROM_PARENT"] = "yes"
    os.mkdir("inside")
    os.chdir("inside")
    os.symlink(".", "inside")
    os.umask(0o077)
    state.start(tell_surroundings, state.value, os.getpid()).join()


class Adding(multiprocessing.get_context("spawn").Process):
    """A process of a class of its own."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def run(self):
        self.value.value += 1


def starts_its_own_class(state):
    for _ in range(2):
        process = Adding(state.value)
        process.start()
        process.join()


def starts_what_cannot_be_sent(state):
    state.start(lambda: None)


def has_a_pool(state):
    with state.context.Pool(2) as pool:
        state.value.value = sum(pool.map(abs, [1, -1]))


def has_a_pool_that_removes(state):
    for name in ("one", "other"):
        Path(name).touch()
    with state.context.Pool(2) as pool:
        pool.map(os.remove, ["one", "other"])
    state.value.value = len(os.listdir())


def has_an_executor(state):
    with ProcessPoolExecutor(1, mp_context=state.context) as executor:
        state.value.value = executor.submit(abs, -2).result()


def wait_a_second(value):
    time.sleep(1)
    value.value = 2


def starts_who_sleeps(state):
    state.start(wait_a_second, state.value).join()
