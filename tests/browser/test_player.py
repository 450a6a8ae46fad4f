"""The page of a witness: stepped by keyboard, at every width, light and dark, for every reader."""

from dataclasses import replace

import pytest
from report_programs import Counter, Kitchen, add_one, final_value, salad, soup

from lab.passing import Passing
from lab.report.folder import Item, records_of, write
from lab.report.html.report import record_of, report_page
from lab.trace import Place, Step, Trace


@pytest.fixture
def verdict(explored):
    actors = {"alice": add_one, "bob": add_one}
    return explored(
        "lost_update", Counter, actors, orders=["alice bob bob alice"], outcome=final_value, allowed={2: "both counted"}
    )


@pytest.fixture
def lost_update(verdict, tmp_path):
    return written(tmp_path, verdict)


@pytest.fixture
def deadlock(explored, tmp_path):
    return written(tmp_path, explored("deadlock", Kitchen, {"alice": soup, "bob": salad}, orders=["alice bob"]))


def written(folder, verdict):
    page = folder / "page.html"
    page.write_text(report_page(record_of(verdict)), encoding="utf-8")
    return page


def current(page):
    return page.locator(".run.chosen [aria-current=step] a").text_content()


def cells(page, table):
    rows = page.locator(f"table.{table} tbody tr:visible")
    return [rows.nth(number).locator("th, td").all_inner_texts() for number in range(rows.count())]


def test_a_witness_is_stepped_by_keyboard(lost_update, visit):
    with visit(lost_update) as page:
        assert current(page) == "1"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("j")
        assert current(page) == "3"
        assert page.get_by_role("status").inner_text() == (
            "Step 3 of 4: bob writes counter.value 1 (report_programs.py:14). A critical step."
        )
        assert cells(page, "values") == [["counter.value", "1"]]
        assert cells(page, "actors") == [["alice", "13", "may go on"], ["bob", "14", "writes counter.value 1"]]
        page.keyboard.press("k")
        assert (current(page), cells(page, "values")) == ("2", [["counter.value", "0"]])
        page.keyboard.press("c")
        assert current(page) == "3"
        page.keyboard.press("c")
        assert current(page) == "1"
        page.locator(".steps").click()
        page.keyboard.press("End")
        assert current(page) == "4"
        assert page.locator(".line.stepping").get_attribute("data-line") == "14"
        page.keyboard.press("ArrowRight")
        assert current(page) == "4"
        page.keyboard.press("Home")
        assert current(page) == "1"


def test_a_witness_is_stepped_by_buttons_and_by_touch(lost_update, visit):
    with visit(lost_update, width=360, has_touch=True) as page:
        page.get_by_role("button", name="One step on").tap()
        assert current(page) == "2"
        page.get_by_role("button", name="Critical step 3").tap()
        assert current(page) == "3"
        page.locator(".steps li").nth(3).tap()
        assert current(page) == "4"
        page.get_by_role("slider", name="Step").fill("2")
        assert current(page) == "2"
        assert page.get_by_role("slider").get_attribute("aria-valuetext") == "step 2 of 4"


