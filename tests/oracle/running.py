"""Hands a program to the lab, and, for the model's sake, to nobody but CPython."""

from __future__ import annotations

import hashlib
import linecache
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .language import Program
from .source import text_of


@contextmanager
def module_of(program: Program) -> Iterator[dict[str, Any]]:
    """The program's names; reports find its text while this is open."""
    text = text_of(program)
    name = f"<program {hashlib.sha256(text.encode()).hexdigest()[:8]}>"
    variables: dict[str, Any] = {"__name__": "program"}
    exec(compile(text, name, "exec", dont_inherit=True), variables)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        yield variables
    finally:
        linecache.cache.pop(name, None)


def explore(program: Program, **options: Any) -> Any:
    """What `lab.explore` says of the program."""
    import lab

    with module_of(program) as module:
        return lab.explore(module["setup"], module["ACTORS"], outcome=module["outcome"], **options)


def really(program: Program) -> object:
    """The outcome when the actors run one after the other as real threads, or "exception"; they must not wait."""
    failed = []

    def run(actor: Any, state: Any) -> None:
        try:
            actor(state)
        except Exception:
            failed.append(actor)

    with module_of(program) as module:
        state = module["setup"]()
        for actor in module["ACTORS"].values():
            thread = threading.Thread(target=run, args=(actor, state), daemon=True)
            thread.start()
            thread.join(10)
            if failed:
                return "exception"
        return module["outcome"](state)
