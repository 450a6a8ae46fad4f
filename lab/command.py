"""What the command line and the pytest options have in common: checking what was asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.errors import InvalidValue
from lab.keeping import Session, replay_command
from lab.program import CARRIERS, positive
from lab.strategies import names
from lab.witness import Witness


def decide(session: Session, given: Mapping[str, str | None], where: Callable[[str], str]) -> None:
    """Put what was given as text into ``session``; ``where`` tells how the person spells an option.

    Raises InvalidValue in one line for a value that cannot work.
    """
    for name in ("schedules", "seconds"):
        text = given.get(name)
        if text is not None:
            value = number(text, where(name), whole=name == "schedules")
            positive(value, where(name), whole=name == "schedules", typed=text)
            setattr(session, name, value)
    seed = given.get("seed")
    if seed is not None:
        session.seed = int(number(seed, where("seed"), whole=True, kind="a whole number"))
    strategy = given.get("strategy")
    if strategy is not None and strategy not in names():
        raise InvalidValue(f"{where('strategy')}={strategy}: unknown; choose one of {', '.join(names())}")
    session.strategy = strategy
    carrier = given.get("carrier")
    if carrier is not None and carrier not in CARRIERS:
        raise InvalidValue(f"{where('carrier')}={carrier}: unknown; choose one of {', '.join(CARRIERS)}")
    session.carrier = carrier
    file = given.get("replay")
    copies = given.get("interleave")
    if copies is not None:
        kind = "a whole number of at least 2"
        session.interleave = int(number(copies, where("interleave"), whole=True, kind=kind))
        if session.interleave < 2:
            raise InvalidValue(f"{where('interleave')}={copies}: nothing would run at once; give {kind}")
    session.replay = Witness.load(file) if file is not None else None
    if session.replay is not None:  # a test is run as it was when it failed
        session.interleave = session.replay.copies if session.replay.copies > 1 else None


def report_folder(text: str, base: Path, where: str) -> Path:
    """The folder for reports, made if need be; raises InvalidValue if that cannot be, or nothing can be written."""
    folder = base / text
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValue(f"{where}={text}: cannot be made ({error.strerror}); give a folder to write to") from None
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror
        raise InvalidValue(f"{where}={text}: cannot be written to ({why}); give a folder to write to") from None
    return folder


def page_file(html: bool, output: str | None, witness: str) -> Path | None:
    """Where `lab replay` writes its page, if it is to; raises InvalidValue where that cannot be."""
    if not html:
        if output is not None:
            raise InvalidValue(f"--output {output}: says where --html writes its page; give --html as well")
        return None
    page = Path(output) if output is not None else Path(witness).with_suffix(".html")
    if page.is_dir():
        raise InvalidValue(f"--output {output}: is a folder; give a file such as {page / 'witness.html'}")
    if not page.parent.is_dir():
        raise InvalidValue(f"--output {output}: there is no folder {page.parent}; make it first")
    return page


def file_to_write(file: str, where: str) -> Path:
    """Where something is to be written at the end of what takes long; raises InvalidValue if that cannot be."""
    path = Path(file)
    if path.is_dir():
        raise InvalidValue(f"{where} {file}: is a folder; give a file in it")
    if not path.parent.is_dir():
        raise InvalidValue(f"{where} {file}: there is no folder {path.parent}; make it first")
    return path


def belonging(targets: list[str], session: Session) -> list[bool]:
    """Which of the collected targets the session's witness is to be replayed on.

    That is the one it was recorded for; where that one is not among them, those of the same file.
    """
    witness = session.replay
    if witness is None or not witness.target:
        return [True] * len(targets)
    same = [target == witness.target for target in targets]
    if not any(same):
        file = witness.target.partition("::")[0]
        same = [target.partition("::")[0] == file for target in targets]
    return same


def misses(session: Session, file: str) -> str:
    """What to tell when no collected target belongs to the witness in ``file``."""
    assert session.replay is not None
    typed = session.typed(session.replay.target)
    return f"witness {file}: was recorded for {typed}, which is not among these tests; " + (
        f"run {replay_command(typed, file)}"
    )


def number(text: str, where: str, whole: bool, kind: str = "") -> float:
    """The number that a person typed; raises InvalidValue in one line that tells the kind that is wanted."""
    kind = kind or ("a whole number of at least 1" if whole else "a number of seconds above 0")
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise InvalidValue(f"{where}={text}: give {kind}") from None
