"""Lazy singleton: the settings are there, but nothing is in them yet.

The first caller makes the settings, later ones reuse them.  Without a lock two
callers can both be first.  Double-checked locking cures that, and invites a
worse bug: the field is set, for everyone to see, before the object is ready.
The quick check outside the lock finds something and asks no further.

    alice   self.settings = Settings()   published, and still empty
    bob     self.settings is None?       no, so there is nothing to wait for
    bob     settings.url                 reads None
    alice   settings.load()              too late for Bob

Publishing must come last: build the object in a local variable, then assign.
"""

import threading

from lab import Scenario


class Settings:
    def __init__(self):
        self.url = None

    def load(self):
        self.url = "db://main"


class UnsafeApp:
    def __init__(self):
        self.settings = None
        self.got = []  # what each actor was given, and the url in it at that time
        self._lock = threading.Lock()  # guards the making of settings, where it is used

    def get(self):
        if self.settings is None:  # both may come through here
            self.settings = Settings()
            self.settings.load()
        return self.settings


class StillUnsafeApp(UnsafeApp):
    def get(self):
        if self.settings is None:
            with self._lock:
                if self.settings is None:  # only one makes them ...
                    self.settings = Settings()  # ... but from here on all can see them,
                    self.settings.load()  # and not before here are they ready
        return self.settings


class FixedApp(UnsafeApp):
    def get(self):
        if self.settings is None:
            with self._lock:
                if self.settings is None:
                    settings = Settings()
                    settings.load()
                    self.settings = settings  # publish last
        return self.settings


def use(app):
    settings = app.get()
    app.got.append((settings, settings.url))


def what_they_got(app):
    objects = "one" if app.got[0][0] is app.got[1][0] else "two"
    ready = all(url is not None for _, url in app.got)
    return (objects, "ready" if ready else "half-built")


SCENARIO = Scenario(
    bug_class="order violation",
    cwe=(609, 543, 362),
    unsafe=UnsafeApp,
    still_unsafe=StillUnsafeApp,
    fixed=FixedApp,
    actors={"alice": use, "bob": use},
    outcome=what_they_got,
    allowed={("one", "ready"): "both use the same settings, and they are loaded"},
    forbidden={
        ("one", "half-built"): "someone was given settings that were not loaded",
        ("two", "ready"): "not a singleton: each actor has settings of its own",
    },
    seen_in=(
        "the 'Double-Checked Locking is Broken' declaration, on Java before version 5",
        "singletons that set `cls._instance` in `__new__` and fill it in afterwards",
    ),
    hint="At which line can another thread first see the object? Is it ready there?",
    review=(
        "A shared field that is assigned first and filled in later.",
        "A check outside the lock that takes `is not None` to mean `is ready`.",
    ),
)
