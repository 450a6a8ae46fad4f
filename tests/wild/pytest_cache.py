"""pytest: two processes make one cache directory.

It is made beside its place with all that belongs into it, and then renamed there.  Where another process has been
faster there is a directory with something in it, and to rename one over that fails: in 8.2.1 with an OSError, so that
a value is not kept; 8.2.2 takes that for what it is (pytest-dev/pytest#12381).
"""

from pathlib import Path

from _pytest.cacheprovider import Cache

TRACE = ()
ON = "processes"
SCHEDULES = 300
check = None
teardown = None


def setup():
    return None


def alice(state):
    Cache(Path.cwd() / ".pytest_cache", None, _ispytest=True).mkdir("alice")


def bob(state):
    Cache(Path.cwd() / ".pytest_cache", None, _ispytest=True).mkdir("bob")


ACTORS = {"alice": alice, "bob": bob}


def outcome(state):
    return tuple(sorted(path.name for path in Path(".pytest_cache/d").iterdir()))


ALLOWED = {("alice", "bob"): "both have their directory"}
