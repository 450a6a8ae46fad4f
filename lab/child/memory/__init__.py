"""Memory that processes share: each access to its bytes is a step, and none goes unnoticed."""
