"""Files, databases and what all of a process shares, as threads use them."""
