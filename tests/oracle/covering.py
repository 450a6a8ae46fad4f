"""What covering a program round by round, and without the rounds that change nothing, has to come to alike."""

import pytest


def come_to_the_same_outcomes(covered, program, most):
    """``covered`` gives what was found of all schedules of a program, a name and a text, with loops as they are or not.

    A program with more than ``most`` classes is skipped.
    """
    known = covered(*program, waits=False, most=most)
    if not known.complete:
        pytest.skip("too many schedules")
    assert known.failure is None
    found = covered(*program, waits=True, most=10 * most)
    assert found.complete
    assert set(found.outcomes) == set(known.outcomes)
    assert found.schedules <= known.schedules
