"""Pages of verdicts: what a reader knows after each step, what can never run, and what the document holds."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from report_programs import Counter, Kitchen, add_one, final_value, salad, soup

from lab.passing import Passing
from lab.report.html.code import coloured, excerpt, visible
from lab.report.html.pages import data, page
from lab.report.html.player import MOST_STEPS, player_document, player_of
from lab.report.html.report import record_of, report_page
from lab.report.html.standstill import standing, wait_for_graph
from lab.report.html.state import Wait, changes
from lab.trace import Place, Step, Trace
from lab.verdict import Verdict


@pytest.fixture
def lost_update(explored):
    actors = {"alice": add_one, "bob": add_one}
    return explored(
        "lost_update", Counter, actors, orders=["alice bob bob alice"], outcome=final_value, allowed={2: "both counted"}
    )


def step(actor, word, name, value=None, line=1, file="x.py"):
    return Step(actor, Place(file, "f", 0, "attribute value", line), word, name, value)


# ------------------------------------------------------------------ what a reader knows


def test_the_document_of_a_witness(lost_update):
    passing = Passing(("alice", "bob"), Trace(lost_update.witness.trace.steps[:1]), 2)
    assert player_document(lost_update, passing) == {
        "actors": [{"name": "alice", "mark": "a"}, {"name": "bob", "mark": "b"}],
        "files": ["report_programs.py"],
        "runs": [
            {
                "kind": "fails",
                "title": "The order that fails",
                "end": "outcome 1 (allowed: 2)",
                "count": 4,
                "switches": 2,
                "critical": [1, 3],
                "differs": 0,
                "steps": [
                    told(1, 0, 13, "reads counter.value 0", "0"),
                    told(2, 1, 13, "reads counter.value 0", "0"),
                    told(3, 1, 14, "writes counter.value 1", "1"),
                    told(4, 0, 14, "writes counter.value 1", "1"),
                ],
            },
            {
                "kind": "passes",
                "title": "An order that passes",
                "end": "outcome 2",
                "count": 1,
                "switches": 0,
                "critical": [],
                "differs": 0,
                "steps": [told(1, 0, 13, "reads counter.value 0", "0")],
            },
        ],
    }


def test_where_the_order_that_passes_differs(lost_update):
    first, second, third, fourth = lost_update.witness.trace.steps
    for steps, number in (((first, fourth), 2), ((first, second, third, fourth, fourth), 5)):
        run = player_document(lost_update, Passing(("alice", "bob"), Trace(steps), 2))["runs"][1]
        assert run["differs"] == number


def told(number, actor, line, what, value):
    return {"number": number, "actor": actor, "place": [0, line], "what": what, "values": {"counter.value": value}}


def test_who_has_which_lock_and_who_waits(explored):
    verdict = explored("deadlock", Kitchen, {"alice": soup, "bob": salad}, orders=["alice bob"])
    first, second = player_document(verdict)["runs"][0]["steps"]
    knife, board = "kitchen.tools['knife']", "kitchen.tools['board']"
    assert (first["held"], first.get("waits")) == ({knife: [0]}, None)
    assert second["held"] == {board: [1]}
    assert second["waits"] == {"0": {"for": board, "place": [0, 46]}, "1": {"for": knife, "place": [0, 46]}}


def test_a_lock_is_waited_for_while_another_one_has_it():
    steps = [
        step("a", "acquires", "lock"),
        step("b", "reads", "x", "1"),
        step("a", "releases", "lock"),
        step("b", "acquires", "lock", line=7),
    ]
    found = changes(steps)
    assert [one.held for one in found] == [{"lock": ("a",)}, {}, {"lock": ()}, {"lock": ("b",)}]
    assert [one.waits for one in found] == [{}, {"b": Wait("lock", "x.py", 7)}, {"b": None}, {}]


def test_to_wait_on_a_condition_gives_its_lock_up():
    steps = [
        step("a", "acquires", "bell._lock"),
        step("a", "waits", "bell"),
        step("b", "acquires", "bell._lock"),
        step("b", "notifies", "bell"),
        step("b", "releases", "bell._lock"),
        step("a", "wakes up", "bell"),
    ]
    assert [one.held for one in changes(steps)] == [
        {"bell._lock": ("a",)},
        {"bell._lock": ()},
        {"bell._lock": ("b",)},
        {},
        {"bell._lock": ()},
        {"bell._lock": ("a",)},
    ]


def test_a_lock_that_is_tried_is_got_if_nobody_has_it():
    steps = [
        step("a", "tries to acquire", "lock"),
        step("b", "tries to acquire", "lock"),
        step("c", "tries to acquire", "file", "False"),
    ]
    assert [one.held for one in changes(steps)] == [{"lock": ("a",)}, {}, {}]


def test_values_are_those_last_seen():
    steps = [
        step("a", "reads", "s.items", "[1]"),
        step("b", "calls", "s.items.append(2)"),
        step("b", "calls", "s.table.get('k')", "None"),
        step("a", "deletes", "s.x"),
        step("a", "writes", "s.y"),
        step("a", "asks", "1 in s.items", "True"),
    ]
    assert [one.values for one in changes(steps)] == [
        {"s.items": "[1]"},
        {"s.items": ".append(2)"},
        {"s.table": ".get('k') gave None"},
        {"s.x": "(deleted)"},
        {"s.y": "(written)"},
        {},
    ]


def test_of_a_very_long_run_the_middle_is_left_out(lost_update):
    steps = [step("alice", "writes", "n", str(number)) for number in range(MOST_STEPS + 100)]
    steps[700] = step("alice", "writes", "other", "seen")
    witness = replace(lost_update.witness, trace=Trace(tuple(steps)), critical=())
    run = player_document(witness)["runs"][0]
    numbers = [row["number"] for row in run["steps"]]
    assert (run["count"], len(numbers)) == (MOST_STEPS + 100, MOST_STEPS)
    assert numbers[499:501] == [500, 601]
    assert "other" not in run["steps"][499]["values"]
    steps[550] = step("alice", "writes", "other", "seen")
    witness = replace(witness, trace=Trace(tuple(steps)))
    assert player_document(witness)["runs"][0]["steps"][500]["values"] == {"n": "600", "other": "seen"}


def test_without_a_witness_there_is_nothing_to_play():
    verdict = Verdict("holds", "all 2 classes of schedules")
    assert player_of(verdict) is None
    with pytest.raises(ValueError, match=r"^the verdict has no witness, so there is nothing to play$"):
        player_document(verdict)


# ------------------------------------------------------------------ standstills


def test_waits_are_read_from_the_lines_that_tell_them():
    lines = [
        "bob waits for a lock at x.py:3; bob waits holds it since x.py:2",
        "bob waits waits for the end of bob at x.py:9",
        "carol waits for room in q at x.py:5",
        "nobody waits for anything",
    ]
    assert standing(lines, ["bob", "bob waits", "carol"]) == {
        "bob": Wait("a lock", "x.py", 3, "bob waits"),
        "bob waits": Wait("the end of bob", "x.py", 9, "bob"),
        "carol": Wait("room in q", "x.py", 5, ""),
    }


def test_the_graph_of_waits():
    waits = {"a": Wait("l", "x.py", 1, "b"), "b": Wait("m", "x.py", 2, "c"), "c": Wait("k", "x.py", 3, "a")}
    graph = wait_for_graph(waits | {"d": Wait("room in q", "x.py", 4)}, ["a", "c", "b", "d", "e"])
    assert [node.label for node in graph.nodes] == ["a", "b", "c", "d", "room in q"]
    assert [node.lane for node in graph.nodes] == [0, 2, 1, 3, -1]
    assert [edge.label for edge in graph.edges] == ["l", "m", "k", ""]
    assert (
        graph.told
        == "a waits for l, which b has; b waits for m, which c has; c waits for k, which a has; d waits for room in q"
    )
    for node in graph.nodes:
        assert 0 < node.x - node.width / 2 < node.x + node.width / 2 < graph.width
        assert 0 < node.y - node.height / 2 < node.y + node.height / 2 < graph.height
    assert wait_for_graph({}, ["a"]) is None


def test_a_thing_may_be_called_as_an_actor_is():
    graph = wait_for_graph({"a": Wait("b", "x.py", 1), "b": Wait("m", "x.py", 2, "b")}, ["a", "b"])
    assert [(node.label, node.lane) for node in graph.nodes] == [("a", 0), ("b", 1), ("b", -1)]
    assert graph.told == "a waits for b; b waits for m, which it has itself"


# ------------------------------------------------------------------ source


def test_source_is_shown_by_functions_without_its_margin(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "class A:\n    def f(self):\n        \"\"\"Do.\"\"\"\n        return 1\n\n    def g(self):\n        return '''\n  a'''\n\nx = 1\n"
    )
    source = excerpt("x.py", str(file), [4])
    assert [(line.number, re.sub("<[^>]*>", "", line.markup)) for line in source.lines] == [
        (2, "def f(self):"),
        (3, '    """Do."""'),
        (4, "    return 1"),
    ]
    both = excerpt("x.py", str(file), [4, 10])
    assert [line.number for line in both.lines if line.after_gap] == [7]


def test_lines_are_those_that_python_counts(tmp_path):
    file = tmp_path / "x.py"
    file.write_bytes("\n\nx = '\u2028 \x0c \x85'\r\ny = 2\rz = 3".encode())
    lines = excerpt("x.py", str(file), [5]).lines
    assert re.sub("<[^>]*>", "", lines[-1].markup) == "z = 3"
    assert "\\u2028 \\x0c \\x85" in re.sub("<[^>]*>", "", lines[-3].markup)


def test_what_turns_the_direction_of_writing_is_spelt_out():
    marked = visible("access = &quot;user\u202e \u2066# admin\u2069\u2066\t\x1b&quot;")
    assert re.findall('<span class="odd">(.*?)</span>', marked) == ["\\u202e", "\\u2066", "\\u2069", "\\u2066", "\\x1b"]
    assert not set(marked) & set("\u202e\u2066\u2069\x1b")


def test_source_that_cannot_be_shown_says_why(tmp_path):
    gone = excerpt("x.py", str(tmp_path / "x.py"), [1])
    assert (gone.lines, gone.missing) == ((), "cannot be read (No such file or directory)")
    short = tmp_path / "short.py"
    short.write_text("x = 1\n")
    assert excerpt("short.py", str(short), [7]).missing == "has other lines than it had; it was changed since"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "x = 'é'"),
        (b"\nx = '\xe9'\n", "x = '\\xe9'"),
        (b"# -*- coding: no-such -*-\nx = '\xe9'\n", "x = '\\xe9'"),
    ],
    ids=["declared", "not UTF-8", "unknown"],
)
def test_source_in_another_encoding(tmp_path, content, shown):
    file = tmp_path / "x.py"
    file.write_bytes(content)
    assert "".join(coloured(shown)) == excerpt("x.py", str(file), [2]).lines[-1].markup


def test_a_long_line_is_cut():
    (line,) = coloured("x = '" + "<" * 3000 + "'")
    text = re.sub("<[^>]*>", "", line)
    assert text.count("&lt;") == 1995
    assert text.endswith(" ...")


# ------------------------------------------------------------------ nothing runs


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text):
        super().__init__()
        self.started, self.attributes, self.policy = [], set(), ""
        self.scripts, self.styles, self.documents = [], [], []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.started.append(tag)
        self.attributes |= {name for name, _ in attributes}
        given = dict(attributes)
        self._inside = f"{tag} {given.get('type', '')}".strip()
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, text):
        kept = {"script": self.scripts, "style": self.styles, "script application/json": self.documents}
        kept.get(self._inside, []).append(text)


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&\u2028\u202e{{7*7}}"


def test_hostile_text_is_only_text(lost_update, tmp_path):
    file = tmp_path / "<b onclick=alert(1)>.py"
    file.write_text(f"x = 1  # {EVIL}\n", encoding="utf-8")
    steps = (step(EVIL, "writes", EVIL, EVIL, 1, str(file)), step("bob", "acquires", EVIL, EVIL, 1, str(file)))
    failure = replace(lost_update.failure, kind="deadlock", message=EVIL, detail=(f"bob waits for {EVIL} at x:1",))
    lost_update.witness = replace(
        lost_update.witness, actors=(EVIL, "bob"), trace=Trace(steps), failure=failure, story=EVIL, critical=(1,)
    )
    lost_update.failure, lost_update.title, lost_update.replay = failure, EVIL, EVIL
    lost_update.descriptions, lost_update.notes = {1: EVIL}, (f"note: {EVIL}",)
    text = report_page(record_of(lost_update))
    found = Elements(text)
    assert found.started.count("script") == 2
    assert not {"img", "b onclick", "iframe", "object"} & set(found.started)
    assert not {name for name in found.attributes if name.startswith("on") or name in ("style", "src")}
    assert "\u202e" not in text
    assert "{{7*7}}" in text
    assert "".join(found.scripts).count("alert(1)") == 0
    assert json.loads(found.documents[0])["actors"][0]["name"] == EVIL.replace("\u2028", r"\u2028").replace(
        "\u202e", r"\u202e"
    )


def test_the_policy_allows_the_page_s_own_parts_and_nothing_else(lost_update):
    found = Elements(report_page(record_of(lost_update)))

    def digests(texts):
        return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]

    assert found.policy.split("; ") == [
        "default-src 'none'",
        f"style-src {digests(found.styles)[0]}",
        f"script-src {digests(found.scripts)[0]}",
        "img-src data:",
        "connect-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not {name for name in found.attributes if name.startswith("on") or name in ("style", "src")}


def test_json_in_a_page_ends_no_element():
    text = data({"a": EVIL, "b": "\ud800"})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text)["a"] == EVIL
    assert text.endswith(r'"b":"\ud800"}')


def test_a_script_that_is_not_there_is_an_error():
    with pytest.raises(FileNotFoundError, match=r"^lab\.report\.html has no other\.js$"):
        page("base.html", scripts=["other.js"])
