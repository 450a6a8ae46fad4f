"""Actors that are processes: files, locks, and what must not be left behind."""
