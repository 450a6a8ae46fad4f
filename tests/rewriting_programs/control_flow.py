"""Exceptions, ``with``, loops and recursion in each other."""

# ruff: noqa: B012, C416 -- odd code is what is tested here

import contextlib

from common import Box, Manager, failure, show


def case_try_in_every_nesting():
    log = []

    def path(kind, way):
        for turn in range(3):
            try:
                try:
                    log.append(f"body {turn}")
                    if kind == "raise":
                        raise KeyError(turn)
                    if kind == "other":
                        [][turn]
                    if kind == "return":
                        return "returned"
                    if kind == "continue":
                        continue
                    if kind == "break":
                        break
                except KeyError as error:
                    log.append(f"caught {error}")
                    if way == "again":
                        raise
                    if way == "from":
                        raise ValueError(turn) from error
                    if way == "return":
                        return "from handler"
                    if way == "break":
                        break
                else:
                    log.append("else")
                finally:
                    log.append("inner finally")
                    if way == "override":
                        return "overridden"
                    if way == "finally raises":
                        raise OSError("late")
            except (ValueError, IndexError) as error:
                log.append(f"outer {error!r} {error.__cause__!r} {error.__context__!r}")
            finally:
                log.append("outer finally")
        else:
            log.append("loop ended")
        return "end"

    kinds = ("raise", "other", "return", "continue", "break", "none")
    ways = ("again", "from", "return", "break", "override", "finally raises", "none")
    return [(kind, way, failure(path, kind, way)) for kind in kinds for way in ways], log


def case_exception_groups():
    def attempt(group):
        log = []
        try:
            try:
                raise group
            except* (ValueError, KeyError) as some:
                log.append(("first", [repr(e) for e in some.exceptions]))
                if len(some.exceptions) > 1:
                    raise LookupError("new") from some
            except* TypeError as some:
                log.append(("second", [repr(e) for e in some.exceptions]))
                [str(e) for e in some.exceptions]
            else:
                log.append("else")
            finally:
                log.append("finally")
        except BaseException as error:
            log.append(repr(error))
        return log

    errors = ValueError(1), KeyError(2), TypeError(3), OSError(4)
    return [attempt(ExceptionGroup("g", errors[:n])) for n in range(1, 5)], attempt(ValueError(0))


def case_with_in_every_nesting():
    log = []

    def path(kind, swallow=(), fail=""):
        for turn in range(2):
            with Manager(log, "a") as a, Manager(log, "b", swallow, fail) as b:
                if kind == "raise":
                    raise KeyError(a.name + b.name)
                if kind == "return":
                    return show(*[turn], k=a.name)
                if kind == "continue":
                    continue
                if kind == "break":
                    break
                with Manager(log, "c"), contextlib.suppress(ZeroDivisionError):
                    log.append(1 / turn)
            log.append("after")
        return "end"

    def in_call():
        with Manager(log, "outer", (KeyError,)):
            show(1, {}["missing"], *[2])
        with Manager(log, "other") as manager:
            return [manager.name for _ in range(2)]

    results = [failure(path, kind) for kind in ("raise", "return", "continue", "break", "none")]
    results += [
        failure(path, "raise", (KeyError,)),
        failure(path, "raise", (ValueError,)),
        failure(path, "none", (), "enter"),
    ]
    results += [failure(path, kind, (), "exit") for kind in ("raise", "return", "none")]
    results += [in_call(), failure(lambda: with_nothing())]
    return results, log


def with_nothing():
    with 5:
        pass


def case_loops():
    log = []
    for i in range(10):
        if i % 2:
            continue
        if i > 6:
            break
        for j in "ab":
            if j == "b":
                break
            log.append((i, j))
        else:
            log.append("never")
    else:
        log.append("never")
    n = 5
    while n:
        n -= 1
        if n == 2:
            continue
        try:
            if n == 1:
                break
        finally:
            log.append(n)
    else:
        log.append("no")
    while True:
        n += 1
        if n > 3:
            break
    for log[0], (a, *b) in [(1, (2, 3, 4))]:
        log.append((a, b))
    for Box.attribute in range(2):
        pass
    it = iter([1, 2, 3])
    for x in it:
        log.append((x, next(it, None)))
    for _ in reversed([*enumerate(zip("ab", [1, 2], strict=True))]):
        log.append(_)
    return log, failure(lambda: [x for x in None])


def case_recursion():
    def ackermann(m, n):
        if not m:
            return n + 1
        return ackermann(m - 1, ackermann(m, n - 1) if n else 1)

    def walk(tree):
        return [tree[0]] + [x for child in tree[1:] for x in walk(child)]

    def endless(n):
        return endless(n + 1)

    def flatten(x):
        if isinstance(x, list):
            for y in x:
                yield from flatten(y)
        else:
            yield x

    return ackermann(2, 3), walk((1, (2, (3,)), (4,))), failure(endless, 0)[0], list(flatten([1, [2, [3, []]], 4]))
