"""Exercises in the browser: answered by keyboard, at every width, light and dark, for every reader."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
EXERCISE = "/exercise/lost_update/{}?seed=1"


@contextmanager
def reviewing(*arguments):
    """`lab review` as a person starts it; gives the address that it prints."""
    command = [shutil.which("lab", path=str(Path(sys.executable).parent)), "review", *arguments]
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().removeprefix("Open ").strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory, browser):
    """The training on one scenario."""
    with reviewing("lost_update", "--web", "--data", str(tmp_path_factory.mktemp("data"))) as address:
        yield address


@pytest.fixture
def exercise(visit, server):
    """Open an exercise; the first time it is measured."""

    class Opened:
        def __init__(self, kind, **options):
            self._visit = visit(server, **options)
            self._kind = kind

        def __enter__(self):
            page = self._visit.__enter__()
            page.set_default_timeout(60_000)
            if self._kind:
                page.goto(server.partition("/?")[0] + EXERCISE.format(self._kind))
            return page

        def __exit__(self, *error):
            return self._visit.__exit__(*error)

    return Opened


def test_spot_is_answered_by_keyboard(exercise, accessible):
    with exercise("spot") as page:
        page.get_by_role("checkbox", name="25").focus()
        for _ in range(4):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        page.keyboard.press("j")
        page.keyboard.press("Space")
        assert page.get_by_text("Marked: 30 and 31.").is_visible()
        page.get_by_role("radio", name="lost update").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.locator(".headline", has_text="Right.").wait_for()
        assert page.get_by_text("points. It comes again in").is_visible()
        page.keyboard.press("ArrowRight")  # the witness is stepped
        assert page.locator(".run.chosen [aria-current=step] a").inner_text() == "2"
        accessible(page)


def test_a_third_line_takes_a_place(exercise):
    with exercise("spot") as page:
        for number in ("29", "30", "31"):
            page.get_by_role("checkbox", name=number).check()
        assert page.locator("input:checked").count() == 2
        assert page.get_by_role("checkbox", name="31").is_checked()


def test_a_schedule_is_run(exercise):
    with exercise("break") as page:
        page.get_by_label("Schedule").fill("alice bob*2 alice")
        page.keyboard.press("Enter")
        page.get_by_text("It fails: you found a schedule.").wait_for()


def test_a_patch_is_explored_while_one_waits_and_may_be_mended(exercise):
    with exercise("fix") as page:
        page.get_by_role("button", name="Explore it").click()
        page.get_by_text("It still fails.").wait_for()
        code = page.get_by_role("textbox", name="Code")
        code.fill("import threading\nLOCK = threading.Lock()\n\n" + code.input_value())
        code.fill(
            code.input_value().replace(
                "        current =", "        with LOCK: self.value += 1; return\n        current ="
            )
        )
        page.get_by_role("button", name="Explore it").click()
        page.get_by_text("It holds: no schedule fails any more.").wait_for()


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [("", "light"), ("spot", "dark"), ("break", "light"), ("review", "dark"), ("review", "light"), ("fix", "dark")],
)
def test_every_page_fits_and_can_be_read_by_all(exercise, accessible, fits, kind, scheme):
    with exercise(kind, width=360, scheme=scheme) as page:
        fits(page)
        accessible(page)
        page.set_viewport_size({"width": 1280, "height": 800})
        fits(page)


def test_it_works_without_scripts(exercise):
    with exercise("spot", java_script_enabled=False) as page:
        page.get_by_role("checkbox", name="30").check()
        page.get_by_role("checkbox", name="31").check()
        page.get_by_role("radio", name="lost update").check()
        page.get_by_role("button", name="Answer").click()
        page.locator(".headline", has_text="Right.").wait_for()


def test_an_exam_is_sat_by_keyboard(visit, accessible, fits, tmp_path):
    """Four questions on one scenario, answered as they come; the page that was gone back to changes nothing."""
    result = tmp_path / "exam.json"
    options = ["--exam", "4", "--seed", "7", "--result", str(result), "--data", str(tmp_path / "data")]
    with reviewing("lost_update", "--web", *options) as address, visit(address, width=360) as page:
        page.set_default_timeout(60_000)
        accessible(page)
        page.get_by_role("button", name="Begin").press("Enter")
        for number in range(1, 5):
            heading = page.get_by_role("heading", name=f"Question {number} of 4: ")
            heading.wait_for()
            fits(page)
            accessible(page)
            answered = _ANSWERS[heading.inner_text().partition(": ")[2]]
            answered(page)
            page.get_by_role("button", name="Answer").press("Enter")
        page.get_by_text("4 of 4 right, 40 of 40 points.").wait_for()
        accessible(page)
        page.go_back()
        page.get_by_text("4 of 4 right").wait_for()
    told = json.loads(result.read_text())
    assert (told["finished"], told["seed"], len(told["answers"])) == (True, 7, 4)
    assert {one["kind"]: one["share"] for one in told["answers"]} == dict.fromkeys(_ANSWERS, 1.0)


def _spot(page):
    for line in ("30", "31"):
        page.get_by_role("checkbox", name=line).press("Space")
    page.get_by_role("radio", name="lost update").press("Space")


def _review(page):
    held = "_lock" in page.get_by_role("region", name="Change").inner_text()
    page.get_by_role("radio", name="Approve" if held else "lost update").press("Space")


def _break(page):
    page.get_by_label("Schedule").fill("alice bob*2 alice")


def _fix(page):
    code = page.get_by_role("textbox", name="Code")
    mended = code.input_value().replace(
        "        current =", "        with LOCK: self.value += 1; return\n        current ="
    )
    code.fill("import threading\nLOCK = threading.Lock()\n\n" + mended)


_ANSWERS = {"spot": _spot, "review": _review, "break": _break, "fix": _fix}
