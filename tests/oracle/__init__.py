"""An oracle for exploration: small programs, and every raw interleaving of each, without any of the lab's code."""
