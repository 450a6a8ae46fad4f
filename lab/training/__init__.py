"""Exercises in reviewing code for races, each judged by what the engine found.

What a person answers is compared with facts: the pairs of steps whose order decides, an execution under the schedule
they gave, a verdict on the code they wrote.  No answer is written down anywhere by hand.

All that runs code under training does so in a process of its own (`confined`, `child`); what it found about a variant
is a `Study`, which is kept, so that an answer can be judged at once.
"""
