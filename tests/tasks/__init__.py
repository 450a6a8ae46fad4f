"""Tests of tasks: programs on asyncio's own loop, with a scripted world outside, beside the controlled one."""
