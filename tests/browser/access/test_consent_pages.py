import re

import pytest
from playwright.sync_api import expect

from shared.access.requests import COOKIE

FIRST = 8  # of the accounts that are there for Chromium


def choose(page, account, channel=0):
    """Pick a Google account and one of its channels."""
    page.locator("button[name=account]").nth(FIRST + account).click()
    page.locator("button[name=channel]").nth(channel).click()


def heading(page):
    return page.get_by_role("heading", level=1)


def test_everything_granted_ends_on_a_page_that_names_the_channel(page, press_connect, screenshots):
    press_connect(page, "browser-1")
    page.locator("button[name=account]").nth(FIRST).click()
    first = page.locator("button[name=channel]").nth(0)
    title = first.evaluate("button => button.childNodes[0].textContent.trim()")
    first.click()
    page.screenshot(path=screenshots / "google-consent.png")
    page.get_by_role("button", name="Continue").click()
    expect(heading(page)).to_have_text("Your channel is connected")
    expect(page.get_by_role("listitem").first).to_have_text(f"Connected: {title}")
    assert re.search(r"/auth/youtube/done\?ref=[0-9a-f]{64}$", page.url)
    page.screenshot(path=screenshots / "connected.png")


def test_the_binding_cookie_is_kept_by_a_real_browser_and_hidden_from_scripts(page, press_connect):
    press_connect(page, "browser-2")
    [cookie] = [found for found in page.context.cookies() if found["name"] == COOKIE]
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["path"] == "/"


@pytest.mark.fault(6)
def test_one_box_unticked_is_named_on_the_page(page, press_connect, screenshots):
    press_connect(page, "browser-3")
    choose(page, 1)
    page.locator("input[name=scope][value$='yt-analytics-monetary.readonly']").uncheck()
    page.get_by_role("button", name="Continue").click()
    expect(heading(page)).to_have_text("Your channel is connected")
    expect(page.get_by_text("Revenue was not ticked")).to_be_visible()
    page.screenshot(path=screenshots / "revenue-unticked.png")


@pytest.mark.fault(5)
def test_access_denied_ends_on_a_plain_page_with_a_way_back(page, press_connect, screenshots, running):
    press_connect(page, "browser-4")
    choose(page, 2)
    page.get_by_role("button", name="Cancel").click()
    expect(heading(page)).to_have_text("You did not give access")
    back = page.get_by_role("link", name="Back to the app, to try again")
    assert back.get_attribute("href") == running.url("gateway")
    page.screenshot(path=screenshots / "denied.png")


@pytest.mark.fault(2)
def test_a_link_finished_in_another_browser_connects_nothing(page, press_connect, chromium, screenshots):
    press_connect(page, "browser-5")
    victim = chromium.new_context().new_page()
    victim.goto(page.url)
    choose(victim, 3)
    victim.get_by_role("button", name="Continue").click()
    expect(heading(victim)).to_have_text("This sign-in was started in another browser")
    victim.screenshot(path=screenshots / "other-browser.png")
    victim.context.close()


@pytest.mark.fault(2)
def test_another_site_s_form_is_refused_by_a_real_browser_s_origin(page, running):
    app = running.url("gateway")
    token = running.user_token("mallory")
    evil = app.replace("127.0.0.1", "localhost")
    form = (
        f'<form method="post" action="{app}/auth/youtube/start"><input name="id_token" value="{token}">'
        "<button>Win</button></form>"
    )
    page.route(f"{evil}/evil", lambda route: route.fulfill(content_type="text/html", body=form))
    page.goto(f"{evil}/evil")
    page.get_by_role("button", name="Win").click()
    expect(heading(page)).to_have_text("This request did not come from the app")


@pytest.mark.fault(1)
def test_going_back_and_forward_after_success_shows_no_error(page, press_connect):
    press_connect(page, "browser-6")
    choose(page, 0, channel=1)
    page.get_by_role("button", name="Continue").click()
    expect(heading(page)).to_have_text("Your channel is connected")
    page.reload()
    expect(heading(page)).to_have_text("Your channel is connected")


def test_two_tabs_can_be_under_way_at_once(page, press_connect):
    press_connect(page, "browser-7")
    other = page.context.new_page()
    press_connect(other, "browser-7")
    for tab, channel in ((page, 0), (other, 1)):
        choose(tab, 3, channel=channel)
        tab.get_by_role("button", name="Continue").click()
        expect(heading(tab)).to_have_text("Your channel is connected")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_read_in_any_light_at_any_size_and_without_styles(page, running, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 600})
    page.goto(f"{running.url('gateway')}/auth/youtube/done?outcome=denied")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("main").count() == 1
    assert heading(page).count() == 1
    assert page.evaluate("document.scripts.length") == 0
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert contrast(ink, paper) >= 7  # WCAG AAA


def contrast(one, other):
    lights = sorted((_luminance(one), _luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
