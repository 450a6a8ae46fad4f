"""Processes that actors start: how they come to be under control, and what the library does with them."""
