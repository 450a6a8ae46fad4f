"""The page of a witness: stepped by keyboard, at every width, light and dark, for every reader."""

import pytest
from report_programs import Counter, Kitchen, add_one, final_value, salad, soup

from lab.report.html.report import record_of, report_page


@pytest.fixture
def lost_update(explored, tmp_path):
    verdict = explored(
        "lost_update",
        Counter,
        {"alice": add_one, "bob": add_one},
        orders=["alice bob bob alice"],
        outcome=final_value,
        allowed={2: "both counted"},
    )
    return written(tmp_path, verdict)


@pytest.fixture
def deadlock(explored, tmp_path):
    return written(tmp_path, explored("deadlock", Kitchen, {"alice": soup, "bob": salad}, orders=["alice bob"]))


def written(folder, verdict):
    page = folder / "page.html"
    page.write_text(report_page(record_of(verdict)), encoding="utf-8")
    return page


def current(page):
    return page.locator(".run.chosen [aria-current=step] a").inner_text()


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
    with visit(lost_update) as page:
        page.emulate_media(media="print")
        assert page.locator(".steps li:visible").count() == 4
        assert page.locator("button:visible").count() == 0
