"""An ordinary test, for `pytest --lab-interleave 2`: run once it passes, run twice at once it does not."""

import pytest


class Desk:
    def __init__(self):
        self.last = 0
        self.given = []

    def take(self):
        number = self.last + 1
        self.last = number
        return number


@pytest.fixture
def desk():
    return Desk()


def test_every_ticket_is_new(desk):
    ticket = desk.take()
    assert ticket not in desk.given, "given before"
    desk.given.append(ticket)
