"""What a process is told of others depends on whether those go on, and what it imports on what they write."""

import faulthandler
import importlib.util
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

import lab


def note(what):
    Path("seen").write_text(str(what))


def seen(_):
    try:
        return Path("seen").read_text()
    except FileNotFoundError:
        return "nothing"


def explore(actors, setup=lambda: None, **options):
    return lab.explore(setup, actors, outcome=seen, on="processes", strategy="dpor", seconds=60, **options)


# ------------------------------------------------------------ parents


def test_the_parent_of_an_orphan_is_another_one():
    def forks(_):
        parent = os.getpid()
        if not os.fork():
            note({parent: "mine", 1: "the first of all"}[os.getppid()])
            os._exit(0)

    verdict = explore({"alice": forks})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"mine", "the first of all"}), str(verdict)


def test_the_parent_may_end_between_two_questions():
    def forks(_):
        if not os.fork():
            first = os.getppid()
            note((first == 1, os.getppid() == first))
            os._exit(0)

    verdict = explore({"alice": forks})
    expected = {"(False, True)", "(False, False)", "(True, True)"}
    assert (verdict.status, set(verdict.outcomes)) == ("holds", expected), str(verdict)


def test_the_parent_of_a_grandchild():
    def forks(_):
        if not os.fork():
            me = os.getpid()
            if not os.fork():
                note(os.getppid() == me)
                os._exit(0)
            os._exit(0)
        os.wait()

    verdict = explore({"alice": forks})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"True", "False"}), str(verdict)


def test_the_parent_of_an_actor_stays():
    def asks(_):
        note(os.getppid() == os.getppid())

    verdict = explore({"alice": asks})
    assert (verdict.status, verdict.schedules, set(verdict.outcomes)) == ("holds", 1, {"True"})


def test_one_that_waits_for_its_parent_to_end():
    def forks(_):
        parent = os.getpid()
        if not os.fork():
            while os.getppid() == parent:
                pass
            note("alone")
            os._exit(0)

    verdict = explore({"alice": forks})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"alone"}), str(verdict)


# ------------------------------------------------------------ other processes


def says_who_it_is(_):
    Path("pid").write_text(str(os.getpid()))


def by_its_group(pid):
    os.getpgid(pid)


def by_its_session(pid):
    os.getsid(pid)


@pytest.mark.parametrize("way", [by_its_group, by_its_session])
def test_a_process_is_asked_for(way):
    def asks(_):
        try:
            way(int(Path("pid").read_text()))
        except (FileNotFoundError, ValueError):
            return
        except ProcessLookupError:
            note("gone")
        else:
            note("there")

    verdict = explore({"alice": says_who_it_is, "bob": asks})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"nothing", "there", "gone"}), str(verdict)


def test_the_own_group_is_no_question():
    def asks(_):
        os.getpgid(0)
        os.getsid(os.getpid())

    verdict = explore({"alice": asks, "bob": asks})
    assert (verdict.status, verdict.schedules) == ("holds", 1)


def by_the_files_of_the_system(pid):
    return os.path.exists(f"/proc/{pid}/status")


def by_all_processes(pid):
    return str(pid) in os.listdir("/proc")


def by_priority(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


def by_limits(pid):
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (by_the_files_of_the_system, "looks at /proc/<pid>/status, which tells of other processes"),
        (by_all_processes, "looks at /proc, which tells of other processes"),
        (by_priority, "calls os.getpriority, which is not under control"),
        (by_limits, "calls resource.prlimit, which is not under control"),
    ],
)
def test_who_looks_at_others_is_named(way, told):
    def asks(_):
        try:
            note(way(int(Path("pid").read_text())))
        except (FileNotFoundError, ValueError, ProcessLookupError):
            pass

    verdict = explore({"alice": says_who_it_is, "bob": asks})
    assert verdict.status == "unknown"
    assert told in verdict.reason


def test_what_the_system_tells_of_oneself_is_no_doubt():
    def asks(_):
        note(bool(Path("/proc/self/cmdline").read_bytes()) and os.path.exists(f"/proc/{os.getpid()}/fd"))

    verdict = explore({"alice": asks})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {"True"}), str(verdict)


# ------------------------------------------------------------ signals


def ignored():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


@pytest.mark.parametrize("way", [ignored, blocked])
def test_a_signal_may_come_before_a_process_is_ready_for_it(way):
    def sends(_):
        pid = os.fork()
        if not pid:
            way()
            note("ready")
            os._exit(0)
        os.kill(pid, signal.SIGTERM)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with open("seen", "a") as file:
            file.write(f" {code}")

    verdict = explore({"alice": sends})
    if way is ignored:
        assert (verdict.status, set(verdict.outcomes)) == ("holds", {" -15", "ready 0"}), str(verdict)
    else:  # it is kept for later, which is not followed
        assert verdict.status == "unknown", str(verdict)


def test_who_handles_the_ends_of_its_children_is_named():
    def forks(_):
        pid = os.fork()
        if not pid:
            os._exit(0)
        signal.signal(signal.SIGCHLD, lambda *_: note(Path("there").exists()))
        Path("there").touch()
        os.waitpid(pid, 0)

    verdict = explore({"alice": forks})
    assert verdict.status == "unknown"
    assert "handles SIGCHLD, which is not under control" in verdict.reason


# ------------------------------------------------------------ imports


def makes_a_module(_):
    Path("made_by_alice.py").write_text("VALUE = 1\n")


def by_name():
    sys.path.insert(0, "")
    import made_by_alice

    return made_by_alice.VALUE


def by_an_absolute_path():
    sys.path.append(os.getcwd())
    return importlib.import_module("made_by_alice").VALUE


def by_its_file():
    spec = importlib.util.spec_from_file_location("another", "made_by_alice.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.VALUE


@pytest.mark.parametrize("way", [by_name, by_an_absolute_path, by_its_file])
def test_what_is_imported_from_where_others_write_is_named(way):
    def imports(_):
        sys.dont_write_bytecode = True
        try:
            note(way())
        except (ImportError, FileNotFoundError, AttributeError):
            pass

    verdict = explore({"alice": makes_a_module, "bob": imports})
    assert verdict.status == "unknown", str(verdict)
    assert "imports from a directory in which others may write" in verdict.reason


def test_other_imports_are_no_doubt():
    def imports(_):
        import this_module_is_nowhere  # noqa: F401 - only that it is looked for matters

    def imports_the_library(_):
        for name in ("wave", "xml.dom.minidom"):
            sys.modules.pop(name, None)
            importlib.import_module(name)

    verdict = explore({"alice": imports_the_library})
    assert verdict.status == "holds", str(verdict)
    verdict = explore({"alice": imports})
    assert (verdict.status, verdict.failure.message) == (
        "fails",
        "ModuleNotFoundError: No module named 'this_module_is_nowhere' left alice",
    )


def test_a_traceback_is_written_past_the_file():
    def dumps(_):
        with open("trace", "w") as file:
            faulthandler.dump_traceback(file=file)

    def looks(_):
        note(Path("trace").exists() and Path("trace").stat().st_size > 0)

    verdict = explore({"alice": dumps, "bob": looks})
    assert verdict.status == "unknown"
    assert "calls faulthandler.dump_traceback, which is not under control" in verdict.reason
