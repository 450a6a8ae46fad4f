"""Raise an exception in another thread, as soon as it runs Python code.

While one is pending in a thread that blocks, 3.11 hangs any other thread that is traced or profiled at its next call:
the interpreter has one flag for all threads that there are some, and comes back to the call for as long as it is set.
Only a thread that meets an exception lowers the flag.  So the thrower lets one strike itself; what is pending elsewhere
raises the flag anew when that thread comes back (``take_gil`` in CPython's ``ceval_gil.h``).
"""

from __future__ import annotations

import ctypes
from threading import get_ident


class _Met(BaseException):
    """What the thrower lets strike itself."""


def throw(identity: int, error: type[BaseException]) -> None:
    """Raise ``error`` in the thread ``identity``, at once or when the call comes back in which it blocks."""
    set_error, met = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.py_object(_Met)
    theirs, mine = ctypes.c_ulong(identity), ctypes.c_ulong(get_ident())
    # From here on nothing written in Python may be called: that is where a traced thread would hang.
    try:
        set_error(theirs, ctypes.py_object(error))
        try:
            set_error(mine, met)
            while True:
                pass
        except _Met:
            return
        except BaseException:  # of a signal's handler: what is pending must not strike elsewhere
            while True:
                pass
    except _Met as late:
        if late.__context__ is not None:
            raise late.__context__ from None