def test_who_has_what_and_waits_for_what(deadlock, visit):
    with visit(deadlock) as page:
        assert cells(page, "locks") == [["kitchen.tools['knife']", "alice", ""]]
        page.keyboard.press("j")
        assert cells(page, "locks") == [
            ["kitchen.tools['knife']", "alice", "bob"],
            ["kitchen.tools['board']", "bob", "alice"],
        ]
        assert cells(page, "actors") == [
            ["alice", "46", "waits for kitchen.tools['board']"],
            ["bob", "46", "waits for kitchen.tools['knife']"],
        ]
        assert page.get_by_role("img").get_attribute("aria-labelledby") == "waits-graph"
        assert page.locator("#waits-graph").text_content() == (
            "Who waits for whom: alice waits for kitchen.tools['board'], which bob has; "
            "bob waits for kitchen.tools['knife'], which alice has"
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_reader_can_read_it(lost_update, visit, accessible, fits, scheme):
    with visit(lost_update, scheme=scheme) as page:
        page.keyboard.press("ArrowRight")
        for width in (360, 768, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            fits(page)
        accessible(page)


def test_a_standstill_can_be_read_on_a_telephone(deadlock, visit, accessible, fits):
    with visit(deadlock, width=360, scheme="dark") as page:
        fits(page)
        accessible(page)


def test_it_reads_well_without_scripts(lost_update, visit):
    with visit(lost_update, java_script_enabled=False) as page:
        assert page.locator(".steps li:visible").count() == 4
        assert page.locator(".source .line:visible").count() == 3
        assert page.locator(".bar:visible, .state:visible").count() == 0


def test_on_paper_all_steps_are_listed(lost_update, visit):
    with visit(lost_update, scheme="dark") as page:
        page.emulate_media(media="print")
        back = page.evaluate("getComputedStyle(document.querySelector('.critical')).backgroundColor")
        assert min(map(int, back.removeprefix("rgb(").removesuffix(")").split(", "))) > 150  # not as on a dark screen
        assert page.locator(".steps li:visible").count() == 4
        assert page.locator("button:visible").count() == 0


def test_an_order_that_passes_is_stepped_beside_it(verdict, tmp_path, visit, accessible):
    first, second, third, fourth = verdict.witness.trace.steps
    verdict.passing = Passing(("alice", "bob"), Trace((first, fourth, second, third)), 2)
    with visit(written(tmp_path, verdict), width=1920) as page:
        page.get_by_role("button", name="passes").click()
        page.keyboard.press("ArrowRight")
        assert page.get_by_role("status").inner_text() == (
            "Step 2 of 4: alice writes counter.value 1 (report_programs.py:14). From here on it differs."
        )
        assert page.locator(".run:visible").count() == 2
        accessible(page)
        page.locator("[data-run='0'] li").nth(2).click()
        assert page.get_by_role("button", name="fails").get_attribute("aria-pressed") == "true"
        assert current(page) == "3"
        page.set_viewport_size({"width": 1280, "height": 800})
        assert page.locator(".run:visible").count() == 1


# ------------------------------------------------------------------ long ones


@pytest.fixture
def long(verdict, tmp_path):
    """A witness of 500 steps, and one that passes of as many."""
    place = verdict.witness.trace.steps[0].place
    steps = [
        Step("alice" if number // 3 % 2 else "bob", place, "writes", f"counter.items['key-{number % 37}']", str(number))
        for number in range(500)
    ]
    verdict.witness = replace(verdict.witness, trace=Trace(tuple(steps)), critical=(100, 400))
    verdict.passing = Passing(("alice", "bob"), Trace(tuple(reversed(steps))), 2)
    return written(tmp_path, verdict)


def test_a_long_witness_is_light(long):
    assert long.stat().st_size <= 400_000


def test_a_step_lays_the_page_out_once_or_twice(long, visit):
    """Whatever there is to see of 500 steps: that is what a step costs, on any machine."""
    with visit(long) as page:
        measure = page.context.new_cdp_session(page)
        measure.send("Performance.enable")

        def layouts():
            return next(
                one["value"]
                for one in measure.send("Performance.getMetrics")["metrics"]
                if one["name"] == "LayoutCount"
            )

        page.keyboard.press("ArrowRight")
        before = layouts()
        page.evaluate(PRESS, [50, "ArrowRight"])
        assert current(page) == "52"
        assert layouts() - before <= 2 * 50 + 5


PRESS = """async ([times, key]) => {
    for (let time = 0; time < times; time += 1) {
        await new Promise(requestAnimationFrame);
        document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    }
}"""


def test_the_step_is_always_in_view(long, visit):
    with visit(long, width=360) as page:
        page.locator(".run.chosen .scroll").focus()
        for key, number in (("End", "500"), ("Home", "1"), ("c", "100"), ("c", "400"), ("ArrowUp", "399")):
            page.keyboard.press(key)
            assert current(page) == number
            page.wait_for_timeout(50)
            assert page.evaluate(IN_VIEW), key


IN_VIEW = """() => {
    const item = document.querySelector(".run.chosen [aria-current]").getBoundingClientRect();
    const box = document.querySelector(".run.chosen .scroll").getBoundingClientRect();
    return item.top >= box.top && item.bottom <= box.bottom;
}"""


# ------------------------------------------------------------------ hostile ones


def test_nothing_in_a_page_runs(verdict, tmp_path, visit, accessible, fits):
    """The visit ends with an error if anything was written to the console, as a breach of the policy is."""
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&\u2028\u202e"
    file = tmp_path / "<b>.py"
    file.write_text(f"x = 1  # {evil}\n{'y' * 2000} = 2\n", encoding="utf-8")
    steps = [
        Step(actor, Place(str(file), evil, 0, "x", line), "writes", evil, evil)
        for actor, line in ((evil, 1), ("bob", 2))
    ]
    failure = replace(verdict.failure, kind="deadlock", message=evil, detail=(f"bob waits for {evil} at <b>.py:1",))
    verdict.witness = replace(
        verdict.witness, actors=(evil, "bob"), trace=Trace(tuple(steps)), failure=failure, story=evil, critical=(1, 2)
    )
    verdict.failure, verdict.title, verdict.replay = failure, evil, evil
    with visit(written(tmp_path, verdict), width=360) as page:
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        page.keyboard.press("ArrowRight")
        assert page.locator("img:not([role])").count() == 0
        assert page.locator("script").count() == 2
        fits(page)
        accessible(page)


# ------------------------------------------------------------------ the list of a run


def test_the_list_of_reports(verdict, tmp_path, visit, accessible, fits):
    node = "tests/test_counters.py::test_counter[" + "x" * 120 + "]"
    write(tmp_path, [Item(node, False, records_of([verdict], tmp_path, False))])
    with visit(tmp_path / "index.html", width=360) as page:
        fits(page)
        accessible(page)
        page.get_by_role("link", name="tests/test_counters.py").first.click()
        assert page.get_by_role("heading", name="Step by step").is_visible()
