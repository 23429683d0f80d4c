"""The page in a real browser, offline: nothing fails, charts are drawn, the list answers, phones and the dark work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from monitoring.dashboard.page import render
from tests.monitoring.dashboard.sample import AS_OF, model_card, no_frames, sample_frames, small_model_card

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOSTILE = '<img src=x onerror="document.title=1">'
CHARTS = 17


def chromium() -> str:
    """The browser: what CHROMIUM names, else the first found on PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.fail("The dashboard's browser tests need Chromium: install chromium or set CHROMIUM to its path.")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """File URLs of the page: full, hostile, empty, small and big."""
    folder = tmp_path_factory.mktemp("dashboard")
    full = sample_frames()
    hostile = full.at_risk.assign(student_id=[HOSTILE, *full.at_risk["student_id"][1:]])
    hostile.loc[0, ["reason_1", "risk", "risk_band"]] = ["</script><b>bold</b>", 0.999, "high"]
    made = {
        "full": render(full, AS_OF, model_card()),
        "hostile": render(replace(full, at_risk=hostile), AS_OF, model_card()),
        "empty": render(no_frames(), AS_OF, {}),
        "small": render(sample_frames(12), AS_OF, small_model_card()),
        "big": render(sample_frames(8400), AS_OF, model_card()),
    }
    for name, text in made.items():
        Path(folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in made}


@dataclass
class Visit:
    """Opens pages and keeps what they complained about and asked for."""

    browser: Browser
    urls: dict[str, str]
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __call__(self, name: str, width: int = 1280, **options: Any) -> Page:
        options = {"viewport": {"width": width, "height": 900}, "offline": True, "reduced_motion": "reduce"} | options
        page = self.browser.new_context(**options).new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(self.urls[name])
        page.wait_for_selector("html[data-charts=drawn]", timeout=60_000)
        return page


@pytest.fixture
def visit(browser: Browser, pages: dict[str, str]) -> Iterator[Visit]:
    visitor = Visit(browser, pages)
    yield visitor
    for context in browser.contexts:
        context.close()
    assert visitor.complaints == []
    assert [url for url in visitor.requests if not url.startswith(("file:", "data:"))] == []


def rows(page: Page) -> Any:
    return page.locator("#students tbody tr")


def column(page: Page, name: str) -> list[str]:
    return [text.strip() for text in page.locator(f"#students tbody .{name}").all_inner_texts()]


@pytest.mark.parametrize(("name", "charts"), [("full", CHARTS), ("empty", 0), ("small", CHARTS), ("hostile", CHARTS)])
def test_charts_are_drawn_and_nothing_complains(visit: Visit, name: str, charts: int) -> None:
    page = visit(name)
    assert page.locator("[data-chart]").count() == charts
    assert page.locator("[data-chart] svg").count() == charts
    heights = page.locator("[data-chart] svg").evaluate_all("all => all.map(s => s.getBoundingClientRect().height)")
    assert all(height > 60 for height in heights)


def test_names_with_html_show_as_text(visit: Visit) -> None:
    page = visit("hostile")
    expect(page.locator("#students tbody th").first).to_have_text(HOSTILE)
    expect(page.locator("#students .reasons li").first).to_have_text("</script><b>bold</b>")
    assert page.locator("#students img, #students b b").count() == 0
    assert page.title() == "Learner Radar: 2024-12-02"


def test_high_risk_comes_first(visit: Visit) -> None:
    page = visit("full")
    assert rows(page).count() == 20
    risks = [int(text.split("%")[0]) for text in column(page, "risk")]
    assert risks == sorted(risks, reverse=True)
    assert "high" in column(page, "risk")[0]
    expect(page.locator("#status")).to_have_text("Showing 1–20 of 300 students")


def test_a_row_tells_the_risk_so_far_and_the_last_contact(visit: Visit) -> None:
    page = visit("full")
    assert page.locator("#students svg.spark").count() == 20
    told = page.locator("#students svg.spark").first.get_attribute("aria-label") or ""
    assert told.startswith("Risk so far: ")
    assert told.removesuffix("%").split(", ")[-1] == column(page, "risk")[0].split("%")[0]
    contacted = page.locator("#students .contacted")
    assert contacted.count() > 0
    assert set(contacted.all_inner_texts()) == {"Contacted on 27 Nov 2024"}


def test_alerts_are_told_with_the_decision_to_train(visit: Visit) -> None:
    page = visit("full")
    expect(page.locator("#model .alerts li")).to_have_count(2)
    expect(page.locator("#model .alerts li").first).to_contain_text("Critical 4.1 rows of silver.messages")
    expect(page.locator("#model .takeaway").first).to_have_text(
        "1 alert to act on; 1 observation beside. "
        "Train again: yes, the newest version was trained 28 days ago, more than 21."
    )
    expect(page.locator("#quality a")).to_have_attribute("href", "data_docs/index.html")


