"""The console in a real browser that runs no scripts: styles hold, links and buttons work, nothing overflows."""

import re
from datetime import timedelta

import pytest
from google.cloud import firestore
from playwright.sync_api import expect

from shared.clock import pacific_day
from shared.collection.jobs import JOBS, Job
from tests.end_to_end.console.network import EVIL


@pytest.mark.fault(50)
def test_a_hostile_title_is_read_as_it_was_written(open_console):
    page = open_console()
    expect(page).to_have_title("YTEMPIRE YouTube: 3 channels")
    expect(page.locator("#main")).to_contain_text(EVIL)
    assert page.locator("script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_style_sheet_holds_and_the_page_is_as_wide_as_the_window(open_console, screenshots, scheme, width):
    page = open_console(width=width, scheme=scheme)
    page.screenshot(path=screenshots / f"console-{scheme}-{width}.png", full_page=True)
    ground = {"light": "rgb(244, 245, 248)", "dark": "rgb(18, 20, 26)"}[scheme]
    expect(page.locator("body")).to_have_css("background-color", ground)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_filter_works_without_scripts(open_console):
    page = open_console()
    page.get_by_label("State").select_option("Connect again")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"state=reauth_required"))
    rows = page.get_by_role("region", name="Channels", exact=True).locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Foam")
    page.get_by_role("link", name="Show all 3").click()
    expect(page.get_by_role("region", name="Channels", exact=True).locator("tbody tr")).to_have_count(3)


def test_the_figure_of_those_who_need_somebody_leads_to_them(open_console):
    page = open_console()
    page.locator("dl.figures a[href*=attention]").first.click()
    expect(page.get_by_role("region", name="Channels", exact=True).locator("tbody tr")).to_have_count(1)


def test_the_retry_button_queues_the_operation_and_says_so(open_console):
    page = open_console()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_contain_text("The operation is queued again")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    expect(page.get_by_role("region", name="Operations that are not done yet").locator("tbody tr")).to_have_count(
        2
    )


def test_a_page_that_is_not_there_leads_back(open_console):
    page = open_console("/console/elsewhere")
    expect(page.get_by_role("alert")).to_have_text("There is no such page.")
    page.get_by_role("link", name="Back to the overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("YTEMPIRE YouTube")


@pytest.mark.fault(61)
def test_the_figure_of_days_at_risk_leads_to_the_day_its_reason_and_its_deadline(running, open_console):
    now = running.now()
    missing = pacific_day(now) - timedelta(days=20)
    job = Job(
        name="UC-unticked:channel_basic_a3", channel_id="UC-unticked", report_type="channel_basic_a3", job_id="j",
        created_at=now - timedelta(days=10), since=now - timedelta(days=10), seen_at=now,
        absent=(missing.isoformat(),), at_risk=True,
    )  # fmt: skip
    document = firestore.Client(project=running.env["GOOGLE_CLOUD_PROJECT"]).document("reports", job.name)
    document.set(JOBS.fields(job))
    page = open_console()
    figure = page.locator("dl.figures a[href='#reports']")
    expect(figure).to_have_text("1")
    figure.click()
    row = page.get_by_role("region", name="Reports", exact=True).locator("tbody tr")
    expect(row).to_contain_text(f"{missing}: YouTube has never issued it")
    expect(row).to_contain_text("lost on")
    document.delete()
