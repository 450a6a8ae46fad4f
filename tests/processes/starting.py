"""Actors that start processes, which several tests run."""

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing import Lock, Pipe, Process, Queue, SimpleQueue, Value
from pathlib import Path


def increment(lock=None):
    if lock is not None:
        lock.acquire()
    current = int(Path("counter").read_text() or "0")
    Path("counter").write_text(str(current + 1))
    if lock is not None:
        lock.release()


def run(*processes):
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def counts_without_a_lock(state):
    run(*[Process(target=increment) for _ in range(2)])


def counts_with_a_lock(state):
    lock = Lock()
    run(*[Process(target=increment, args=(lock,)) for _ in range(2)])


def counts_one_after_the_other(state):
    for _ in range(2):
        process = Process(target=increment)
        run(process)
        assert process.exitcode == 0


def counts_in_forks(state):
    pid = os.fork()
    if not pid:
        increment()
        os._exit(7)
    increment()
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 7


def counts_in_turn_with_a_fork(state):
    pid = os.fork()
    if not pid:
        increment()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    increment()


def fill(queue, number):
    for _ in range(number):
        queue.put(b"x" * 50_000)


def joins_before_it_takes(state):
    queue = Queue()
    run(Process(target=fill, args=(queue, 3)))
    for _ in range(3):
        queue.get()


def takes_before_it_joins(state):
    queue = Queue()
    process = Process(target=fill, args=(queue, 2))
    process.start()
    for _ in range(2):
        queue.get()
    process.join()


def take_both(first, second):
    with first, second:
        pass


def crosses_locks(state):
    one, other = Lock(), Lock()
    run(Process(target=take_both, args=(one, other)), Process(target=take_both, args=(other, one)))


def keeps_locks_in_order(state):
    one, other = Lock(), Lock()
    run(*[Process(target=take_both, args=(one, other)) for _ in range(2)])


def add(value, lock):
    with lock:
        value.value += 1


def adds(state):
    value = Value("i", 0)
    run(*[Process(target=add, args=(value, Unlocked())) for _ in range(2)])
    Path("counter").write_text(str(value.value))


def adds_with_a_lock(state):
    value = Value("i", 0)
    run(*[Process(target=add, args=(value, value.get_lock())) for _ in range(2)])
    Path("counter").write_text(str(value.value))


class Unlocked:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


def write():
    Path("counter").write_text("1")


def terminates(state):
    process = Process(target=write)
    process.start()
    process.terminate()
    process.join()
    Path("code").write_text(str(process.exitcode))


def hold(lock):
    with lock:
        write()


def kills_who_may_have_a_lock(state):
    lock = Lock()
    process = Process(target=hold, args=(lock,))
    process.start()
    process.kill()
    process.join()
    with lock:
        pass


def leave(code):
    sys.exit(code)


def asks_for_codes(state):
    codes = []
    for target, argument in ((leave, 3), (leave, None), (os._exit, 4), (die, signal.SIGKILL), (int, "x")):
        process = Process(target=target, args=(argument,))
        run(process)
        codes.append(process.exitcode)
    assert codes == [3, 0, 4, -9, 1], codes


def die(number):
    os.kill(os.getpid(), number)


def asks_for_nothing(state):
    run(Process(target=int, args=("x",)))


def sleep_for_ever():
    while True:
        time.sleep(1)


def leaves_a_daemon(state):
    Process(target=sleep_for_ever, daemon=True).start()


def leaves_a_process(state):
    Process(target=write).start()


def waits_a_while(state):
    process = Process(target=write)
    process.start()
    process.join(1)
    Path("code").write_text(str(process.exitcode))
    process.join()


def looks_for_ends(state):
    processes = [Process(target=write, name=name) for name in ("one", "other")]
    for process in processes:
        process.start()
    ended = multiprocessing.connection.wait([process.sentinel for process in processes])
    Path("code").write_text(" ".join(process.name for process in processes if process.sentinel in ended))
    for process in processes:
        process.join()


def talk(end, parent):
    end.send(os.getppid() == parent)
    end.close()


def reads_to_the_end(state):
    ours, theirs = Pipe()
    process = Process(target=talk, args=(theirs, os.getpid()))
    process.start()
    theirs.close()
    assert ours.recv()
    try:
        ours.recv()
    except EOFError:
        pass
    else:
        raise AssertionError
    process.join()


def double(questions, answers):
    while (number := questions.get()) is not None:
        answers.put(2 * number)


def asks_a_worker(state):
    questions, answers = SimpleQueue(), SimpleQueue()
    process = Process(target=double, args=(questions, answers))
    process.start()
    questions.put(1)
    questions.put(None)
    assert answers.get() == 2
    process.join()


def forgets_to_tell_a_worker(state):
    questions, answers = SimpleQueue(), SimpleQueue()
    process = Process(target=double, args=(questions, answers))
    process.start()
    questions.put(1)
    assert answers.get() == 2
    process.join()


def start_another():
    run(Process(target=write))


def starts_who_starts(state):
    run(Process(target=start_another))


def start_in_vain():
    Process(target=write).start()


def is_refused(state):
    process = Process(target=start_in_vain, daemon=True)
    run(process)
    assert process.exitcode == 1


def goes_on_twice(state):
    os.fork()
    with open("log", "a") as file:
        file.write("x")


def handles_signals(state):
    process = Process(target=handle)
    process.start()
    process.terminate()
    process.join()


def handle():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
    write()


def asks_again_and_again(state):
    process = Process(target=write)
    process.start()
    while process.is_alive():
        time.sleep(0.1)


def waits_again_and_again(state):
    process = Process(target=write)
    process.start()
    while process.is_alive():
        process.join(0.1)


def counts_how_often_it_waits(state):
    process = Process(target=write)
    process.start()
    often = 0
    while process.is_alive() and often < 3:
        process.join(0.1)
        often += 1
    Path("code").write_text(str(often))
    process.join()


def waits_for_who_waits(state):
    lock = Lock()
    lock.acquire()
    process = Process(target=take_both, args=(lock, lock))
    process.start()
    while process.is_alive():
        time.sleep(0.1)
