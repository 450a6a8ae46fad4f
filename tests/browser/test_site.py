"""The site, opened from the file system: played by keyboard and by hand, searched, at every width, for every reader."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.site.building import build

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue") / "scenarios"
    for name in ("atomicity/lost_update.py", "deadlock/lock_order.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SCENARIOS / name, folder / name)
    made = tmp_path_factory.mktemp("site")
    assert build(made, folder).broken == []
    return made


def told(page):
    return page.locator(".side:not([hidden]) .verdict").inner_text()


def choices(page):
    return page.locator(".side:not([hidden]) .choices button:not(:disabled) b").all_inner_texts()


def press(page, keys):
    for key in keys.split():
        page.keyboard.press(key)


def test_a_scenario_is_played_to_the_win_with_the_keyboard(site, visit):
    with visit(site / "atomicity-lost_update.html") as page:
        assert choices(page) == ["alice", "bob"]
        press(page, "1 2 2")
        assert choices(page) == ["alice"]
        press(page, "1")
        assert told(page) == (
            "You broke it: outcome 1: one increment lost (allowed: 2). 4 steps, 2 switches. Par is 4 steps, 2 switches."
        )
        assert page.locator(".score").inner_text() == "Your best: 4 steps. Now try the fixed code."
        steps = page.locator(".side:not([hidden]) .log li")
        assert [" ".join(text.split()) for text in steps.all_inner_texts()] == [
            "alice reads counter.value 0 line 30",
            "bob reads counter.value 0 line 30",
            "bob writes counter.value 1 line 31",
            "alice writes counter.value 1 line 31",
        ]
        page.reload()
        assert page.locator(".score").inner_text().startswith("Your best: 4 steps.")
        page.goto((site / "index.html").as_uri())
        assert page.locator("[data-file='atomicity-lost_update.html'] .won").inner_text() == "won in 4 steps"


def test_steps_are_undone_and_hinted(site, visit):
    with visit(site / "atomicity-lost_update.html") as page:
        press(page, "1 1")
        press(page, "h")
        assert told(page) == "No failure can be reached from here: undo."
        press(page, "u h")
        assert page.locator(".side:not([hidden]) button.hinted b").inner_text() == "bob"
        press(page, "1 1 1")
        assert told(page).startswith("It went well: outcome 2: both increments counted.")
        press(page, "r")
        assert choices(page) == ["alice", "bob"]
        assert page.locator(".side:not([hidden]) .log li").count() == 0


def test_the_fixed_code_cannot_be_won_and_says_why(site, visit):
    with visit(site / "atomicity-lost_update.html") as page:
        page.get_by_role("button", name="Fixed").click()
        why = page.locator(".side:not([hidden]) .why").inner_text()
        assert why == "This cannot be won: all 2 classes of schedules were covered, and none fails. Try it."
        press(page, "1")
        blocked = page.locator(".side:not([hidden]) .choices button:disabled").inner_text()
        assert "waits for counter._lock, which alice holds" in blocked
        for _ in range(20):
            if not choices(page):
                break
            press(page, "1")
        assert told(page).startswith(
            "It went well: outcome 2: both increments counted. You have come to 1 of 1 different ending"
        )


def test_a_deadlock_is_played_by_touch(site, visit):
    with visit(site / "deadlock-lock_order.html", width=360, has_touch=True) as page:
        page.locator(".side:not([hidden]) .choices button").nth(0).tap()
        page.locator(".side:not([hidden]) .choices button:not(:disabled)").nth(1).tap()
        assert told(page).startswith("You broke it: deadlock: ")
        rows = page.locator(".side:not([hidden]) table.held tr")
        assert rows.count() == 2


def test_the_game_works_where_nothing_can_be_kept(site, visit):
    with visit(site / "atomicity-lost_update.html") as page:
        page.evaluate("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied') } })")
        press(page, "1 2 2 1")
        assert told(page).startswith("You broke it")


def test_an_order_that_passes_stands_beside_each_that_fails(site, visit, accessible):
    with visit(site / "atomicity-lost_update.html", width=360) as page:
        page.get_by_text("Step through its failure").click()
        for name in ("witness", "witness-still_unsafe"):
            player = page.locator(f"#{name}")
            player.get_by_role("button", name="passes").click()
            assert player.locator(".run.chosen h3").inner_text().startswith("An order that passes (")
            player.locator(".run.chosen").get_by_role("link", name="4").click()
            assert player.locator(".run.chosen [aria-current=step] a").inner_text() == "4"
        accessible(page)


def test_without_scripts_the_page_reads_well(site, visit):
    with visit(site / "atomicity-lost_update.html", java_script_enabled=False) as page:
        assert page.get_by_text("The game needs JavaScript").is_visible()
        assert page.locator("table.diff").first.is_visible()
        assert not page.locator(".game").is_visible()


def test_search_and_filters(site, visit):
    def shown(page):
        return page.locator(".card:visible h2").all_inner_texts()

    with visit(site / "index.html") as page:
        assert shown(page) == ["Lost update", "Lock order"]
        page.get_by_label("Search").fill("cwe-833 COOK")
        assert shown(page) == ["Lock order"]
        assert page.locator("#count").inner_text() == "1 scenario"
        page.get_by_label("Search").fill("zebra")
        assert page.locator("#count").inner_text() == "Nothing fits; leave out a word or a filter."
        page.get_by_label("Search").fill("")
        page.locator("#bug").select_option("atomicity violation")
        assert shown(page) == ["Lost update"]
        page.locator("#bug").select_option("")
        page.locator("#order").select_option("-score")
        assert sorted(shown(page)) == ["Lock order", "Lost update"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 1920])
@pytest.mark.parametrize("name", ["index", "glossary", "atomicity-lost_update", "deadlock-lock_order"])
def test_pages_fit(site, visit, fits, name, width, scheme):
    with visit(site / f"{name}.html", width=width, scheme=scheme) as page:
        fits(page)
        press(page, "1 2 1 1")
        fits(page)


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("index", 1280, "light"),
        ("index", 360, "dark"),
        ("glossary", 360, "dark"),
        ("atomicity-lost_update", 360, "light"),
        ("deadlock-lock_order", 1280, "dark"),
    ],
)
def test_pages_can_be_read_by_everybody(site, visit, accessible, name, width, scheme):
    with visit(site / f"{name}.html", width=width, scheme=scheme) as page:
        press(page, "1 2 1 1")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        accessible(page)
