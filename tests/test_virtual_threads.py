"""Twins of Thread and of what tells threads apart."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import io
import logging
import threading

from controlled import Counter, State, alike, outcomes, really, words

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
