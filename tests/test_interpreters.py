"""Which other interpreters are found, and what is said of one that cannot be used."""

import os
import platform
import sys

import pytest
from fake_interpreters import ANSWER, put

from lab import interpreters
from lab.errors import InvalidValue
from lab.interpreters import Interpreter, found, named, this

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the interpreters of these tests are shell scripts")


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with no interpreter but those that a test puts there; gives the project's folder."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}{tmp_path / 'pyenv' / 'shims'}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    real = interpreters._ask

    def ask(command):  # the scripts need a shell and its tools
        with monkeypatch.context() as patch:
            patch.setenv("PATH", os.defpath)
            return real(command)

    monkeypatch.setattr(interpreters, "_ask", ask)
    return tmp_path / "project"


def test_this_one():
    one = this()
    assert (one.path, one.version) == (sys.executable, platform.python_version())
    assert one.name.removesuffix("t") == f"{sys.version_info[0]}.{sys.version_info[1]}"
    answers = interpreters._answers([sys.executable])
    assert answers == [one]


def test_others_are_found_where_they_are_one_of_each_build(machine, tmp_path):
    tox = put(machine / ".tox" / "3.99t" / "bin" / "python")
    put(tmp_path / "path" / "python3.99t")  # the same build once more
    venv = put(machine / ".venv-new" / "bin" / "python", version="3.98.0", number=[3, 98], free_threaded=False)
    path = put(tmp_path / "path" / "python3", version="3.97.2", number=[3, 97])
    put(tmp_path / "path" / "python3-config", version="3.96.0", number=[3, 96])
    pyenv = put(tmp_path / "pyenv" / "versions" / "3.99.1" / "bin" / "python", free_threaded=False)
    assert found(machine) == [
        Interpreter(str(path), "3.97.2", True, "0.1.0"),
        Interpreter(str(venv), "3.98.0", False, "0.1.0"),
        Interpreter(str(pyenv), "3.99.1", False, "0.1.0"),
        Interpreter(str(tox), "3.99.1", True, "0.1.0"),
    ]
    assert [one.name for one in found(machine)] == ["3.97t", "3.98", "3.99", "3.99t"]


def test_the_build_that_runs_and_those_without_the_lab_are_left_out(machine):
    own = this()
    put(machine / ".tox" / "own" / "bin" / "python", version=own.version, free_threaded=own.free_threaded)
    put(machine / ".tox" / "bare" / "bin" / "python", lab="", why="ModuleNotFoundError: No module named 'lab'")
    put(machine / ".tox" / "old" / "bin" / "python", version="3.10.1", number=[3, 10], lab="")
    put(machine / ".tox" / "broken" / "bin" / "python", asked="exit 1")
    assert found(machine) == []


def test_what_is_known_to_be_of_no_use_is_not_even_started(machine, tmp_path):
    for path in ("path/python3.10", "path/python2", "pyenv/versions/3.8.18/bin/python", "pyenv/shims/python3.99"):
        put(tmp_path / path, asked=f"touch {tmp_path}/started")
    put(tmp_path / "path" / "python3", asked=f"touch {tmp_path}/asked")
    assert [one.path for one in found(machine)] == [str(tmp_path / "path" / "python3")]
    assert (tmp_path / "asked").exists()
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("text", ["3.99t", "3.99.1t"])
def test_one_is_named_by_its_version(machine, text):
    path = put(machine / ".tox" / "3.99t" / "bin" / "python")
    put(machine / ".tox" / "3.99" / "bin" / "python", free_threaded=False)
    assert named(text, machine).path == str(path)


def test_one_is_named_by_a_command_or_a_path(machine, tmp_path, monkeypatch):
    path = put(tmp_path / "path" / "python-of-mine")
    assert named("python-of-mine", machine).path == str(path)
    monkeypatch.chdir(tmp_path)
    assert named("path/python-of-mine", machine).path == str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("snake", "no such command; give one on PATH, a path, or a version such as 3.13t"),
        ("./snake", "no such file; give the path of an interpreter"),
        ("./env", "is a folder; give the interpreter in it, such as env/bin/python"),
        ("./plain", "cannot be run (Permission denied); give the path of a Python interpreter"),
        ("./true", "does not answer as Python does; give the path of a Python interpreter"),
        ("./list", "does not answer as Python does; give the path of a Python interpreter"),
        ("./slow", "has not told its version in 0.3 s; give the path of a Python interpreter"),
        ("./old", "is Python 3.10.1; the lab needs 3.11 or later"),
        ("./bare", "the lab cannot be imported there (ImportError: no lab); install it with {folder}/bare -m pip "
         "install race-lab"),
        ("3.12t", "none is found that has the lab beside the interpreter that runs; none other is found at all; give "
         "its path"),
    ],
)  # fmt: skip
def test_one_that_cannot_be_used_is_told_in_one_line(machine, tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(interpreters, "_SECONDS", 0.3 if text == "./slow" else 30.0)
    (tmp_path / "env").mkdir()
    (tmp_path / "plain").write_text("")
    put(tmp_path / "true", asked="exit 0")
    put(tmp_path / "list", asked="echo []; exit")
    put(tmp_path / "slow", asked="exec sleep 60")
    put(tmp_path / "old", version="3.10.1", number=[3, 10], lab="")
    put(tmp_path / "bare", lab="", why="ImportError:\n no lab")
    with pytest.raises(InvalidValue) as caught:
        named(text, machine)
    assert str(caught.value) == f"--python {text}: {message.format(folder=tmp_path)}"


def test_a_version_that_is_not_there_tells_those_that_are(machine):
    put(machine / ".tox" / "one" / "bin" / "python")
    with pytest.raises(InvalidValue) as caught:
        named("3.99", machine)
    assert str(caught.value) == (
        "--python 3.99: none is found that has the lab beside the interpreter that runs; found is 3.99t; give its path"
    )


def test_another_lab_in_the_current_folder_is_not_taken_for_this_one(machine, tmp_path, monkeypatch):
    """Else an interpreter without the lab would seem to have it wherever somebody has a package called lab."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    assert interpreters._answers([sys.executable]) == [this()]


def test_what_is_asked_for_is_what_scripts_answer():
    """The keys of the scripts are those that a real interpreter gives."""
    assert all(f'"{name}"' in interpreters._ASK for name in ANSWER)
