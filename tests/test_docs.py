"""Every transcript in README.md and docs/ is executed; its output has to be what stands there.

A transcript is a ``console`` block: lines that begin with ``$`` are run, the
lines below are the expected output, and a line ``...`` stands for any lines.  One that comes
after ``<!-- needs 3.13t -->`` is left out where no such interpreter that has the lab is found.
Durations, shares, numbers of rounds and the digests in witness names vary and are
not compared.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lab.interpreters import found

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^(?:<!-- needs (\S+) -->\n)?```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VARYING = (
    (re.compile(r"\b\d+(\.\d+)? (us|ms|s)\b *"), "<time> "),
    (re.compile(r"\b[\d.,]+(e-\d+)? %"), "<share> %"),
    (re.compile(r"\b\d+\.\d\d( x)? *$|\b\d+\.\d\d( x)? +", re.MULTILINE), "<times> "),
    (re.compile(r"-[0-9a-f]{8}\.json"), "-<digest>.json"),
    (re.compile(r"\bof [\d,]+ rounds"), "of <many> rounds"),
    (re.compile(r"95 % confidence|<share> % confidence"), "95 % confidence"),
)
_OF_BUILDS = (  # versions, counts, and columns that are as wide as these
    (re.compile(r"\b3\.\d+\.\d+\b"), "<version>"),
    (re.compile(r"^(    (?:rounds|rate|overlapped|failed(?:, \w+)?)  ).*", re.MULTILINE), r"\1<figures>"),
    (re.compile(r"^(      \d)(?: +[\d,]+){2}(?= )", re.MULTILINE), r"\1 <count> <count>"),
    (re.compile(r"(?<=\S)   +"), "   "),
    (re.compile(r"^ {10,}", re.MULTILINE), " " * 10),
)


def transcripts():
    for page in PAGES:
        for number, (needs, block) in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")), 1):
            yield pytest.param(needs, block, id=f"{page.relative_to(ROOT)}-{number}")


def normal(text, needs=""):
    for pattern, word in (*(_OF_BUILDS if needs else ()), *_VARYING):
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.strip().splitlines()]


def matches(expected, found):
    if not expected:
        return not found
    if expected[0] == "...":
        return any(matches(expected[1:], found[skipped:]) for skipped in range(len(found) + 1))
    return bool(found) and expected[0] == found[0] and matches(expected[1:], found[1:])


@pytest.mark.parametrize(("needs", "block"), list(transcripts()))
def test_transcript_is_what_the_command_prints(needs, block, tmp_path):
    if needs and needs not in [one.name for one in found(ROOT)]:
        pytest.skip(f"{needs} with the lab is not found beside this interpreter; tox -e {needs} --notest makes it")
    environment = dict(os.environ, COLUMNS="130", LINES="50", NO_COLOR="1", PYTHONWARNINGS="", LAB_DATA=str(tmp_path))
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    for name in ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        words = ["sh", "-c", command[2:]] if " | " in command else shlex.split(command[2:])
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        printed = normal(done.stdout + done.stderr, needs)
        assert matches(normal(expected, needs), printed), "\n".join([command, *printed])


def test_there_are_transcripts():
    assert len(list(transcripts())) >= 3
