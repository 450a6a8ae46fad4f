"""Generated programs of file operations, and their outcomes by brute force.

The oracle shares no code with the lab: it calls the operations of all actors in every interleaving, in one process,
in a fresh directory each time.
"""

import os
import random
import shutil
from functools import partial
from itertools import combinations

NAMES = ("a", "b", "d/c")


def _answer(function):
    """What an operation gives, or how it fails."""
    try:
        return function()
    except OSError as error:
        return type(error).__name__


def read(name):
    def run(fds):
        fd = os.open(name, os.O_RDONLY)
        fds["r"] = fd
        return "opened"

    def rest(fds):
        return _used(fds, "r", lambda fd: os.read(fd, 100).decode())

    return [run, rest]


def write(name, text, flags):
    def run(fds):
        fds["w"] = os.open(name, os.O_WRONLY | os.O_CREAT | flags)
        return "opened"

    def rest(fds):
        return _used(fds, "w", lambda fd: os.write(fd, text.encode()))

    return [run, rest]


def _used(fds, kind, function):
    """What is done with a file descriptor, which is closed then."""
    if kind not in fds:
        return "there is none"
    fd = fds.pop(kind)
    try:
        return function(fd)
    finally:
        os.close(fd)


def one(function, *arguments):
    def run(fds):
        result = function(*arguments)
        return sorted(result) if isinstance(result, list) else result

    return [run]


def size(name):
    return os.stat(name).st_size


def links(name):
    return os.stat(name).st_nlink


def truncated(name):
    os.truncate(name, 1)


def moved(fd_name, name):
    os.rename(fd_name, name)


class Linked:
    """Makes a link; the system looks up first to what, and that cannot have a name again once it has lost its last."""

    def __init__(self, name, other):
        self.name, self.other = name, other

    def __call__(self, fds):
        os.link(self.name, self.other)

    def look_up(self, fds):
        fds["l"] = os.open(self.name, os.O_PATH | os.O_NOFOLLOW)
        return NO_ANSWER

    def link(self, fds):
        if "l" not in fds:
            return NO_ANSWER  # it was answered that there is nothing
        return _used(fds, "l", lambda fd: os.link(f"/proc/self/fd/{fd}", self.other, src_dir_fd=fd))


NO_ANSWER = object()


def parts(calls):
    """The steps that the system takes for these calls."""
    return [part for call in calls for part in ((call.look_up, call.link) if isinstance(call, Linked) else (call,))]


def pointed(one_name, other):
    os.symlink(one_name, other)


def operations(source, text):
    """A random operation, as the functions that take its steps."""
    name, other = source.choice(NAMES), source.choice(NAMES)
    return source.choice(
        (
            lambda: read(name),
            lambda: read(name),
            lambda: write(name, text, os.O_TRUNC),
            lambda: write(name, text, os.O_APPEND),
            lambda: write(name, text, os.O_EXCL),
            lambda: one(os.unlink, name),
            lambda: one(moved, name, other),
            lambda: [Linked(name, other)],
            lambda: one(pointed, os.path.basename(name), other),
            lambda: one(os.path.exists, name),
            lambda: one(os.path.isfile, name),
            lambda: one(size, name),
            lambda: one(links, name),
            lambda: one(truncated, name),
            lambda: one(os.listdir, source.choice((".", "d"))),
            lambda: one(os.mkdir, "e"),
            lambda: one(os.rmdir, source.choice(("d", "e"))),
            lambda: one(moved, "d", "e"),
        )
    )()


def programs(seed, actors=2, steps=3):
    """For each actor the functions that it calls, one after the other."""
    source = random.Random(seed)
    found = []
    for index in range(actors):
        calls = []
        while len(calls) < steps:
            calls += operations(source, "xyz"[index] * (index + 1))
        found.append(calls)
    return found


def setup():
    os.mkdir("d")
    os.mkdir("results")
    with open("a", "w") as file:
        file.write("0")
    with open("d/c", "w") as file:
        file.write("12")


def actor(index, calls):
    """What an actor of the lab does; its answers are put where only it looks."""

    def run(state):
        fds, answers = {}, []
        for call in calls:
            answers.append(_answer(lambda call=call: call(fds)))
        with open(f"results/{index}", "w") as file:
            file.write(repr(answers))

    return run


def silent_actor(calls):
    """The same, but its answers are put nowhere."""

    def run(state):
        fds = {}
        for call in calls:
            _answer(lambda call=call: call(fds))

    return run


def tree(path="."):
    """Everything below a directory: links are not followed, inodes not told apart."""
    found = []
    for name in sorted(os.listdir(path)):
        full = os.path.join(path, name)
        if os.path.islink(full):
            found.append((full, "->", os.readlink(full)))
        elif os.path.isdir(full):
            found.append((full, tree(full)) if name != "results" else name)
        else:
            with open(full) as file:
                found.append((full, file.read()))
    return tuple(found)


def outcome(state):
    answers = []
    for name in sorted(os.listdir("results")):
        with open(f"results/{name}") as file:
            answers.append(file.read())
    return tuple(answers), tree()


def every_outcome(found, folder):
    """The outcomes of all interleavings of two actors."""
    return set(_interleaved(found, folder))


def every_tree_after_a_kill(found, folder):
    """What is left in all interleavings of two actors of which one may be killed between two of its calls."""
    first, second = found
    cut = [(first[:count], second) for count in range(len(first) + 1)]
    cut += [(first, second[:count]) for count in range(len(second))]
    return {left for each in cut for _, left in _interleaved(each, folder)}


def _interleaved(found, folder):
    first, second = map(parts, found)
    before = os.getcwd()
    for positions in combinations(range(len(first) + len(second)), len(first)):
        work = os.path.join(folder, "work")
        os.mkdir(work)
        os.chdir(work)
        try:
            setup()
            fds, answers, pending = ({}, {}), ([], []), (iter(first), iter(second))
            for position in range(len(first) + len(second)):
                who = 0 if position in positions else 1
                call = next(pending[who])
                answers[who].append(_answer(partial(call, fds[who])))
            told = ([one for one in each if one is not NO_ANSWER] for each in answers)
            yield tuple(map(repr, told)), tree()
        finally:
            os.chdir(before)
            shutil.rmtree(work)
            for fd in (fd for one in fds for fd in one.values()):
                os.close(fd)
