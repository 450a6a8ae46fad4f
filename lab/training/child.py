"""The process in which code under training runs: reads one question, answers in lines of JSON, and ends.

``python -m lab.training.child FD PARENT`` reads the question from its standard input and writes to the file descriptor;
what the code prints goes to the standard output, which is not read as an answer.  It ends with the process PARENT.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from lab.errors import LabError
from lab.orphans import end_with
from lab.program import describe, told
from lab.scenario import Scenario, story
from lab.training.subject import Subject

REFUSED = 71
"""Exit code of a process that was ended as it was about to do what it may not."""
_FILES = 256  # open at once
_LARGEST_FILE = 64 << 20  # bytes


def main() -> None:
    """Answer the question."""
    fd = int(sys.argv[1])
    end_with(int(sys.argv[2]))

    def say(word: str, value: Any) -> None:
        os.write(fd, json.dumps({word: value}, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")

    question = json.load(sys.stdin)
    for folder in reversed(question["paths"]):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    importlib.import_module("lab.training.fixing")  # the engine: what it takes to load it is not the code's
    _limit(question["seconds"], question["memory"])
    say("ready", True)
    try:
        say("answer", _ANSWERS[question["ask"]](question, say))
    except LabError as error:
        say("error", str(error))
    except MemoryError:
        say("error", f"it ran out of memory, of which it may have {question['memory'] >> 20:,} MiB")
    except (Exception, SystemExit) as error:  # of the code under training, where nothing catches it
        say("error", describe(error))
    sys.stdout.flush()
    os._exit(0)  # threads that the code has left do not matter


def _limit(seconds: float, memory: int) -> None:
    """Bound what this process and those that it starts may use; not what they may do."""
    for what, most in (
        (resource.RLIMIT_CPU, int(time.process_time() + seconds) + 1),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _describe(question: dict[str, Any], _: Callable[[str, Any], None]) -> dict[str, Any]:
    """What there is to train on, and the code of each variant; nothing of it is run."""
    from lab.training.cases import subjected
    from lab.training.hiding import needed, spaced

    subject = Subject.from_json(question["subject"])
    found = subjected(subject)
    source = subject.source()
    scenario = found.scenario
    code, editable = {}, {}
    for variant, roots in found.roots.items():
        code[variant] = needed(source, roots, own=found.makers[variant])
        if scenario is None:
            editable[variant] = source
        elif found.makers[variant]:
            editable[variant] = "\n".join([*spaced(needed(source, [found.makers[variant]], hide=False)), ""])
    return {
        "title": found.title,
        "story": story(found.module)[1] if scenario is not None else "",
        "bug_class": scenario.bug_class if scenario is not None else "",
        "hint": scenario.hint if scenario is not None else "",
        "review": list(scenario.review) if scenario is not None else [],
        "wanted": _wanted(scenario),
        "variants": {name: case.must_fail for name, case in found.cases.items()},
        "code": code,
        "editable": editable,
    }


def _wanted(scenario: Scenario | None) -> str:
    """What a run is right by, in one line."""
    if scenario is None or not scenario.allowed:
        return ""
    return ", or ".join(f"{told(outcome)} ({text})" for outcome, text in scenario.allowed.items())


def _measure(question: dict[str, Any], _: Callable[[str, Any], None]) -> dict[str, Any]:
    from lab.training.cases import subjected
    from lab.training.measuring import measure

    subject = Subject.from_json(question["subject"])
    found = subjected(subject)
    if missing := found.scenario.missing() if found.scenario is not None else "":
        raise LabError(missing)
    case = found.cases[question["variant"]]
    return measure(case, subject.path, Path(question["witness"]))


def _play(question: dict[str, Any], _: Callable[[str, Any], None]) -> dict[str, Any]:
    from lab.training.breaking import play
    from lab.training.cases import subjected
    from lab.witness import Witness

    case = subjected(Subject.from_json(question["subject"])).cases[question["variant"]]
    return play(case, Witness.load(question["witness"]), question["order"], question["width"])


def _grade(question: dict[str, Any], say: Callable[[str, Any], None]) -> dict[str, Any]:
    from lab.training.fixing import grade
    from lab.training.net import audit

    def refuse(what: str) -> NoReturn:
        say("refused", what)
        os._exit(REFUSED)

    patch = Path("patch.py").resolve()
    patch.write_text(question["patch"], encoding="utf-8")
    audit(os.getcwd(), question["model"] == "processes", refuse)
    return grade(
        Subject.from_json(question["subject"]),
        question["variant"],
        patch,
        question["budget"],
        question["width"],
        lambda told: say("progress", told),
    )


_ANSWERS: dict[str, Callable[[dict[str, Any], Callable[[str, Any], None]], dict[str, Any]]] = {
    "describe": _describe,
    "measure": _measure,
    "play": _play,
    "grade": _grade,
}

if __name__ == "__main__":
    main()
