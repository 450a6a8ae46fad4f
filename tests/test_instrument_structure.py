"""Rewritten code holds the original instructions, with their places, jumps and handlers, and nothing but calls between.

About a thousand code objects of the standard library are compared, instruction by instruction.
"""

from __future__ import annotations

import bisect
import dis
import inspect
import sys
from dataclasses import dataclass, field

import pytest
from rewriting import Namespace, codes_of_module, is_injected

from lab.instrument import instrument

MODULES = [
    "argparse",
    "asyncio.streams",
    "asyncio.taskgroups",
    "configparser",
    "contextlib",
    "dataclasses",
    "difflib",
    "enum",
    "functools",
    "heapq",
    "json.decoder",
    "json.encoder",
    "queue",
    "selectors",
    "statistics",
    "string",
    "tempfile",
    "textwrap",
    "threading",
    "tokenize",
]

NULL_ABOVE = sys.version_info >= (3, 13)
JUMPS = {*dis.hasjrel, *dis.hasjabs, *getattr(dis, "hasjump", ())}
SAME_ARGUMENT = {
    *dis.hasname,
    *dis.haslocal,
    *dis.hasfree,
    *dis.hasconst,
    *JUMPS,
}  # numbered anew, so compared by value
ATTRIBUTES = "name qualname filename flags argcount posonlyargcount kwonlyargcount nlocals firstlineno".split()  # noqa: SIM905
ATTRIBUTES += ["varnames", "freevars", "cellvars"]


def instructions_of(code):
    return [each for each in dis.get_instructions(code) if each.opname not in ("CACHE", "EXTENDED_ARG")]


def handler_at(table, offset):
    """Where an exception at the offset goes: target, depth and whether the place is pushed."""
    for entry in table:
        if entry.start <= offset < entry.end:
            return entry.target, entry.depth, entry.lasti
    return None


def end_of_injection(instructions, index):
    """The index behind the call that was put in at ``index``, or None."""
    if not NULL_ABOVE and instructions[index].opname == "PUSH_NULL":
        index += 1
    elif not NULL_ABOVE:
        return None
    if instructions[index].opname != "LOAD_CONST" or not is_injected(instructions[index].argval):
        return None
    while instructions[index].opname != "CALL":
        index += 1
    index += 1
    twice = [each.opname for each in instructions[index : index + 4]] == [
        "SWAP",
        "POP_TOP",
        "POP_TOP",
        "COPY",
    ]  # 3.14: with
    if instructions[index].opname == "SWAP":  # what the hook gave goes to the place of what it was given
        index += 1
    assert instructions[index].opname == "POP_TOP"
    return index + (3 if twice else 1)


def loads_method(each):
    if each.opname == "LOAD_ATTR":
        return sys.version_info >= (3, 12) and each.arg & 1
    return each.opname == "LOAD_METHOD" or (each.opname == "LOAD_SUPER_ATTR" and each.arg & 1)


@dataclass
class Alignment:
    """Which place of the rewritten code belongs to which of the original."""

    same: dict = field(default_factory=dict)  # offset of an original instruction -> its offset now
    start: dict = field(default_factory=dict)  # ... -> the offset of the first thing put before it
    injected: list = field(default_factory=list)  # offset of an injected instruction, the original one it belongs to
    jumps: list = field(default_factory=list)


def align(code, rewritten):
    """Match the two instruction by instruction; fails where the original is not there."""
    result = Alignment()
    now = instructions_of(rewritten)
    index = 0
    before = None
    for each in instructions_of(code):
        owner, start = before if before and _is_followed(before, code) else each, index
        while (end := end_of_injection(now, index)) is not None:
            result.injected += [(injected.offset, owner.offset) for injected in now[index:end]]
            start = start if owner is each else end
            owner, index = each, end
        found = now[index]
        result.start[each.offset] = now[start].offset
        result.same[each.offset] = found.offset
        check_same(each, found)
        if each.opcode in JUMPS:
            result.jumps.append((each.argval, found.argval))
        index += 1
        if loads_method(each):
            for name in ("PUSH_NULL",) if NULL_ABOVE else ("PUSH_NULL", "SWAP"):
                assert now[index].opname == name
                assert now[index].positions == each.positions
                index += 1
        before = each
    while index < len(now):
        index = end_of_injection(now, index)
    return result


def _is_followed(each, code):
    """Whether a call is put in behind an instruction, not before the next: to that one it belongs."""
    is_generator = bool(code.co_flags & inspect.CO_GENERATOR)
    return each.opname == "MAKE_FUNCTION" or (each.opname == "RESUME" and is_generator)


def check_same(each, found):
    assert found.positions == each.positions
    assert found.opname == ("LOAD_ATTR" if each.opname == "LOAD_METHOD" else each.opname)
    if each.opcode not in SAME_ARGUMENT:
        assert found.arg == each.arg
    elif each.opcode not in JUMPS and not hasattr(each.argval, "co_code"):
        assert repr(found.argval) == repr(each.argval)


def check(code, rewritten):
    for name in ATTRIBUTES:
        assert getattr(rewritten, f"co_{name}") == getattr(code, f"co_{name}")
    assert docstring(rewritten) == docstring(code)
    aligned = align(code, rewritten)
    offsets = [each.offset for each in instructions_of(code)]
    offsets_now = [each.offset for each in instructions_of(rewritten)]

    def place(target):  # a jump may lead to the EXTENDED_ARG of an instruction
        return offsets[bisect.bisect_left(offsets, target)]

    def place_now(target):
        return offsets_now[bisect.bisect_left(offsets_now, target)]

    for target, target_now in aligned.jumps:
        assert aligned.start[place(target)] == place_now(target_now)
    table, table_now = dis._parse_exception_table(code), dis._parse_exception_table(rewritten)
    pairs = [(offset, aligned.same[offset]) for offset in offsets] + [(old, new) for new, old in aligned.injected]
    for offset, offset_now in pairs:
        handler, handler_now = handler_at(table, offset), handler_at(table_now, offset_now)
        if handler is None:
            assert handler_now is None
        else:
            assert (place_now(handler_now[0]), *handler_now[1:]) == (aligned.start[place(handler[0])], *handler[1:])
    return len(aligned.injected)


def docstring(code):
    first = code.co_consts[0] if code.co_consts else None
    return first if isinstance(first, str) else None


@pytest.mark.parametrize("name", MODULES)
def test_standard_library_code_keeps_its_instructions(name):
    injected = 0
    for code in codes_of_module(name):
        result = instrument(code, Namespace({}))
        injected += check(code, result.code)
        used = sum(site.code is code for site in result.sites)
        assert used == len(result.sites)
        assert [site.number for site in result.sites] == list(range(used))
    assert injected
