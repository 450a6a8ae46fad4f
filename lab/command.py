"""What the command line and the pytest options have in common: checking what was asked for."""

from __future__ import annotations

from lab.errors import InvalidType, InvalidValue
from lab.keeping import Session
from lab.program import positive
from lab.strategies import STRATEGIES
from lab.witness import Witness


def check_session(session: Session, replay: str | None) -> Witness | None:
    """Raise InvalidValue in one line for an option that cannot work; load the witness to replay."""
    if session.strategy is not None and session.strategy not in STRATEGIES:
        raise InvalidValue(f"--lab-strategy {session.strategy}: unknown; choose one of {', '.join(STRATEGIES)}")
    for name, value, whole in (("schedules", session.schedules, True), ("seconds", session.seconds, False)):
        try:
            positive(value, name, whole)
        except (InvalidType, InvalidValue) as error:
            raise InvalidValue(f"--lab-{error}") from None
    return Witness.load(replay) if replay is not None else None
