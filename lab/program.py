"""The program under test: what a person handed to `explore`, `hammer` or `replay`, checked."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from lab.errors import InvalidType, InvalidValue, LabError
from lab.kinds import not_begun

STEPS = 20_000
"""Most steps of one execution, unless a person says otherwise."""
CARRIERS = ("auto", "greenlet", "thread")
"""What the actors can be asked to run on."""
MODELS = ("auto", "threads", "processes")
"""What the actors can be: ``auto`` makes threads of functions, and tasks of those that are ``async def``."""
ORDERS = ("fifo", "any")
"""In which callbacks of an event loop that are ready may run."""


class _Nothing:
    """Equal to no outcome that a person can return."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING = _Nothing()
"""The outcome of an execution that has none: it did not end, or the program has no ``outcome``."""

Actors = Mapping[str, Callable[[Any], object]] | Sequence[Callable[[Any], object]]


@dataclass(frozen=True)
class Failure:
    """Why an execution is not right."""

    kind: str  # check, outcome, exception, deadlock, lost wakeup, livelock, leak, nondeterminism
    message: str  # one line
    detail: tuple[str, ...] = ()  # who waits for whom, or the traceback's lines in the program

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


@dataclass(frozen=True)
class Program:
    """Setup, actors and judgement of one state; all callables already checked."""

    setup: Callable[[], Any]
    actors: tuple[tuple[str, Callable[[Any], object]], ...]
    check: Callable[[Any], object] | None = None
    outcome: Callable[[Any], object] | None = None
    allowed: Collection[Any] | None = None
    forbidden: Collection[Any] = ()
    teardown: Callable[[Any], object] | None = None
    descriptions: Mapping[Any, str] = field(default_factory=dict)
    order: str = "fifo"  # of the callbacks that are ready, where tasks are among the actors
    cancels: frozenset[str] = frozenset()  # actors whose task the strategy may cancel
    processes: bool = False  # each actor is a process of its own
    crashes: frozenset[str] = frozenset()  # actors that the strategy may kill

    @property
    def tasks(self) -> tuple[str, ...]:
        """The actors that are tasks of an event loop."""
        return tuple(name for name, function in self.actors if is_async(function))

    @property
    def functions(self) -> tuple[Callable[..., object], ...]:
        """All that was handed over."""
        around = (self.setup, self.check, self.outcome, self.teardown)
        return *(one for one in around if one is not None), *(body for _, body in self.actors)

    @property
    def is_async(self) -> bool:
        """Whether it runs inside an event loop."""
        return any(map(is_async, self.functions))

    @classmethod
    def of(
        cls,
        setup: Any,
        actors: Any,
        check: Any = None,
        outcome: Any = None,
        allowed: Any = None,
        forbidden: Any = None,
        teardown: Any = None,
    ) -> Program:
        """Check what was handed over; raises InvalidType or InvalidValue with the remedy."""
        _callable(setup, "setup", 0)
        named = _named_actors(actors)
        for what, function in (("check", check), ("outcome", outcome), ("teardown", teardown)):
            if function is not None:
                _callable(function, what, 1)
        for what, outcomes in (("allowed", allowed), ("forbidden", forbidden)):
            if outcomes is not None and (isinstance(outcomes, str) or not isinstance(outcomes, Collection)):
                raise InvalidType(
                    f"{what}={told(outcomes)}: give a set of outcomes, or a dict of outcome -> description"
                )
            if outcomes is not None and outcome is None:
                raise InvalidValue(f"{what}= is given without outcome=; add outcome=, a function of the state")
            if outcomes is not None:
                _hashable(outcomes, what)
        both = [one for one in forbidden or () if allowed is not None and one in allowed]
        if both:
            raise InvalidValue(f"forbidden: outcome {told(both[0])} is also in allowed; keep one")
        descriptions: dict[Any, str] = {}
        for outcomes in (allowed, forbidden):
            if isinstance(outcomes, Mapping):
                descriptions.update(outcomes)
        return cls(setup, named, check, outcome, allowed, forbidden or (), teardown, descriptions)

    def with_tasks(self, order: Any, cancel: Any) -> Program:
        """The same with what concerns tasks; raises InvalidType or InvalidValue where it cannot work."""
        if order not in ORDERS:
            raise InvalidValue(f"order={order!r}: unknown; choose one of {', '.join(ORDERS)}")
        if order != "fifo" and not self.is_async:
            raise InvalidValue(f"order={order!r}: concerns tasks, and no actor is an async function; leave it out")
        if cancel is False:
            return replace(self, order=order)
        tasks = self.tasks
        if isinstance(cancel, str) or (cancel is not True and not isinstance(cancel, Sequence | Set)):
            raise InvalidType(f"cancel={told(cancel)}: give True, or a tuple of actors' names, such as ('worker',)")
        if not tasks:
            raise InvalidValue(
                f"cancel={told(cancel)}: only tasks can be cancelled, and no actor is an async function; leave it out"
            )
        for name in () if cancel is True else cancel:
            if name not in tasks:
                raise InvalidValue(f"cancel: {told(name)} is no task; choose from {', '.join(tasks)}")
        return replace(self, order=order, cancels=frozenset(tasks if cancel is True else cancel))

    def on(self, model: Any) -> Program:
        """The same with actors of that kind; raises InvalidType or InvalidValue where it cannot work."""
        if model not in MODELS:
            raise InvalidValue(f"on={told(model)}: unknown; choose one of {', '.join(MODELS)}")
        if model == "threads":
            for name, function in self.actors:
                if is_async(function):
                    raise InvalidType(
                        f"on='threads': actor {name!r} is an async function, which runs as a task; "
                        "leave on= out, or give a plain one"
                    )
        if model != "processes":
            return self
        for name, function in self.actors:
            if is_async(function):
                raise InvalidType(
                    f"on='processes': actor {name!r} is an async function; "
                    "give a plain one, which may call asyncio.run()"
                )
        for what in ("setup", "check", "outcome", "teardown"):
            function = getattr(self, what)
            if function is not None and is_async(function):
                raise InvalidType(f"on='processes': {what} is an async function; give a plain one")
        return replace(self, processes=True)

    def with_crashes(self, crash: Any) -> Program:
        """The same with actors that may be killed; raises InvalidType or InvalidValue where it cannot work."""
        if crash is False:
            return self
        if isinstance(crash, str) or (crash is not True and not isinstance(crash, Sequence | Set)):
            raise InvalidType(f"crash={told(crash)}: give True, or a tuple of actors' names, such as ('worker',)")
        if not self.processes:
            raise InvalidValue(f"crash={told(crash)}: only processes can be killed; add on='processes' or leave it out")
        names = [name for name, _ in self.actors]
        for name in () if crash is True else crash:
            if name not in names:
                raise InvalidValue(f"crash: {told(name)} is no actor; choose from {', '.join(names)}")
        return replace(self, crashes=frozenset(names if crash is True else crash))

    def called_by(self, caller: Callable[[Any], Any]) -> Program:
        """The same, its setup, check, outcome and teardown each called by what ``caller`` makes of it."""
        functions = {name: getattr(self, name) for name in ("setup", "check", "outcome", "teardown")}
        return replace(self, **{name: caller(function) for name, function in functions.items() if function is not None})

    def judge(self, state: Any) -> tuple[Any, Failure | None]:
        """The outcome of an execution that ended, and what is wrong with it."""
        failure = None
        if self.check is not None:
            try:
                passed = self.check(state)
                if passed is False:
                    failure = Failure("check", f"{_name(self.check)} returned False")
                elif passed is not None:
                    has_run("check", self.check, passed)
            except LabError:  # a misuse of the lab is no finding
                raise
            except AssertionError as error:
                failure = Failure("check", _one_line(error) or f"{_name(self.check)} failed an assertion")
            except (Exception, SystemExit, GeneratorExit) as error:
                failure = Failure("exception", f"{_name(self.check)} raised {describe(error)}")
        if self.outcome is None:
            return NOTHING, failure
        try:
            outcome = self.outcome(state)
        except LabError:
            raise
        except (Exception, SystemExit, GeneratorExit) as error:
            return NOTHING, failure or Failure("exception", f"{_name(self.outcome)} raised {describe(error)}")
        has_run("outcome", self.outcome, outcome)
        try:
            hash(outcome)
            if failure is None and (self.allowed is not None or self.forbidden):
                failure = self._judge_outcome(outcome)
        except Exception as error:
            raise self.untallied(outcome, error) from None
        return outcome, failure

    def untallied(self, outcome: Any, error: Exception) -> InvalidType:
        """What to raise where an outcome cannot be hashed or compared, because of ``error``."""
        kind = type(outcome).__name__
        if isinstance(error, TypeError) and "unhashable" in str(error):
            return InvalidType(
                f"outcome: {_name(self.outcome)} returned {told(outcome)}, a {kind}, "
                "which cannot be tallied; return a hashable value, such as a tuple"
            )
        return InvalidType(
            f"outcome: {_name(self.outcome)} returned a {kind}, which cannot be compared with other outcomes "
            f"({describe(error)}); return a plain value, such as a tuple"
        )

    def _judge_outcome(self, outcome: Any) -> Failure | None:
        if outcome not in self.forbidden and (self.allowed is None or outcome in self.allowed):
            return None
        description = self.descriptions.get(outcome)
        message = f"outcome {told(outcome)}" + (f": {description}" if description else "")
        if self.allowed is not None:
            message += f" (allowed: {', '.join(sorted(map(told, self.allowed))) or 'none'})"
        return Failure("outcome", message)


