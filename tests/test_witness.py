"""Saving is atomic and loading suspicious: every file that is no witness is refused in one line."""

import copy
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import Witness
from lab.errors import InvalidType, WitnessError
from lab.program import Failure
from lab.trace import Place, Step, Trace
from lab.witness import FORMAT, build_name

READ = Place("counter.py", "Counter.increment", 0, "attribute value", 6)
WRITE = Place("counter.py", "Counter.increment", 1, "attribute value", 7)


def made(**fields):
    return Witness(
        **{
            "actors": ("alice", "bob"),
            "trace": Trace(
                (
                    Step("alice", READ, "reads", "counter.value", "0"),
                    Step("bob", READ, "reads", "counter.value", "0"),
                    Step("bob", WRITE, "writes", "counter.value", "1"),
                    Step("alice", WRITE, "writes", "counter.value", None),
                )
            ),
            "failure": Failure("outcome", "outcome 1 (allowed: 2)", ("one line", "another")),
            "last": "",
            "decisions": frozenset({READ.identity, WRITE.identity}),
            "target": "tests/test_counter.py::test_it[1-a]",
            "strategy": "random",
            "seed": 7,
            "found": 3,
            "call": 2,
            "called": "test_counter.py:12",
            "copies": 2,
            "code": {"counter.py::Counter.increment": "abc"},
            **fields,
        }
    )


GOOD = made()._to_json()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "w.json"


LATER = (
    "carrier",
    "repeats",
    "critical",
    "pattern",
    "story",
    "program",
)  # the first witnesses of this format had none of these


def refused(file):
    with pytest.raises(WitnessError) as caught:
        Witness.load(file)
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, ValueError)
    assert message.startswith(f"witness {file}: ")
    return message.removeprefix(f"witness {file}: ")


# ------------------------------------------------------------------ saving


def test_a_witness_comes_back_as_it_went(file):
    witness = made()
    assert witness.save(file) == file
    assert Witness.load(file) == witness
    assert Witness.load(str(file)) == witness
    assert witness.build == build_name()


@pytest.mark.parametrize(
    "text", ["naïve café 🐍", 'quotes " and \\ and \n', "\udc80 is no text", "\x00\x1b[31m", "\u2028", "NaN"]
)
def test_any_text_comes_back(file, text):
    step = Step("alice", READ, "reads", text, text)
    witness = made(trace=Trace((step,)), failure=Failure("check", text, (text,)), code={text: text})
    witness.save(file)
    assert Witness.load(file) == witness


def test_the_file_tells_people_the_schedule(file):
    made().save(file)
    data = json.loads(file.read_text(encoding="utf-8"))
    assert data["race-lab witness"] == FORMAT
    assert data["schedule"] == "alice*1 | bob*2 | alice*1"
    assert data["target"] == "tests/test_counter.py::test_it[1-a]"


def test_the_folder_is_made_and_nothing_else_is_left_in_it(tmp_path):
    made().save(tmp_path / "new" / "folder" / "w.json")
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["w.json"]


def test_a_save_that_fails_leaves_the_old_file_and_no_other(file, monkeypatch):
    file.write_text("old")

    def full(source, destination):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left on device"):
        made().save(file)
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]


def test_a_save_replaces_what_was_there_in_one_action(file, monkeypatch):
    file.write_text("old")
    seen = []
    replace = os.replace

    def watched(source, destination):
        seen.append((file.read_text(), Path(source).parent, Witness.load(source)))
        replace(source, destination)

    monkeypatch.setattr(os, "replace", watched)
    made().save(file)
    assert seen == [("old", file.parent, made())]  # complete before it took the name, on the same file system
    assert Witness.load(file) == made()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_saved_file_is_as_readable_as_any_other(file):
    beside = file.with_name("beside")
    beside.write_text("")
    made().save(file)
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(beside.stat().st_mode)


@pytest.mark.parametrize(
    ("target", "base"),
    [
        ("scenarios/atomicity/lost_update.py::unsafe", "lost_update-unsafe"),
        ("tests/test_counter.py::TestIt::test_it[1-a/b c]", "test_counter-TestIt-test_it-1-a-b-c"),
        ("tests/test_x.py::test_" + "y" * 80, "test_x-test_" + "y" * 48),
        ("../../../etc/passwd", "passwd"),
        ("..", "witness"),
        ("", "witness"),
    ],
)
def test_a_name_is_made_of_harmless_characters(target, base):
    name = made(target=target).name
    assert name[:-14] == base
    assert name[-14] == "-"
    assert set(name[-13:-5]) <= set("0123456789abcdef")
    assert name.endswith(".json")
    assert "/" not in name


