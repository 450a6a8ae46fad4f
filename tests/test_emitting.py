"""`lab replay --emit-test`: the test fails on the bug, passes on the repair, and says so where it can tell nothing."""

import collections
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lab
from lab.errors import LabError, WitnessError
from lab.pinning import literal, reference

ROOT = Path(lab.__file__).parents[1]

SHOP = """\
import threading


class Cart:
    def __init__(self):
        self.apples = 0
        self.lock = threading.Lock()

    def add(self):
        apples = self.apples
        self.apples = apples + 1
"""
MENDED = SHOP.replace(
    "        apples = self.apples\n        self.apples = apples + 1\n",
    "        with self.lock:\n            self.apples += 1\n",
)
HALF_MENDED = SHOP.replace("self.apples = apples + 1", "with self.lock:\n            self.apples = apples + 1")
TEST = """\
import lab
from shop import Cart


def add(cart):
    cart.add()


def apples(cart):
    return cart.apples


def test_cart():
    lab.explore(Cart, {"alice": add, "bob": add}, outcome=apples, allowed={2}).assert_no_failure()
"""


def run(folder, *words):
    """A command in that folder: its exit code, and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    words = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def pytest_in(folder, file="test_again.py"):
    return run(folder, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", file)


def lab_(folder, *words):
    return run(folder, "lab", *words)


@pytest.fixture
def project(tmp_path):
    """A project whose test has failed; gives its folder and the witness, written below it."""

    def make(test=TEST):
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        (tmp_path / "shop.py").write_text(SHOP)
        (tmp_path / "test_cart.py").write_text(test)
        assert pytest_in(tmp_path, "test_cart.py")[0] == 1
        (witness,) = (tmp_path / ".lab").glob("*.json")
        return tmp_path, str(witness.relative_to(tmp_path))

    return make


def emitted(project):
    folder, witness = project()
    code, told = lab_(folder, "replay", witness, "--emit-test", "test_again.py")
    assert (code, told) == (0, "wrote test_again.py and test_again.json; run it with: pytest test_again.py\n")
    return folder


def test_what_is_written(project):
    folder, witness = project()
    lab_(folder, "replay", witness, "--emit-test", "test_again.py")
    assert (folder / "test_again.py").read_text() == (
        '"""alice read cart.apples 0 (step 1) before bob wrote 1 (step 3), and then wrote 1 over it (step 4): a\n'
        "lost update.\n"
        "\n"
        "The schedule, alice*1 | bob*2 | alice*1, is in the .json file beside this one.  On code that has\n"
        "changed so much that the schedule no longer fits, other schedules are tried.\n"
        f"Written by: lab replay {witness} --emit-test\n"
        '"""\n'
        "\n"
        "from pathlib import Path\n"
        "\n"
        "import lab\n"
        "from shop import Cart\n"
        "from test_cart import add, apples\n"
        "\n"
        "\n"
        "def test_cart_pinned():\n"
        "    lab.replay(\n"
        '        lab.Witness.load(Path(__file__).with_suffix(".json")),\n'
        "        Cart,\n"
        '        {"alice": add, "bob": add},\n'
        "        outcome=apples,\n"
        "        allowed=[2],\n"
        "        schedules=2000,\n"
        "    ).assert_no_failure()\n"
    )


def test_it_fails_on_the_bug_with_the_report(project):
    code, told = pytest_in(emitted(project))
    assert code == 1
    assert "AssertionError: fails again: outcome 1 (allowed: 2)" in told
    assert re.search(r"\b3\* +writes cart\.apples 1 ", told)


@pytest.mark.parametrize("moved", ["", "import os\n\n\n"])
def test_it_passes_on_the_repair(project, moved):
    folder = emitted(project)
    (folder / "shop.py").write_text(moved + MENDED)
    code, told = pytest_in(folder)
    assert (code, "1 passed" in told) == (0, True), told


def test_a_repair_that_is_none_fails_under_another_schedule(project):
    folder = emitted(project)
    (folder / "shop.py").write_text(HALF_MENDED)
    code, told = pytest_in(folder)
    assert code == 1
    assert "AssertionError: fails: outcome 1, by schedule" in told
    assert (
        "pinned     the schedule of the witness no longer fits (changed since: Cart.add), so others were tried" in told
    )


def test_a_repair_that_waits_outside_of_what_took_the_steps_passes(project):
    """None of the functions of the witness has changed, and the order of their steps is another one."""
    folder = emitted(project)
    cart = (folder / "test_cart.py").read_text()
    (folder / "test_cart.py").write_text(cart.replace("    cart.add()\n", "    with cart.lock:\n        cart.add()\n"))
    code, told = pytest_in(folder)
    assert (code, "1 passed" in told) == (0, True), told


