import contextlib
from types import SimpleNamespace as State


def inc(s):
    s.n += 1


def setup():
    return State(n=0)


def a(s):
    with contextlib.ExitStack() as st:
        st.callback(inc, s)
        st.callback(inc, s)


ACTORS = [a, a]


def outcome(s):
    return repr(s.n)
