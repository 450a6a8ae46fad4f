"""What runs inside of an actor's process: it stops before each operation on what processes share."""
