"""Use after close: Alice asks whether the book is open, and Bob shuts it.

Alice writes a guest into the book if it is open.  Bob closes it: the pages go to
the archive, and the book has none.  "Is it open?" is answered for the moment of
the question only.

    alice   self.pages is not None     it is open
    bob     self.pages = None          closed, and the pages are archived
    alice   self.pages.append("ann")   AttributeError: no pages

That is the lucky case, for it is loud.  If Alice has the pages in her hand when
Bob takes a copy of them, nobody complains:

    alice   self.pages                 is open, and in her hand
    bob     archive = tuple(pages)     the archive has no ann in it
    alice   .append("ann")             on a page that nobody will ever read
    alice   return True                "you are in the book"

The popular cure for the crash is to keep the pages in a local variable, where
they cannot vanish.  It cures the lucky case and leaves the other.
"""

import threading

from lab import Scenario


class UnsafeBook:
    def __init__(self):
        self.pages = []  # None once the book is closed
        self.archive = None
        self.told = None  # what the guest was told

    def sign(self, guest):
        if self.pages is None:
            return False
        self.pages.append(guest)  # open a moment ago
        return True

    def close(self):
        pages, self.pages = self.pages, None
        self.archive = tuple(pages)


class StillUnsafeBook(UnsafeBook):
    def sign(self, guest):
        pages = self.pages  # these cannot vanish, but they can cease to matter
        if pages is None:
            return False
        pages.append(guest)
        return True


class FixedBook(UnsafeBook):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()  # guards pages: asking and using are one action

    def sign(self, guest):
        with self._lock:
            return super().sign(guest)

    def close(self):
        with self._lock:  # waits until nobody is writing
            super().close()


def alice(book):
    book.told = book.sign("ann")


def bob(book):
    book.close()


def told_and_archived(book):
    return book.told, book.archive


SCENARIO = Scenario(
    bug_class="order violation",
    cwe=(367, 672, 362),
    unsafe=UnsafeBook,
    still_unsafe=StillUnsafeBook,
    fixed=FixedBook,
    actors={"alice": alice, "bob": bob},
    outcome=told_and_archived,
    allowed={
        (True, ("ann",)): "she signed in time and is in the archive",
        (False, ()): "the book was closed, and she was told so",
    },
    forbidden={(True, ()): "she was told that she is in the book, and she is not"},
    symptoms={"exception": "AttributeError: the pages were taken away between check and use"},
    seen_in=("urllib3: a pool could be evicted and closed before its connection was taken (issue 1252)",),
    hint="Until when is the answer to 'is it open?' true?",
    review=(
        "`if not self.closed:` followed by a use, with no lock that `close()` takes, too.",
        "A close that does not wait for the users who are still inside.",
        "A crash cured by a local copy: find out what now happens to the write.",
    ),
)
