"""What a person did wrong, in one line: the value, where it came from and the remedy."""

from __future__ import annotations


class LabError(Exception):
    """Base of every error that is the caller's to mend; its text is one line."""


class InvalidValue(LabError, ValueError):
    """A value of the right type that cannot be used."""


class InvalidType(LabError, TypeError):
    """A value of the wrong type."""


class WitnessError(InvalidValue):
    """A witness file that cannot be read or does not belong here."""


class NotDeterministic(LabError):
    """The same schedule gave two different executions."""
