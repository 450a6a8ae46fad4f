"""requests-mock: two threads share one mocked session.

1.9.3 puts its own `get_adapter` on the session for the time of each request and
restores the real one afterwards, without a lock.  When one thread restores it
between the other's patching and sending, that request leaves the mock.
1.10.0 holds a lock throughout (jamielennox/requests-mock#183).

There is no network: nothing real serves ``mock://``, so a request that escapes
raises InvalidSchema.
"""

from types import SimpleNamespace

import requests
import requests_mock

TRACE = ("requests_mock", "requests.sessions")


def setup():
    session = requests.Session()
    session.trust_env = False  # no proxies or credentials from the environment
    mocker = requests_mock.Mocker(session=session)
    mocker.get("mock://lab.test/a", text="A")
    mocker.get("mock://lab.test/b", text="B")
    mocker.start()
    return SimpleNamespace(session=session, mocker=mocker, a=None, b=None)


def get_a(state):
    state.a = state.session.get("mock://lab.test/a").text


def get_b(state):
    state.b = state.session.get("mock://lab.test/b").text


ACTORS = {"alice": get_a, "bob": get_b}


def check(state):
    assert state.mocker.call_count == 2


def outcome(state):
    return (state.a, state.b)


ALLOWED = {("A", "B"): "both requests were answered by the mock"}


def teardown(state):
    state.mocker.stop()
    state.session.close()
