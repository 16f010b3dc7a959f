"""The console in a real browser: every page in four windows, as axe-core judges it; links, filters and buttons."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from google.cloud import firestore
from playwright.sync_api import Browser, Page, expect

from infra.local.stack import Stack
from shared.clock import pacific_day
from shared.collection.jobs import Job
from shared.console.page import pages
from tests.end_to_end.console.network import EVIL, load_reports
from tests.stands import packed

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
SERIOUS = {"serious", "critical"}
SCREENS = os.environ.get("YT_SCREENSHOTS", "")  # a folder, for a person who wants to look
FULL = "UC-unticked"
ADDRESSES = {
    **{name: f"/console/{name}" for name in pages()},
    "overview": "/console",
    "channel": f"/console/channel?channel={FULL}",
    "cell": f"/console/cell?channel={FULL}&day=2026-11-02&column=views",
    "videos": f"/console/videos?channel={FULL}",
    "video": f"/console/video?channel={FULL}&video=aaaaaaaaaaa",
    "quota": "/console/quota?bucket=default",
    "question": "/console/question?name=late_channels&before=2026-12-31",
}


@pytest.fixture(scope="module", autouse=True)
def _filled(running: Stack) -> Iterator[None]:
    """Reports of forty days, and a day that is missing, for the charts and grids."""
    load_reports(running, date(2026, 11, 1), [10_000 + 900 * (n % 7) + 110 * n for n in range(20)], [FULL])
    now = running.now()
    missing = pacific_day(now) - timedelta(days=20)
    job = Job(
        name=f"{FULL}:channel_basic_a3", channel_id=FULL, report_type="channel_basic_a3", job_id="j",
        created_at=now - timedelta(days=10), since=now - timedelta(days=10), seen_at=now,
        absent=(missing.isoformat(),), at_risk=True,
    )  # fmt: skip
    state = firestore.Client(project=running.env["GOOGLE_CLOUD_PROJECT"])
    packed.put(state, job)
    yield
    packed.forget(state, FULL)


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Page]:
    """A window of any width and scheme; axe-core runs in it beside the page's own policy."""
    context = chromium.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


def turned(window: Page) -> Iterator[str]:
    """The window as it is on a desk and in a hand, by day and by night: a page is drawn anew, and not loaded."""
    for width, scheme in ((1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")):
        window.set_viewport_size({"width": width, "height": 900})
        window.emulate_media(color_scheme=scheme)
        yield f"{width}-{scheme}"


@pytest.mark.parametrize("name", ADDRESSES)
def test_every_page_can_be_read_by_everybody_in_every_window(running, window, name):
    answer = window.goto(f"{running.url('gateway')}{ADDRESSES[name]}")
    assert answer is not None
    assert answer.status == 200
    for label in turned(window):
        assert window.evaluate("document.documentElement.scrollWidth") == int(label.split("-")[0])
        if SCREENS:
            window.screenshot(path=Path(SCREENS) / f"{name}-{label}.png", full_page=True)
    assert window.get_by_role("alert").all_inner_texts() == []
    window.add_script_tag(content=AXE)
    for details in window.locator("details:not([open]) > summary").all():
        details.click()
    for label in turned(window):
        found = window.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        worst = {
            each["id"]: [node["html"] for node in each["nodes"]] for each in found if each["impact"] in SERIOUS
        }
        assert (label, worst) == (label, {})


@pytest.mark.fault(50)
def test_a_hostile_title_is_read_as_it_was_written(open_console):
    page = open_console("/console/channels")
    expect(page).to_have_title("Channels · YTEMPIRE YouTube")
    expect(page.locator("#main")).to_contain_text(EVIL)
    assert page.locator("script").count() == 0


def test_the_style_sheet_holds_without_scripts(open_console):
    for scheme, ground in {"light": "rgb(247, 248, 250)", "dark": "rgb(17, 19, 24)"}.items():
        expect(open_console(scheme=scheme).locator("body")).to_have_css("background-color", ground)


def test_the_keyboard_reaches_the_page_first_and_then_the_navigation(open_console):
    page = open_console()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Overview")).to_be_focused()


def test_the_filter_works_without_scripts(open_console):
    page = open_console("/console/channels")
    rows = page.get_by_role("region", name="Channels: table").locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("State").select_option("Connect again")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"state=reauth_required"))
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Foam")


def test_what_is_not_well_leads_to_the_channel_and_its_missing_day_has_a_reason_and_a_deadline(open_console):
    page = open_console()
    page.get_by_role("link", name="Foam: Connect again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Foam")
    page.get_by_role("link", name="Channels").first.click()
    page.get_by_role("link", name="Salt").click()
    row = page.get_by_role("region", name="Missing days: table").locator("tbody tr")
    expect(row).to_contain_text("YouTube has never issued it")
    expect(row.locator("time")).to_have_count(2)


def test_the_retry_button_queues_the_operation_and_says_so(open_console):
    page = open_console("/console/operations")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_contain_text("The operation is queued again")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    expect(page.get_by_role("region", name="Not done yet: table").locator("tbody tr")).to_have_count(2)


def test_a_page_that_is_not_there_leads_back(open_console):
    page = open_console("/console/elsewhere")
    expect(page.get_by_role("alert")).to_have_text("There is no such page.")
    page.get_by_role("link", name="Back to the overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
