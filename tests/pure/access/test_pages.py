import base64
import hashlib
import re

import pytest

from infra.deployment import ROOT
from shared import pages
from shared.console.page import headers as console_headers
from shared.pages import known_reasons

SPOKEN_TO_PEOPLE = (
    "access/consent",
    "access/connect",
    "access/requests",
    "cloud/identity",
    "entry",
    "tokens/health",
    "tokens/google_oauth",
    "rate_limits/limiter",
    "vault/keyring",
)
FOR_PROGRAMS = {
    "oauthClient",
    "oauthClientSecret",
    "secretMissing",
    "secretUnusable",
    "insecureTransport",
    "bodyUnreadable",
    "messageUnreadable",
}


@pytest.mark.parametrize("module", SPOKEN_TO_PEOPLE)
def test_every_reason_that_a_person_can_meet_has_words_of_its_own(module):
    source = (ROOT / "shared" / f"{module}.py").read_text()
    reasons = set(re.findall(r'reason="(\w+)"', source))
    assert reasons - FOR_PROGRAMS <= known_reasons()


def test_an_unknown_reason_is_a_plain_apology():
    words = pages.words_for("<script>")
    assert words.title == "Something went wrong"


@pytest.mark.case("A5")
@pytest.mark.parametrize("reason", ["<script>", "connectionUnknown"])
def test_where_a_channel_may_be_connected_nothing_else_is_claimed(reason):
    text = pages.words_for(reason).text
    assert "The app shows which channels are connected" in text
    assert "Nothing was" not in text


def test_what_is_shown_is_escaped():
    hostile = '"><script>alert(1)</script>'
    answer = pages.page(pages.words_for("connected"), notes=(hostile,), home=hostile)
    body = answer.get_data(as_text=True)
    assert "<script" not in body
    assert "&lt;script&gt;" in body


def test_the_one_style_is_allowed_by_its_hash_and_nothing_else_is():
    answer = pages.page(pages.words_for("denied"))
    style = re.search(r"<style>(.*?)</style>", answer.get_data(as_text=True), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "headers",
    [pages.page(pages.words_for("denied")).headers, console_headers()],
    ids=["a page of the consent's way", "a page of the console"],
)
def test_no_page_can_be_put_into_another_sites_frame(headers):
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"].split("; ")
    assert headers["X-Frame-Options"] == "DENY"  # for browsers that do not know the policy


def test_a_redirect_is_a_303_that_leaves_no_trace():
    answer = pages.redirect("https://accounts.google.com/")
    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
