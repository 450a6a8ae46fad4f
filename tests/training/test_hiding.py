"""Code is shown without its story, and lines keep their numbers."""

from pathlib import Path

import pytest

from lab.catalogue import load
from lab.files import defines_scenario
from lab.training.hiding import names_in, needed, spaced
from training.conftest import COUNTER

SCENARIOS = Path(__file__).resolve().parent.parent.parent / "scenarios"


def test_comments_docstrings_and_telling_names_are_gone():
    assert needed(COUNTER, ["UnsafeCounter", "add_one"]) == [
        (6, "class Counter:"),
        (9, "    def __init__(self):"),
        (10, "        self.value = 0"),
        (11, ""),
        (12, "    def increment(self):"),
        (13, "        current = self.value"),
        (14, "        self.value = current + 1"),
        (27, "def add_one(counter):"),
        (28, "    counter.increment()"),
    ]


def test_what_a_name_needs_comes_with_it_and_two_names_stay_two():
    lines = needed(COUNTER, ["FixedCounter"], own="FixedCounter")
    assert [text for _, text in lines if text.startswith(("class", "import"))] == [
        "import threading",
        "class BasicCounter:",
        "class Counter(BasicCounter):",
    ]


def test_names_stay_where_the_code_is_to_be_edited():
    lines = needed(COUNTER, ["UnsafeCounter"], hide=False)
    assert lines[0] == (6, "class UnsafeCounter:")
    assert spaced([(1, "a"), (2, "b"), (9, "c")]) == ["a", "b", "", "", "c"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('def f():\n    """Only this."""\n', ["def f():", "    pass"]),
        ('def f(): "Here."\n', ['def f(): "Here."']),
        ("def f():\n    return '# no comment'  # one\n", ["def f():", "    return '# no comment'"]),
        ("LIMIT = 3\n\n\ndef f():\n    return LIMIT\n", ["LIMIT = 3", "def f():", "    return LIMIT"]),
        ("@staticmethod\ndef f():\n    # why\n    pass\n", ["@staticmethod", "def f():", "    pass"]),
        ("def f():\n    x = '\x0c\u2028'\n    return x\n", ["def f():", "    x = '\x0c\u2028'", "    return x"]),
    ],
)
def test_hard_places(source, shown):
    assert [text for _, text in needed(source, ["f"])] == shown


def test_names_of_a_module():
    assert names_in(COUNTER) == {"threading", "UnsafeCounter", "FixedCounter", "add_one", "both"}


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in sorted(SCENARIOS.rglob("*.py")) if defines_scenario(path)]
)
def test_no_variant_of_the_catalogue_tells_what_it_is(path):
    entry = load(path)
    source = path.read_text(encoding="utf-8")
    for variant in entry.scenario.every_variant():
        lines = needed(source, [variant.make.__name__, *(one.__name__ for one in entry.scenario.actors.values())])
        text = "\n".join(line for _, line in lines)
        assert "def " in text or "class " in text
        assert "unsafe" not in text.lower()
        assert "Fixed" not in text
        compile(text, str(path), "exec")
