"""Verdicts as web pages: each is one file that needs no network, no server and no build step.

`pages` puts a page together, `player` is the witness player that other pages embed, `code` shows source.
"""
