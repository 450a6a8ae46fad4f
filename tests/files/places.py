"""Directories that are new in each execution."""

import os
import pathlib
import shutil
import tempfile

import lab


def in_new_directory(setup):
    """``setup``, in a new working directory, which is the state that it makes."""

    def made():
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        setup()
        return folder

    return made


def removed(folder):
    """Tear down what `in_new_directory` made; the working directory is as it was after each execution."""
    shutil.rmtree(folder)


def contents(name):
    return lambda state: pathlib.Path(name).read_text()


def counter():
    with open("n", "w") as file, open("lock", "w"):
        file.write("0")


def explored(setup, actors, **named):
    return lab.explore(in_new_directory(setup), actors, teardown=removed, **{"seconds": 60, **named})
