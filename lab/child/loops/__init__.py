"""Loops that merely wait for others: how they are told from those that do something."""