def test_drift_is_an_error_with_the_reason(project):
    """Nothing fails, and nothing of what failed is run: to pass would say nothing."""
    folder = emitted(project)
    cart = (folder / "test_cart.py").read_text()
    (folder / "test_cart.py").write_text(cart.replace("    cart.add()\n", "    vars(cart).update(apples=2)\n"))
    code, told = pytest_in(folder)
    assert code == 1
    assert (
        "lab.errors.WitnessError: stale: diverged at step 1, expected alice: reads cart.apples (shop.py:10), "
        "saw the end of the execution; explore again for a new witness; "
        "nothing of what took its steps is run any more (Cart.add)"
    ) in told
    assert "passed" not in told


def test_what_cannot_be_imported_is_an_error(project):
    folder = emitted(project)
    (folder / "test_cart.py").write_text(TEST.replace("def add(", "def put("))
    code, told = pytest_in(folder)
    assert code == 2
    assert "ImportError: cannot import name 'add' from 'test_cart'" in told


# ------------------------------------------------------------------ a scenario


def test_the_test_of_a_scenario(tmp_path):
    for name in ("atomicity/lost_update.py", "deadlock/lock_order.py"):
        path = tmp_path / "scenarios" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "scenarios" / name, path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name in ("lost_update", "lock_order"):
        lab_(tmp_path, "run", name, "--variant", "unsafe", "--no-hammer")
        (witness,) = (tmp_path / ".lab").glob(f"{name}-*.json")
        code, told = lab_(tmp_path, "replay", str(witness), "--emit-test", f"test_{name}.py")
        assert code == 0, told
        code, told = pytest_in(tmp_path, f"test_{name}.py")
        assert (code, "AssertionError: fails again: " in told) == (1, True), told
    path = tmp_path / "scenarios/atomicity/lost_update.py"
    text = path.read_text().replace("    unsafe=UnsafeCounter,", "    unsafe=FixedCounter,")
    path.write_text(text)  # another class: none of the functions that took a step is run
    code, told = pytest_in(tmp_path, "test_lost_update.py")
    assert (code, "WitnessError: stale: diverged at step 1" in told) == (1, True), told
    racy = "        current = self.value  # true now ...\n        self.value = current + 1  # ... but perhaps no longer true here\n"
    assert racy in text
    mended = "        with self._lock:\n            self.value += 1\n"
    text = text.replace("    unsafe=FixedCounter,", "    unsafe=UnsafeCounter,").replace(racy, mended)
    path.write_text(
        text.replace("        self.value = 0\n", "        self.value = 0\n        self._lock = threading.Lock()\n")
    )
    code, told = pytest_in(tmp_path, "test_lost_update.py")
    assert (code, "1 passed" in told) == (0, True), told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_the_test_of_processes(tmp_path):
    """Nobody follows their code; so what is still there counts as run, and what is gone does not."""
    path = tmp_path / "scenarios/processes/file_counter.py"
    path.parent.mkdir(parents=True)
    text = (ROOT / "scenarios/processes/file_counter.py").read_text()
    path.write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    lab_(tmp_path, "run", "file_counter", "--variant", "unsafe", "--no-hammer")
    (witness,) = (tmp_path / ".lab").glob("*.json")
    lab_(tmp_path, "replay", str(witness), "--emit-test", "test_counter.py")
    code, told = pytest_in(tmp_path, "test_counter.py")
    assert (code, "AssertionError: fails again: " in told) == (1, True), told
    repaired = re.sub(r"(?<!Still)UnsafeCounter", "OldCounter", text).replace("FixedCounter", "UnsafeCounter")
    path.write_text(repaired.replace("    unsafe=OldCounter,", "    unsafe=UnsafeCounter,"))
    code, told = pytest_in(tmp_path, "test_counter.py")
    assert (code, "1 passed" in told) == (0, True), told
    path.write_text(path.read_text().replace("UnsafeCounter", "NewCounter"))
    code, told = pytest_in(tmp_path, "test_counter.py")
    assert (code, "nothing of what took its steps is run any more (UnsafeCounter.count)" in told) == (1, True), told


# ------------------------------------------------------------------ what is refused


def refused(folder, witness, file):
    code, told = lab_(folder, "replay", witness, "--emit-test", file)
    assert code == 2
    return told