def has_run(what: str, function: Any, result: object) -> None:
    """Raise InvalidType if a call of ``function`` gave back a coroutine or a generator, of which nothing has run."""
    made = not_begun(result)
    if made:
        raise InvalidType(
            f"{what}: {_name(function)} returned {made} that nobody runs, so nothing of it was done; "
            "give a plain function"
        )


def told(value: object) -> str:
    """The value's repr in one line, or its type where it has none."""
    try:
        return _clip(" ".join(repr(value).splitlines()))
    except BaseException:  # whatever the program raises there
        return f"<{type(value).__qualname__}>"


def describe(error: BaseException) -> str:
    """An exception in one line, as a traceback ends."""
    text = _one_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def positive(value: Any, what: str, whole: bool, typed: str = "") -> None:
    """Raise unless ``value`` is None or a positive number; ``typed`` is how a person wrote it."""
    if value is None:
        return
    kinds = (int,) if whole else (int, float)
    kind = "a whole number of at least 1" if whole else "a number of seconds above 0"
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise InvalidType(f"{what}={value!r}: give {kind}")
    if not value > 0:
        raise InvalidValue(f"{what}={typed or repr(value)}: nothing would be run; give {kind}")


def modules(trace: Any) -> tuple[str, ...]:
    """The names of library modules to step inside; raises InvalidType or InvalidValue in one line for any others."""
    if isinstance(trace, str) or not isinstance(trace, Iterable):
        raise InvalidType(f"trace={told(trace)}: give a tuple of module names, such as ('collections',)")
    names = tuple(trace)
    for name in names:
        if not isinstance(name, str):
            raise InvalidType(f"trace={told(trace)}: give a tuple of module names, such as ('collections',)")
        top = name.partition(".")[0]
        try:
            known = name in sys.modules or top in sys.modules or importlib.util.find_spec(top) is not None
        except ValueError:  # an empty name
            known = False
        if not known:
            raise InvalidValue(f"trace: there is no module {name!r}; give the names by which modules are imported")
    return names


