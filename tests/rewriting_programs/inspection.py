"""What a program can see of its own code, frames and objects."""

import inspect
import sys

from common import show


def case_inspection():
    def subject(a, /, b: int, *c, d=1, **e) -> str:
        "Doc."
        kept = a
        return [lambda: kept]

    class Kind:
        def method(self, x=2):
            return super()

    code = subject.__code__
    frame = sys._getframe()
    return (
        str(inspect.signature(subject)),
        str(inspect.signature(Kind.method)),
        inspect.getsource(subject),
        inspect.getdoc(subject),
        code.co_varnames,
        code.co_cellvars,
        code.co_argcount,
        code.co_flags,
        subject.__qualname__,
        inspect.getclosurevars(Kind.method).nonlocals.keys() == {"__class__"},
        frame.f_code.co_name,
        frame.f_lineno,
        inspect.currentframe().f_lineno,
        [f.name for f in __import__("traceback").extract_stack()[-1:]],
    )


def case_warnings_point_at_the_caller():
    import warnings

    def old():
        warnings.warn("old", DeprecationWarning, stacklevel=2)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        old()
        old(
        )  # fmt: skip
    return [(str(w.message), w.lineno) for w in caught]


def case_destructors_run_when_they_did():
    log = []

    class Dying:
        def __init__(self, name):
            self.name = name

        def method(self, *arguments):
            log.append(f"method of {self.name}")
            return self

        def __del__(self):
            log.append(f"{self.name} dies")

    Dying("temporary").method(Dying("argument"))
    log.append("after call")
    x = Dying("x")
    x = Dying("y")
    log.append("rebound")
    del x
    log.append("deleted")
    show(*[Dying("starred")], k=Dying("keyword"))
    log.append("after show")
    for thing in [Dying("first"), Dying("second")]:
        log.append(thing.name)
    del thing
    return log