@pytest.mark.parametrize("there", ["test_again.py", "test_again.json"])
def test_nothing_is_written_over(project, there):
    folder, witness = project()
    (folder / there).write_text("mine")
    assert refused(folder, witness, "test_again.py") == (
        f"Error: --emit-test test_again.py: {there} is there already; remove it, or give another name\n"
    )
    assert (folder / there).read_text() == "mine"
    assert len(list(folder.glob("test_again.*"))) == 1


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("race.py", "--emit-test race.py: pytest would not collect it; call it test_race.py"),
        ("test_race", "--emit-test test_race: not a Python file; give a name such as test_race.py"),
        ("no/test_race.py", "--emit-test no/test_race.py: there is no folder no; make it first"),
    ],
)
def test_a_name_that_would_not_do(project, file, told):
    folder, witness = project()
    assert refused(folder, witness, file) == f"Error: {told}\n"


REMEDY = "define it at the top level of a module, under a name, and record a new witness"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            "outcome=apples",
            "outcome=lambda cart: cart.apples",
            "outcome cannot be imported (lambda at test_cart.py:14)",
        ),
        (
            '"bob": add',
            '"bob": lambda cart: cart.add()',
            "actors['bob'] cannot be imported (lambda at test_cart.py:14)",
        ),
        (
            "    lab.explore(Cart,",
            "    def make():\n        return Cart()\n    lab.explore(make,",
            "setup cannot be imported (make, defined inside of test_cart() at test_cart.py:14)",
        ),
    ],
)
def test_what_cannot_be_imported_is_told_with_the_remedy(project, old, new, what):
    folder, witness = project(TEST.replace(old, new))
    assert refused(folder, witness, "test_again.py") == f"Error: witness {witness}: {what}; {REMEDY}\n"
    assert not list(folder.glob("test_again.*"))


def test_outcomes_that_cannot_be_spelled(project):
    test = TEST.replace("return cart.apples", "return Cart if cart.apples == 1 else 2").replace("{2}", "{2, str}")
    folder, witness = project(test)
    assert refused(folder, witness, "test_again.py") == (
        f"Error: witness {witness}: allowed holds more than plain values, which a test cannot spell; "
        "let outcome return numbers, texts or tuples of them, and record a new witness\n"
    )


def test_a_folder_from_which_nothing_can_be_imported(project):
    folder, witness = project()
    data = json.loads((folder / witness).read_text())
    data["program"]["setup"] = "nowhere:Cart"
    (folder / witness).write_text(json.dumps(data))
    assert refused(folder, witness, "test_again.py") == (
        "Error: --emit-test test_again.py: its imports would fail there "
        "(ModuleNotFoundError: No module named 'nowhere'); write it to the folder of the test that the witness is from\n"
    )


def test_a_witness_cannot_smuggle_code_into_the_test(project):
    folder, witness = project()
    data = json.loads((folder / witness).read_text())
    data["story"] = 'x""" + print("story") + """\\'
    data["program"]["setup"] = "os:system('true') #"
    (folder / witness).write_text(json.dumps(data))
    assert "setup cannot be imported" in refused(folder, witness, "test_again.py")
    data["program"]["setup"] = "shop:Cart"
    data["program"]["allowed"] = "print('allowed')"
    (folder / witness).write_text(json.dumps(data))
    assert "allowed holds more than plain values" in refused(folder, witness, "test_again.py")
    data["program"]["allowed"] = "[2]"
    (folder / witness).write_text(json.dumps(data))
    assert lab_(folder, "replay", witness, "--emit-test", "test_again.py")[0] == 0
    assert "story\n" not in pytest_in(folder)[1]
    compile((folder / "test_again.py").read_text(), "test_again.py", "exec")


# ------------------------------------------------------------------ parts


def test_references():
    assert reference(lab.explore) == "lab.explorer:explore"
    assert reference(collections.Counter.update) == "collections:Counter.update"
    assert reference(lambda: None).startswith("<lambda at test_emitting.py:")
    assert reference(Path("x").exists).startswith("<")


def test_literals():
    assert literal({3, 1}) == "[1, 3]"
    assert literal({(1, "a"): "told"}) == "{(1, 'a'): 'told'}"
    assert literal([object()]) == ""


def test_without_schedules_a_stale_replay_is_told_as_ever():
    class Counter:
        value = 0

    def add(counter):
        value = counter.value
        counter.value = value + 1

    def set_one(counter):
        counter.value = 1

    options = {"outcome": lambda counter: counter.value, "allowed": {2}}
    witness = lab.explore(Counter, {"alice": add, "bob": add}, **options).witness
    other = {"alice": set_one, "bob": set_one}
    assert lab.replay(witness, Counter, other, **options).status == "fails"  # the same kind of failure
    options["allowed"] = {1}
    assert lab.replay(witness, Counter, other, **options).stale
    with pytest.raises(WitnessError, match=r"^stale: diverged at step 1, expected alice: reads"):
        lab.replay(witness, Counter, other, schedules=10, **options)
    with pytest.raises(LabError, match=r"^schedules=0: nothing would be run"):
        lab.replay(witness, Counter, other, schedules=0, **options)
