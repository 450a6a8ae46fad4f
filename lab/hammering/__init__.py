"""`lab.hammer` and what it is made of: threads, noise, watching for hangs, and counting.

The function lives one floor down: a module `lab.hammer` would take its place in the package.
"""
