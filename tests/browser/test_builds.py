"""The page of several builds: it fits, everybody can read it, and nothing in it runs."""

import pytest
from given_builds import column, figures, free

from lab.builds import Outcome
from lab.report.builds import builds_page

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_everybody_can_read_it(tmp_path, visit, accessible, fits, width, scheme):
    hostile = figures(
        3, variant="fixed", title=EVIL, outcomes=(Outcome(EVIL, 9, True, EVIL),), notes=(f"note: {EVIL}",)
    )
    columns = [column(figures(0, 230), figures(variant="fixed")), *[free(figures(31, 300), hostile)] * 3]
    file = tmp_path / "builds.html"
    file.write_text(builds_page(columns), encoding="utf-8")
    with visit(file, width=width, scheme=scheme) as page:
        assert page.locator("h2").count() == 2
        assert page.locator("table").first.locator("thead th").count() == 5
        assert page.get_by_text("forbidden").count() == 3
        accessible(page)
        fits(page)