def test_different_witnesses_have_different_names():
    names = {made(**fields).name for fields in ({}, {"seed": 8}, {"last": "bob"}, {"trace": Trace(())})}
    assert len(names) == 4
    assert made().name == made().name


# ------------------------------------------------------------------ hostile files


def test_a_missing_file(file):
    assert refused(file) == "cannot be read (No such file or directory); give the path of a saved witness"


def test_a_folder(tmp_path):
    assert refused(tmp_path) == "cannot be read (Is a directory); give the path of a saved witness"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.timeout(10)
def test_a_named_pipe_is_not_waited_for(file):
    os.mkfifo(file)
    assert refused(file) == "not a regular file; give a file that Witness.save() wrote"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
@pytest.mark.timeout(10)
def test_an_endless_device_is_not_read():
    assert refused("/dev/zero") == "not a regular file; give a file that Witness.save() wrote"


@pytest.mark.parametrize("path", [None, 3, b"w.json", ["w.json"]])
def test_what_is_no_path(path):
    with pytest.raises(InvalidType) as caught:
        Witness.load(path)
    assert str(caught.value) == f"witness={path!r}: give the path of a file that Witness.save() wrote"


def test_a_path_that_would_steer_the_terminal():
    with pytest.raises(WitnessError) as caught:
        Witness.load("a\n\x1b[2Jb")
    assert str(caught.value) == (
        "witness 'a\\n\\x1b[2Jb': cannot be read (No such file or directory); give the path of a saved witness"
    )


def test_a_path_with_a_null_byte():
    with pytest.raises(WitnessError) as caught:
        Witness.load("a\0b")
    assert str(caught.value) == (
        "witness 'a\\x00b': cannot be read (embedded null byte); give the path of a saved witness"
    )


def test_a_huge_file(file):
    with open(file, "wb") as sparse:
        sparse.truncate(17 << 20)
    assert refused(file) == "larger than 16 MiB; a witness never is; record a new one"