def test_filters_narrow_the_list(visit: Visit) -> None:
    page = visit("full")
    page.locator(".chips label", has_text="Medium").click()
    assert {text.split()[-1] for text in column(page, "risk")} == {"medium"}
    page.select_option("select[name=language]", "French")
    assert set(column(page, "language")) == {"French"}
    page.select_option("select[name=segment]", "Casual Users")
    assert set(column(page, "segment")) == {"Casual Users"}
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#status")).to_have_text("Showing 1–20 of 300 students")


def test_search_looks_at_names_reasons_and_actions(visit: Visit) -> None:
    page = visit("full")
    page.get_by_role("searchbox").fill("S1042")
    assert column(page, "student_id") == ["S1042"]
    page.get_by_role("searchbox").fill("PRAISE corrected")
    found = column(page, "suggested_action")
    assert found
    assert all("praise" in text for text in found)
    page.get_by_role("searchbox").fill("nobody has this name")
    expect(page.locator("#status")).to_have_text("No student matches")
    expect(page.locator("#students tbody")).to_contain_text("Clear the filters")


@pytest.mark.parametrize("name", ["Student", "Risk", "Why", "What would help", "Segment", "Language", "Silent"])
def test_every_column_sorts_both_ways(visit: Visit, name: str) -> None:
    page = visit("full")
    header = page.get_by_role("columnheader", name=name)
    button = header.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    first = header.get_attribute("aria-sort")
    key = (header.get_attribute("class") or "").split()[0]
    one = column(page, key)[0]
    page.keyboard.press("Enter")
    assert {first, header.get_attribute("aria-sort")} == {"ascending", "descending"}
    assert column(page, key)[0] != one
    assert page.locator("#students [aria-sort]").count() == 1


def test_names_sort_by_number(visit: Visit) -> None:
    page = visit("big")
    page.get_by_role("button", name="Student").click()
    assert column(page, "student_id")[:2] == ["S1000", "S1001"]
    page.get_by_role("button", name="Student").click()
    assert column(page, "student_id")[0] == "S6039"


def test_pages_turn(visit: Visit) -> None:
    page = visit("full")
    first = column(page, "student_id")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#status")).to_have_text("Showing 21–40 of 300 students")
    assert not set(first) & set(column(page, "student_id"))
    page.get_by_role("button", name="Previous").click()
    assert column(page, "student_id") == first


@pytest.mark.parametrize("name", ["full", "empty", "small", "hostile"])
@pytest.mark.parametrize("width", [360, 390, 768])
def test_small_screens_do_not_scroll_sideways(visit: Visit, name: str, width: int) -> None:
    page = visit(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widths = page.locator("[data-chart]").evaluate_all(
        "all => all.map(c => c.querySelector('svg').getBoundingClientRect().width - c.clientWidth)"
    )
    assert all(over <= 1 for over in widths)


def test_phones_sort_by_a_choice(visit: Visit) -> None:
    page = visit("full", width=390)
    expect(page.locator("#students thead")).to_be_hidden()
    page.select_option("select[name=sort]", "silent")
    assert column(page, "silent")[0].endswith("14 days")


def test_the_dark_reaches_page_and_charts_without_a_reload(visit: Visit) -> None:
    page = visit("full")
    colours = "[getComputedStyle(document.body).backgroundColor, " \
        "getComputedStyle(document.querySelector('#figure-languages svg text')).fill]"  # fmt: skip
    light = page.evaluate(colours)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colours)
    assert light[0] == "rgb(244, 245, 242)"
    assert dark[0] == "rgb(15, 22, 25)"
    assert light[1] != dark[1]


def test_print_is_light_and_has_a_longer_list(visit: Visit) -> None:
    page = visit("full", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert rows(page).count() == 100
    expect(page.locator("#status")).to_have_text("Showing 1–100 of 300 students")
    expect(page.locator("nav.sections")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert rows(page).count() == 20


def test_five_thousand_rows_load_within_a_second(visit: Visit) -> None:
    times = []
    for _ in range(3):
        page = visit("big")
        expect(page.locator("#status")).to_contain_text("of 5,040 students")
        assert rows(page).count() == 20
        times.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    assert min(times) < 1000


def test_navigation_marks_the_section(visit: Visit) -> None:
    page = visit("full")
    page.locator("nav.sections a", has_text="Segments").click()
    expect(page.locator("nav.sections a[aria-current]")).to_have_text("Segments")


def test_numbers_behind_a_chart_open(visit: Visit) -> None:
    page = visit("full")
    figure = page.locator("#figure-error-by-level")
    figure.locator("summary").click()
    expect(figure.locator("table")).to_contain_text("4,210")


@pytest.mark.parametrize("width", [1090, 1180, 1280])
def test_reasons_have_room(visit: Visit, width: int) -> None:
    page = visit("full", width=width)
    assert page.locator("#students td.reason_1").first.bounding_box()["width"] > 200
    overflow = "all => all.filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"
    assert page.locator("#students th, #students td").evaluate_all(overflow) == 0


def test_printed_rows_stay_low(visit: Visit) -> None:
    page = visit("full", width=760)
    page.emulate_media(media="print")
    heights = page.locator("#students tbody tr").evaluate_all("all => all.map(r => r.getBoundingClientRect().height)")
    assert max(heights) < 140
