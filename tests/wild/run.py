"""Run the lab on published packages: the broken version must fail, the repaired one must not.

    python tests/wild/run.py            all packages, each version in an environment of its own
    python tests/wild/run.py loguru     only one of them

Environments are made below .tox/wild and kept for the next time.  The exit code
is 0 when every version did what is expected of it.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCHEDULES = 3_000
SECONDS = 5.0  # of hammering


@dataclass(frozen=True)
class Case:
    """One package at one version."""

    program: str
    requirements: tuple[str, ...]
    fails: bool
    instead: tuple[str, ...] = ()  # what takes the place of a version that the lab itself asks for

    @property
    def name(self) -> str:
        named = (*self.instead, *self.requirements)
        return named[0].replace("==", "-") if named else f"{self.program}-of-python"


REQUESTS = ("requests==2.34.2", "urllib3==2.8.0", "six==1.17.0")
CASES = (
    Case("loguru_remove", ("loguru==0.7.2",), fails=True),
    Case("loguru_remove", ("loguru==0.7.3",), fails=False),
    Case("requests_mock_session", ("requests-mock==1.9.3", *REQUESTS), fails=True),
    Case("requests_mock_session", ("requests-mock==1.10.0", *REQUESTS), fails=False),
    Case("pykka_future", ("pykka==4.2.0",), fails=True),
    Case("pykka_future", ("pykka==4.3.0",), fails=False),
    Case("mock_child", ("mock==4.0.3",), fails=True),
    Case("mock_child", ("mock==5.0.0",), fails=False),
    Case("mock_child", (), fails=False),  # the copy in this Python
    Case("redis_replies", ("redis==4.5.1",), fails=True),
    Case("redis_replies", ("redis==4.5.5",), fails=False),
    Case("pytest_cache", (), fails=True, instead=("pytest==8.2.1",)),
    Case("pytest_cache", (), fails=False, instead=("pytest==8.2.2",)),
    Case("filelock_link", ("filelock==3.20.0",), fails=True),
    Case("filelock_link", ("filelock==3.20.1",), fails=False),
    Case("wait_for_cancel", (), fails=sys.version_info < (3, 12)),
)


def explore_here(program: str) -> int:
    """Explore one program in this environment: 1 if it fails and its replay agrees, 0 if it does not fail.

    What has a ``real`` setup is hammered there, too, and has to come to the same.
    """
    import lab

    sys.path.insert(0, str(HERE))
    module = importlib.import_module(program)
    options = {
        "check": module.check,
        "outcome": module.outcome,
        "allowed": module.ALLOWED,
        "teardown": module.teardown,
        "trace": module.TRACE,
    }
    cancel = getattr(module, "CANCEL", False)
    given = {"on": getattr(module, "ON", "auto"), "schedules": getattr(module, "SCHEDULES", SCHEDULES)}
    verdict = lab.explore(module.setup, module.ACTORS, cancel=cancel, title=program, **given, **options)
    print(verdict)
    if hasattr(module, "real"):
        with module.real() as real:
            judged = {name: value for name, value in options.items() if name != "trace"}
            done = lab.hammer(real, module.ACTORS, seconds=SECONDS, cancel=cancel, **judged) if real else None
        print(done or "    hammer     not: what it needs is not installed")
        if done is not None and (done.status == "fails") != (verdict.status == "fails"):
            return 4
    if verdict.status != "fails":
        return 0
    again = lab.replay(verdict.witness, module.setup, module.ACTORS, **options)
    print(f"    again      {again.reason}\n")
    return 1 if again.status == "fails" else 3


def environment(case: Case) -> Path:
    """The interpreter of an environment that holds the lab and the package."""
    folder = ROOT / ".tox" / "wild" / f"{case.name}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "-e", str(ROOT), *case.requirements], check=True)
    if case.instead:
        subprocess.run([*command, "--no-deps", *case.instead], check=True)
    return python


def main(words: list[str]) -> int:
    """Run the cases that a word names, or all of them."""
    wrong = 0
    for case in CASES:
        if words and not any(case.name.startswith(word) for word in words):
            continue
        print(f"== {case.name}: {'must fail' if case.fails else 'must not fail'}", flush=True)
        done = subprocess.run([environment(case), __file__, "--explore", case.program], check=False)
        kept = done.returncode == (1 if case.fails else 0)
        wrong += not kept
        print(f"== {case.name}: {'as expected' if kept else 'NOT as expected'}\n", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--explore"]:
        sys.exit(explore_here(sys.argv[2]))
    sys.exit(main(sys.argv[1:]))
