"""`lab review --web`: the same exercises in a browser on this machine, and on this machine alone."""
