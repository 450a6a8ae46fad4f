"""Twins of Thread and of what tells threads apart."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import io
import logging
import threading
import time

import pytest
from controlled import State, alike, outcomes, really, under_control, words

from lab import explore


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        current = self.value
        self.value = current + 1


def value(state):
    return state.value


# ------------------------------------------------------------ words


def test_thread_gives_what_cpython_s_gives():
    def body():
        thread = threading.Thread(target=int, name="kid")
        told = [thread.is_alive(), thread.ident, thread.name, thread.daemon, words(thread.join)]
        told += [words(thread.start, 1), thread.start(), thread.join(), thread.is_alive(), words(thread.start)]
        told += [thread.join(), thread.join(1), thread.ident is not None, thread.native_id is not None]
        told += [words(thread.join, "1"), words(setattr, thread, "daemon", True), "stopped" in repr(thread)]
        return [*told, words(threading.Thread, 1)]

    told = alike(body)
    assert told[:5] == [False, None, "kid", False, "RuntimeError: cannot join thread before it is started"]
    assert told[6:12] == [None, None, False, "RuntimeError: threads can only be started once", None, None]


def test_a_thread_that_was_not_made_properly_complains_in_cpython_s_words():
    class Forgetful(threading.Thread):
        def __init__(self):
            pass

    def body():
        thread = Forgetful()
        return words(thread.start), words(thread.join)

    assert alike(body) == (
        "RuntimeError: thread.__init__() not called",
        "RuntimeError: Thread.__init__() not called",
    )


def test_a_thread_cannot_join_itself():
    def body():
        told = []
        thread = threading.Thread(target=lambda: told.append(words(threading.current_thread().join)))
        thread.start()
        thread.join()
        return told

    assert alike(body) == ["RuntimeError: cannot join current thread"]


def test_join_with_a_timeout_returns_though_the_thread_goes_on():
    def body():
        event = threading.Event()
        thread = threading.Thread(target=event.wait)
        thread.start()
        told = [thread.join(0.0001), thread.join(0), thread.join(-1), words(thread.join, "1"), thread.is_alive()]
        event.set()
        return [*told, thread.join(20), thread.is_alive()]

    complaint = "TypeError: '>' not supported between instances of 'int' and 'str'"
    assert alike(body) == [None, None, None, complaint, True, None, False]


def test_start_new_thread_complains_in_cpython_s_words():
    def body():
        return [
            words(_thread.start_new_thread),
            words(_thread.start_new_thread, 1, ()),
            words(_thread.start_new_thread, int, 1),
            words(_thread.start_new_thread, int, (), 1),
            words(_thread.start_new_thread, function=int, args=()),
            words(threading.get_ident, 1),
            words(threading.current_thread, 1),
        ]

    assert all(one.startswith("TypeError: ") for one in alike(body))


def test_current_thread_in_a_child_is_the_child():
    def body():
        told = []

        class Child(threading.Thread):
            def run(self):
                told.append((threading.current_thread() is self, self.name, self.daemon, self.is_alive()))
                told.append((self.ident == threading.get_ident(), self.native_id is not None))

        for options in ({"name": "x", "daemon": True}, {"name": "y"}):
            child = Child(**options)
            child.start()
            child.join()
        return told

    assert alike(body) == [(True, "x", True, True), (True, True), (True, "y", False, True), (True, True)]


def test_enumerate_and_active_count_tell_of_children():
    def body():
        before = threading.active_count()
        event = threading.Event()
        child = threading.Thread(target=event.wait)
        child.start()
        told = [threading.active_count() - before, child in threading.enumerate()]
        told.append(threading.current_thread() in threading.enumerate())
        event.set()
        child.join()
        return [*told, threading.active_count() - before, child in threading.enumerate()]

    assert alike(body) == [1, True, True, 0, False]


def test_a_timer_fires_unless_it_is_cancelled():
    def body():
        told = []
        for delay, cancelled in ((0.0001, False), (3600, True)):
            timer = threading.Timer(delay, told.append, [delay])
            timer.start()
            if cancelled:
                timer.cancel()
            timer.join()
        return told

    assert alike(body) == [0.0001]


def test_raw_threads_take_arguments():
    def body():
        told = []
        done = _thread.allocate_lock()
        done.acquire()

        def child(first, second=0):
            told.append((first, second))
            done.release()

        identity = _thread.start_new_thread(child, (1,), {"second": 2})
        done.acquire()
        return told, isinstance(identity, int)

    assert alike(body) == ([(1, 2)], True)


# ------------------------------------------------------------ actors are threads


def test_each_actor_is_a_thread_of_its_own():
    def actor(state):
        me = threading.current_thread()
        assert me is threading.current_thread()
        assert me.ident == threading.get_ident() == _thread.get_ident()
        assert me.is_alive()
        assert me is not threading.main_thread()
        state.names.append(me.name)
        state.identities.add(me.ident)

    def setup():
        return State(names=[], identities={threading.get_ident()})

    def outcome(state):
        return ",".join(sorted(state.names)), len(state.identities)

    actors = {"alice": actor, "bob": actor, "carol": actor}
    assert outcomes(setup, actors, outcome, 40) == {("alice,bob,carol", 4)}


def test_setup_and_outcome_run_in_the_thread_that_explores():
    me = threading.current_thread()

    def outcome(state):
        return state.thread is me is threading.current_thread()

    assert outcomes(lambda: State(thread=threading.current_thread()), [lambda s: None], outcome, 5) == {True}


# ------------------------------------------------------------ children are controlled


def start_and_join(targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Adder(threading.Thread):
    def __init__(self, counter):
        super().__init__()
        self.counter = counter

    def run(self):
        self.counter.add()


def by_thread(counter):
    start_and_join([counter.add, counter.add])


def by_subclass(counter):
    adders = [Adder(counter), Adder(counter)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()


def by_map(counter):
    adders = [Adder(counter), Adder(counter)]
    list(map(threading.Thread.start, adders))
    list(map(threading.Thread.join, adders))


def by_nesting(counter):
    start_and_join([lambda: start_and_join([counter.add]), counter.add])


def by_timer(counter):
    timers = [threading.Timer(delay, counter.add) for delay in (1, 1)]
    for timer in timers:
        timer.start()
    for timer in timers:
        timer.join()


def by_executor(counter):
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        executor.submit(counter.add)
        executor.submit(counter.add)


def by_executor_map(counter):
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        list(executor.map(Counter.add, [counter, counter]))


def by_raw_thread(counter):
    done = []

    def child():
        counter.add()
        done.append(1)

    for _ in range(2):
        _thread.start_new_thread(child, ())
    while len(done) < 2:
        time.sleep(1)


def by_asyncio(counter):
    async def both():
        await asyncio.gather(asyncio.to_thread(counter.add), asyncio.to_thread(counter.add))

    asyncio.run(both())


WAYS = [by_thread, by_subclass, by_map, by_nesting, by_timer, by_executor, by_executor_map, by_raw_thread]


@pytest.mark.parametrize("way", WAYS)
def test_threads_started_by_an_actor_race(way):
    assert outcomes(Counter, [way], value, 120) == {1, 2}


def test_threads_started_by_to_thread_race():
    assert outcomes(Counter, [by_asyncio], value, 40) == {1, 2}


@pytest.mark.parametrize("way", [by_thread, by_executor])
def test_a_child_ends_before_its_join_returns(way):
    class Locked(Counter):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

        def add(self):
            with self.lock:
                super().add()

    def use(counter):
        way(counter)
        counter.done = counter.value

    assert outcomes(Locked, [use], lambda counter: counter.done, 60) == {2}


def test_a_thread_started_in_setup_runs_beside_the_actors():
    def setup():
        counter = Counter()
        counter.thread = threading.Thread(target=counter.add)
        counter.thread.start()
        return counter

    def add_and_join(counter):
        counter.add()
        counter.thread.join()

    assert outcomes(setup, [add_and_join], value, 100) == {1, 2}


def test_a_thread_that_nobody_joins_is_waited_for():
    def start(counter):
        threading.Thread(target=counter.add).start()

    assert outcomes(Counter, [start], value, 20) == {1}


def test_a_daemon_goes_on_or_not_when_the_actors_have_ended():
    def serve(state):
        while True:
            state.queue.acquire()
            state.served += 1

    def start(state):
        threading.Thread(target=serve, args=(state,), daemon=True).start()
        state.queue.release()

    def setup():
        return State(queue=threading.Semaphore(0), served=0)

    assert outcomes(setup, [start], lambda state: state.served, 60) == {0, 1}


def test_is_alive_tells_both_ways():
    def start(state):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        state.alive = thread.is_alive()

    assert outcomes(State, [start], lambda state: state.alive, 60) == {True, False}


def test_a_join_with_a_short_timeout_ends_both_ways():
    def start(state):
        thread = threading.Thread(target=setattr, args=(state, "done", True))
        thread.start()
        thread.join(1)
        state.seen = state.done
        thread.join(20)
        state.later = state.done

    assert outcomes(lambda: State(done=False), [start], lambda s: (s.seen, s.later), 60) == {(True, True), (False, True)}


def test_a_thread_is_not_alive_after_the_run():
    threads = []

    def start(state):
        event = threading.Event()
        for target in (int, event.wait):
            threads.append(threading.Thread(target=target, daemon=True))
            threads[-1].start()

    explore(lambda: None, [start], schedules=3)
    assert len(threads) >= 6
    assert [thread.is_alive() for thread in threads] == [False] * len(threads)
    assert [thread.join() for thread in threads] == [None] * len(threads)


def test_a_real_thread_is_joined_for_real():
    told = []
    outside = threading.Thread(target=told.append, args=(1,))
    outside.start()

    def body():
        alive = outside.is_alive()
        outside.join()
        return alive in (True, False), outside.is_alive(), told

    assert under_control(body) == (True, False, [1])


# ------------------------------------------------------------ threading.local


class Greeting(threading.local):
    kind = "plain"

    def __init__(self, words=(), *, mark):
        self.words = [*words, mark]


def test_a_local_holds_what_its_own_thread_stored():
    def body():
        plain = threading.local()
        plain.x = 1
        own = Greeting(["hello"], mark="!")
        own.words.append("alice")
        own.kind = "changed"
        told = []

        def child():
            told.append(hasattr(plain, "x"))
            plain.x = 2
            told.append((plain.x, dict(vars(plain)), list(own.words), own.kind))
            own.words.append("child")

        start_and_join([child, child])
        return [*sorted(told, key=str), plain.x, own.words, own.kind]

    seen = (2, {"x": 2}, ["hello", "!"], "plain")
    assert alike(body) == [seen, seen, False, False, 1, ["hello", "!", "alice"], "changed"]


def test_actors_have_locals_of_their_own():
    shared = threading.local()
    shared.value = "outside"
    made = Greeting(mark="?")
    made.words.append("outside")

    def actor(name):
        def act(state):
            assert not hasattr(shared, "value")
            assert made.words == ["?"]
            shared.value = name
            state.step = name
            made.words.append(name)
            state.step = name
            state.seen.append((shared.value, tuple(made.words)))

        return act

    def outcome(state):
        return tuple(sorted(state.seen)), shared.value, tuple(made.words)

    def setup():
        return State(seen=[], step="")

    expected = ((("a", ("?", "a")), ("b", ("?", "b"))), "outside", ("?", "outside"))
    assert outcomes(setup, {"a": actor("a"), "b": actor("b")}, outcome, 60) == {expected}
    assert (shared.value, made.words) == ("outside", ["?", "outside"])


def test_a_local_is_a_local_where_other_objects_are_shared():
    """The same line of code touches a shared object and a local."""

    def store(thing, name):
        thing.value = name
        return thing.value

    def actor(name):
        def act(state):
            store(state, name)
            state.seen.append(store(state.local, name) == name)

        return act

    def setup():
        return State(local=threading.local(), seen=[])

    actors = {"a": actor("a"), "b": actor("b")}
    assert outcomes(setup, actors, lambda state: tuple(state.seen), 200) == {(True, True)}


# ------------------------------------------------------------ what is built on threads


def test_logging_tells_the_thread():
    def body():
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(threadName)s %(message)s"))
        logger = logging.getLogger("test_virtual_threads")
        logger.addHandler(handler)
        logger.propagate = False
        try:
            thread = threading.Thread(target=logger.warning, args=("hello",), name="kid")
            thread.start()
            thread.join()
        finally:
            logger.removeHandler(handler)
        return stream.getvalue()

    assert alike(body) == "kid hello\n"


def test_an_executor_hands_on_results_and_exceptions():
    def body():
        with concurrent.futures.ThreadPoolExecutor(2) as executor:
            doubled = list(executor.map(lambda number: 2 * number, range(4)))
            failed = executor.submit(lambda: {}["missing"])
            return doubled, words(failed.result), failed.done()

    assert alike(body) == ([0, 2, 4, 6], "KeyError: 'missing'", True)


def test_two_actors_run_event_loops_side_by_side():
    def actor(name):
        async def add(counter):
            loop = asyncio.get_running_loop()
            current = counter.value
            await asyncio.sleep(1)
            counter.value = current + 1
            counter.told.append(asyncio.get_running_loop() is loop)

        def act(counter):
            asyncio.run(add(counter))
            counter.told.append(words(asyncio.get_running_loop))

        return act

    def setup():
        counter = Counter()
        counter.told = []
        return counter

    def outcome(counter):
        return counter.value, tuple(sorted(map(str, counter.told)))

    none = "RuntimeError: no running event loop"
    told = (none, none, "True", "True")
    assert outcomes(setup, {"a": actor("a"), "b": actor("b")}, outcome, 30) == {(1, told), (2, told)}
    assert really(lambda: words(asyncio.get_running_loop)) == none
