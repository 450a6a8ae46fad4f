"""Names of objects as the code names them, and values as short text.

Nothing here runs code of the program: no ``repr``, no property, no ``__eq__``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import FrameType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from lab.alive import Alive
from lab.hooks import ABSENT
from lab.kinds import is_a
from lab.origin import LAB

_SELF = ("self", "cls", "_cls")
_LONGEST = 44
_MOST_NAMED = 400


class Names:
    """Names given in one execution, by id."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._alive = Alive(lambda identity: self._names.pop(identity, None))

    def give(self, thing: object, name: str) -> None:
        """Name ``thing`` unless it has a name or is a mere value."""
        if id(thing) not in self._names and not _is_value(thing):
            self._names[id(thing)] = name
            self._alive.meet(thing)

    def give_parts(self, root: object, name: str) -> None:
        """Name ``root`` and what can be reached from it through attributes and items."""
        pending: deque[tuple[object, str, int]] = deque([(root, name, 0)])
        while pending and len(self._names) < _MOST_NAMED:
            thing, path, depth = pending.popleft()
            if id(thing) in self._names or _is_value(thing):
                continue
            self.give(thing, path)
            if depth < 4:
                pending.extend((part, part_path, depth + 1) for part, part_path in parts(thing, path))

    def known(self, identity: int) -> str | None:
        """The name of the object with that id, if it was given one."""
        return self._names.get(identity)

    def of(self, thing: object, frame: FrameType | None = None) -> str:
        """The name of ``thing``, looked for in the variables of ``frame`` and its callers."""
        found = self._names.get(id(thing))
        if found is not None:
            return found
        if is_a(thing, ModuleType):
            return thing.__name__.rsplit(".", 1)[-1]
        if is_a(thing, type | FunctionType):
            return str(thing.__qualname__.rsplit("<locals>.", 1)[-1])
        name = _variable(thing, frame) or self._of_variables(thing)
        if name is None:
            name = type(thing).__name__
        self.give(thing, name)
        return name

    def _of_variables(self, thing: object) -> str | None:
        """The name of the dictionary behind the attributes of something that has a name."""
        if type(thing) is dict:
            for identity, name in self._names.items():
                if _variables(self._alive.get(identity)) is thing:
                    return f"{name}.__dict__"
        return None


def _variables(thing: object) -> object:
    try:
        return object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None


def _variable(thing: object, frame: FrameType | None) -> str | None:
    """What the running functions call ``thing``: a local variable, an attribute of self, or a global."""
    innermost = frame
    while frame is not None:
        if not frame.f_code.co_filename.startswith(LAB):
            variables = frame.f_locals
            for variable, value in list(variables.items()):
                if value is thing and variable not in _SELF and not variable.startswith((".", "@")):
                    return variable
            owner = variables.get("self")
            for attribute, value in _instance_variables(owner).items() if owner is not None else ():
                if value is thing:
                    return f"{type(owner).__name__}.{attribute}"
        frame = frame.f_back
    while innermost is not None:
        if not innermost.f_code.co_filename.startswith(LAB):
            for variable, value in list(innermost.f_globals.items()):
                if value is thing:
                    return variable
        innermost = innermost.f_back
    return None


def _is_value(thing: object) -> bool:
    return thing is None or is_a(thing, int | float | complex | str | bytes | bool | type | ModuleType)


def parts(thing: object, path: str) -> Iterator[tuple[object, str]]:
    """The items and attributes of ``thing``, each with its path from there."""
    kind = type(thing)
    if kind in (list, tuple, deque):
        for position, item in enumerate(list(thing)[:50]):  # type: ignore[call-overload]
            yield item, f"{path}[{position}]"
    elif is_a(thing, dict):
        for key, item in list(dict.items(thing))[:50]:
            if isinstance(key, str | int):
                yield item, f"{path}[{key!r}]"
    for name, value in _instance_variables(thing).items():
        yield value, f"{path}.{name}"


def _instance_variables(thing: object) -> dict[str, Any]:
    try:
        variables = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        variables = {}
    found = dict(variables) if isinstance(variables, dict) else {}
    for base in type(thing).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = base.__dict__.get(name)
            if is_a(member, MemberDescriptorType):
                try:
                    found[name] = member.__get__(thing)
                except AttributeError:  # a slot that is not filled
                    continue
    return found


def _has_slot(kind: type, name: str) -> bool:
    return any([type(base.__dict__.get(name)) is MemberDescriptorType for base in kind.__mro__])  # noqa: C419  # faster


def peek(owner: object, key: object) -> object:
    """The value an attribute, global or cell has now, or ABSENT where only running code could tell."""
    if type(owner).__name__ == "cell":
        try:
            return owner.cell_contents  # type: ignore[attr-defined]
        except ValueError:
            return ABSENT
    name = str(key)
    if is_a(owner, type):
        for base in owner.__mro__:
            if name in base.__dict__:
                return _plain(base.__dict__[name])
        return ABSENT
    variables: Any = None
    if is_a(owner, ModuleType):
        variables = getattr(owner, "__dict__", {})
    elif not _has_slot(type(owner), name):
        try:
            variables = object.__getattribute__(owner, "__dict__")
        except AttributeError:
            variables = None
    if type(variables) is not dict:
        variables = _instance_variables(owner)
    if name in variables:
        return variables[name]
    for base in type(owner).__mro__:
        if name in base.__dict__:
            return _plain(base.__dict__[name])
    return ABSENT


def _plain(member: object) -> object:
    return ABSENT if hasattr(type(member), "__get__") else member


def short(value: object, names: Names | None = None, frame: FrameType | None = None, depth: int = 0) -> str | None:
    """``value`` in at most 44 characters; None where it is not known."""
    if value is ABSENT:
        return None
    if value is None or type(value) in (bool, int, float, complex):
        text = repr(value)
    elif type(value) in (str, bytes):
        text = repr(value[:_LONGEST])  # type: ignore[index]
    elif type(value) in (list, tuple, set, frozenset, deque) and depth < 2:
        parts = [short(item, names, frame, depth + 1) or "?" for item in list(value)[:8]]  # type: ignore[call-overload]
        if len(value) > 8:  # type: ignore[arg-type]
            parts.append("...")
        text = _bracketed(type(value), parts)
    elif type(value) is dict and depth < 2:
        items = list(value.items())[:8]
        parts = [f"{short(key, names, frame, 2)}: {short(item, names, frame, depth + 1)}" for key, item in items]
        text = "{" + ", ".join(parts) + (", ..." if len(value) > 8 else "") + "}"
    elif is_a(value, type | FunctionType):
        text = value.__qualname__.rsplit("<locals>.", 1)[-1]
    elif is_a(value, BaseException):
        text = type(value).__name__
    else:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _bracketed(kind: type, parts: list[str]) -> str:
    inner = ", ".join(parts)
    if kind is tuple:
        return f"({inner},)" if len(parts) == 1 else f"({inner})"
    if kind is list:
        return f"[{inner}]"
    if kind is set:
        return "{" + inner + "}" if parts else "set()"
    return f"{kind.__name__}([{inner}])"


def parameter_of(body: Any) -> str:
    """What an actor calls the state."""
    function = getattr(body, "__func__", body)
    code = getattr(function, "__code__", None)
    if code is None or not code.co_argcount:
        return "state"
    position = 1 if function is not body and code.co_argcount > 1 else 0
    return str(code.co_varnames[position])