def _named_actors(actors: Any) -> tuple[tuple[str, Callable[[Any], object]], ...]:
    if isinstance(actors, Mapping):
        named = [(name, function, f"actors[{name!r}]") for name, function in actors.items()]
    elif isinstance(actors, Sequence) and not isinstance(actors, str):
        named = [(_default_name(position), function, f"actors[{position}]") for position, function in enumerate(actors)]
    else:
        raise InvalidType(f"actors={told(actors)}: give a dict of name -> function, or a list of functions")
    if not named:
        raise InvalidValue("actors is empty: give at least one function of the state")
    for name, function, where in named:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise InvalidValue(f"actors: the name {name!r} cannot be shown; use a short word")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidType(
                f"{where}: {_name(function)} is a generator function: to call it runs nothing of it; "
                "give a plain function"
            )
        _callable(function, where, 1)
    return tuple((name, function) for name, function, _ in named)


def is_async(function: Any) -> bool:
    """Whether a call of ``function`` gives a coroutine."""
    called = inspect.getattr_static(type(function), "__call__", None)  # of an object that is no function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def _hashable(outcomes: Collection[Any], what: str) -> None:
    for outcome in outcomes:
        try:
            hash(outcome)
        except Exception as error:
            raise InvalidType(
                f"{what}: {told(outcome)}, a {type(outcome).__name__}, cannot be an outcome ({describe(error)}); "
                "give hashable values, such as tuples"
            ) from None


def _default_name(position: int) -> str:
    names = ("alice", "bob", "carol", "dave", "erin", "frank")
    return names[position] if position < len(names) else f"actor{position + 1}"


def _callable(function: Any, what: str, arguments: int) -> None:
    needed = "the state" if arguments else "no arguments"
    remedy = (
        "give a function of the state alone, such as a lambda that fills in the rest"
        if arguments
        else "give a function that needs none, such as a lambda that fills them in"
    )
    if not callable(function):
        raise InvalidType(f"{what}={told(function)} cannot be called; give a function that takes {needed}")
    try:
        inspect.signature(function).bind(*[None] * arguments)
    except ValueError:
        return  # a C callable that does not tell its signature
    except TypeError as error:
        raise InvalidType(f"{what}: {_name(function)} is called with {needed}, but: {error}; {remedy}") from None


def _name(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{name.rsplit('<locals>.', 1)[-1]}()"


def _one_line(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except BaseException:  # whatever the program raises there
        return "(its message cannot be shown)"
    return _clip(lines[0]) if lines else ""


def _clip(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."
