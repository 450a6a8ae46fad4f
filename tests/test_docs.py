"""Every transcript in README.md and docs/ is executed; its output has to be what stands there.

A transcript is a ``console`` block: lines that begin with ``$`` are run, the
lines below are the expected output, and a line ``...`` stands for any lines.
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

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VARYING = (
    (re.compile(r"\b\d+(\.\d+)? (us|ms|s)\b *"), "<time> "),
    (re.compile(r"\b[\d.,]+(e-\d+)? %"), "<share> %"),
    (re.compile(r"\b\d+\.\d\d( x)? *$|\b\d+\.\d\d( x)? +", re.MULTILINE), "<times> "),
    (re.compile(r"-[0-9a-f]{8}\.json"), "-<digest>.json"),
    (re.compile(r"\bof [\d,]+ rounds"), "of <many> rounds"),
    (re.compile(r"95 % confidence|<share> % confidence"), "95 % confidence"),
)


def transcripts():
    for page in PAGES:
        for number, block in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")), 1):
            yield pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")


def normal(text):
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.strip().splitlines()]


def matches(expected, found):
    if not expected:
        return not found
    if expected[0] == "...":
        return any(matches(expected[1:], found[skipped:]) for skipped in range(len(found) + 1))
    return bool(found) and expected[0] == found[0] and matches(expected[1:], found[1:])


@pytest.mark.parametrize("block", list(transcripts()))
def test_transcript_is_what_the_command_prints(block, tmp_path):
    environment = dict(os.environ, COLUMNS="130", LINES="50", NO_COLOR="1", PYTHONWARNINGS="", LAB_DATA=str(tmp_path))
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    for name in ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        words = ["sh", "-c", command[2:]] if " | " in command else shlex.split(command[2:])
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        found = normal(done.stdout + done.stderr)
        assert matches(normal(expected), found), "\n".join([command, *found])


def test_there_are_transcripts():
    assert len(list(transcripts())) >= 3