def test_bytes_that_are_no_text(file):
    file.write_bytes(b"\xff\xfe{}")
    assert refused(file) == "not UTF-8 text; give a file that Witness.save() wrote"


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"race-lab witness": 1, "actors": ['])
def test_deep_nesting(file, opening):
    file.write_text(opening * (2_000_000 // len(opening)))
    assert refused(file) == "nested too deeply; give a file that Witness.save() wrote"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value, line 1"),
        ("hello", "Expecting value, line 1"),
        ('{\n"race-lab witness": 1,\n"act', "Unterminated string starting at, line 3"),
        ('{"race-lab witness": NaN}', "NaN is not a number"),
        ('{"race-lab witness": -Infinity}', "-Infinity is not a number"),
        ('{"a": 1} {"b": 2}', "Extra data, line 1"),
    ],
)
def test_what_is_not_json(file, text, reason):
    file.write_text(text)
    assert refused(file) == f"not JSON ({reason}); it may be cut off; record a new one"


def test_a_file_cut_off_anywhere(file):
    made().save(file)
    content = file.read_bytes()
    for length in range(0, len(content) - 2, 97):
        file.write_bytes(content[:length])
        assert refused(file).endswith("; it may be cut off; record a new one")


@pytest.mark.parametrize("data", [[], 1, None, "race-lab witness", {}, {"actors": []}])
def test_json_that_is_no_witness(file, data):
    file.write_text(json.dumps(data))
    assert refused(file) == "not a witness; give a file that Witness.save() wrote"


@pytest.mark.parametrize(
    ("version", "shown"), [(0, "0"), (2, "2"), ("1", "'1'"), (True, "True"), (None, "None"), ([1], "[1]")]
)
def test_another_format(file, version, shown):
    file.write_text(json.dumps({**GOOD, "race-lab witness": version}))
    assert refused(file) == (f"has format {shown}, this version reads format 1; record a new one with this version")


def changed(change):
    data = copy.deepcopy(GOOD)
    change(data)
    return data


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        *((field, None, "None") for field in GOOD if field != "race-lab witness"),
        ("actors", ["alice", 3], "['alice', 3]"),
        ("actors", ["alice\n", "bob"], r"['alice\n', 'bob']"),
        ("actors", ["alice"], "[1, 0, 'reads', 'counter.value', '0']"),
        ("actors", [], "[0, 0, 'reads', 'counter.value', '0']"),
        ("target", "a\x1b[2J", r"'a\x1b[2J'"),
        ("last", "\u202e", r"'\u202e'"),
        ("strategy", 3, "3"),
        ("seed", "7", "'7'"),
        ("seed", True, "True"),
        ("seed", 7.0, "7.0"),
        ("found", [], "[]"),
        ("python", {}, "{}"),
        ("build", "\n", r"'\n'"),
        ("schedule", "alice*1 | bob*3", "'alice*1 | bob*3'"),
        ("places", {}, "{}"),
        ("places", [[]], "[]"),
        ("places", [["a.py", "f", 0, "x", "1"]], "['a.py', 'f', 0, 'x', '1']"),
        ("places", [["a.py", "f", True, "x", 1]], "['a.py', 'f', True, 'x', 1]"),
        ("steps", [[0, 0, "reads", "x"]], "[0, 0, 'reads', 'x']"),
        ("steps", [[0, 2, "reads", "x", None]], "[0, 2, 'reads', 'x', None]"),
        ("steps", [[-1, 0, "reads", "x", None]], "[-1, 0, 'reads', 'x', None]"),
        ("steps", [[0, 0, "reads", "x", 1]], "[0, 0, 'reads', 'x', 1]"),
        ("steps", "alice", "'alice'"),
        ("decisions", [["a", "b", "c", "d"]], "['a', 'b', 'c', 'd']"),
        ("failure", {}, "{}"),
        ("failure", {"kind": "check", "message": 3, "detail": []}, "{'detail': [], 'kind': 'check', 'message': 3}"),
        ("failure", {"kind": "c", "message": "m", "detail": [3]}, "{'detail': [3], 'kind': 'c', 'message': 'm'}"),
        ("code", {"a": 3}, "{'a': 3}"),
        ("last", ["x" * 100], "['" + "x" * 12 + "..." + "x" * 13 + "']"),
        ("target", [[[[[[[[1]]]]]]]], "[[[[[[[...]]]]]]]"),
    ],
)
def test_a_field_that_no_witness_has(file, field, value, shown):
    file.write_text(json.dumps({**GOOD, field: value}))
    message = refused(file)
    names = [field, "steps"] if field == "actors" else [field]
    assert message in [f"field {name!r} holds {shown}, which no witness has; record a new one" for name in names]


@pytest.mark.parametrize("field", [field for field in GOOD if field not in ("race-lab witness", *LATER)])
def test_a_missing_field(file, field):
    file.write_text(json.dumps(changed(lambda data: data.pop(field))))
    assert refused(file) == f"has no field {field!r}, which every witness has; record a new one"


def test_too_many_steps(file):
    file.write_text(json.dumps({**GOOD, "steps": [0] * 1_000_001}))
    assert refused(file) == "field 'steps' holds '1000001 rows', which no witness has; record a new one"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def mutated(draw):
    """A witness with one to three places, at any depth, replaced, removed or doubled."""
    data = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        holder, depth = data, draw(st.integers(1, 4))
        for _ in range(depth):
            if not isinstance(holder, dict | list) or not holder:
                break
            key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
            inner = holder[key]
            if depth == 1 or not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                action = draw(st.sampled_from(["replace", "remove", "double"]))
                if action == "replace":
                    holder[key] = draw(_JSON)
                elif action == "remove":
                    del holder[key]
                elif isinstance(holder, list):
                    holder.insert(key, inner)
                break
            holder = inner
    return data


def loaded_or_refused(file):
    message = ""
    try:
        return Witness.load(file)
    except WitnessError as error:
        message = str(error)
    assert message.startswith(f"witness {file}: ")
    assert "\n" not in message
    return None


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=mutated())
def test_a_mutated_witness_loads_or_is_refused_in_one_line(tmp_path, data):
    file = tmp_path / "mutated.json"
    file.write_text(json.dumps(data))
    witness = loaded_or_refused(file)
    if witness is not None:
        witness.save(file)
        assert Witness.load(file) == witness


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_load_or_are_refused(tmp_path, data):
    file = tmp_path / "flipped.json"
    content = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    loaded_or_refused(file)
