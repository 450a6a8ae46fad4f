"""From verdict to something to read; no judging."""
