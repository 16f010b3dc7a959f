"""The consent page as a person sees it: clicked through as forms, without a script."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from infra.local.simulator.grants import Client
from infra.local.simulator.state import Simulator
from tests.end_to_end.simulator import plain

EMAIL = "user-002@example.test"
YOUTUBE = "https://www.googleapis.com/auth/youtube"
MONETARY = "https://www.googleapis.com/auth/yt-analytics-monetary.readonly"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Form(HTMLParser):
    """What a browser would send from a page with one form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        if tag == "input" and (found["type"] == "hidden" or "checked" in found):
            self.fields.append((found["name"], found["value"]))
        if tag == "button":
            self.buttons.append((found["name"], found["value"]))


@pytest.fixture
def browser(simulator: Simulator):
    with plain.client(simulator.root) as client:
        yield client


@pytest.fixture
def query(simulator: Simulator) -> dict[str, str]:
    client: Client = next(iter(simulator.grants.clients.values()))
    return {
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0],
        "response_type": "code",
        "scope": f"{YOUTUBE} {MONETARY}",
        "access_type": "offline",
        "prompt": "consent",
        "state": "s-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }


def click_through(browser: httpx.Client, query: dict[str, str], place: int) -> Form:
    """Choose the account, then its channel number `place`; the consent form."""
    page = Form(browser.get("/o/oauth2/v2/auth", params=query).text)
    account = next(
        value
        for name, value in page.buttons
        if name == "account" and EMAIL in browser.get(page.action, params=[*page.fields, (name, value)]).text
    )
    page = Form(browser.get(page.action, params=[*page.fields, ("account", account)]).text)
    return Form(browser.get(page.action, params=[*page.fields, page.buttons[place]]).text)


def exchange(browser: httpx.Client, query: dict[str, str], location: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(location).query)["code"][0],
        "redirect_uri": query["redirect_uri"],
        "client_id": query["client_id"],
        "client_secret": "client-secret-1",
        "code_verifier": VERIFIER,
        **changes,
    }
    return browser.post("/token", data={name: value for name, value in form.items() if value})


def consented(browser: httpx.Client, query: dict[str, str]) -> str:
    form = click_through(browser, query, 1)
    answer = browser.post(form.action, data=dict([*form.fields, ("scope", YOUTUBE), ("answer", "continue")]))
    assert answer.status_code == 303
    return answer.headers["location"]


def test_account_channel_and_scopes_are_chosen_by_clicking(
    browser: httpx.Client, query: dict[str, str], simulator: Simulator
):
    form = click_through(browser, query, 1)
    assert [value for name, value in form.fields if name == "scope"] == [YOUTUBE, MONETARY]
    body = [field for field in form.fields if field != ("scope", MONETARY)]
    answer = browser.post(form.action, data=dict([*body, ("answer", "continue")]))
    tokens = exchange(browser, query, answer.headers["location"]).json()
    assert tokens["scope"] == YOUTUBE
    grant = simulator.grants.authenticate(tokens["access_token"])
    assert grant.channel_id == simulator.world.account(EMAIL).channels[1].id


def test_cancel_sends_access_denied_and_no_code(browser: httpx.Client, query: dict[str, str]):
    form = click_through(browser, query, 0)
    answer = browser.post(form.action, data=dict([*form.fields, ("answer", "cancel")]))
    returned = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (returned["error"], returned["state"]) == (["access_denied"], ["s-1"])
    assert "code" not in returned


def test_a_consent_form_sent_twice_is_answered_once(browser: httpx.Client, query: dict[str, str]):
    form = click_through(browser, query, 0)
    body = dict([*form.fields, ("answer", "continue")])
    assert browser.post(form.action, data=body).status_code == 303
    assert browser.post(form.action, data=body).status_code == 400


def test_a_single_scope_cannot_be_unticked(browser: httpx.Client, query: dict[str, str]):
    page = browser.get("/o/oauth2/v2/auth", params={**query, "scope": YOUTUBE, "login_hint": EMAIL})
    form = Form(page.text)
    assert "checkbox" not in browser.get(form.action, params=[*form.fields, form.buttons[0]]).text


def test_titles_and_names_are_escaped(browser: httpx.Client, query: dict[str, str], simulator: Simulator):
    account = simulator.world.account(EMAIL)
    account.channels[0].title = "<script>alert(1)</script>"
    page = browser.get("/o/oauth2/v2/auth", params={**query, "login_hint": EMAIL})
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"client_id": "somebody-else"}, 401, "invalid_client"),
        ({"redirect_uri": "https://evil.example/callback"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://app.example.test/auth/youtube/callback/"}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": "https://www.googleapis.com/auth/unheard.of"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"access_type": "forever"}, 400, "invalid_request"),
        ({"prompt": "none consent"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_request_is_shown_and_sent_to_nobody(
    browser: httpx.Client, query: dict[str, str], change: dict[str, str], status: int, said: str
):
    answer = browser.get("/o/oauth2/v2/auth", params={**query, **change})
    assert answer.status_code == status
    assert said in answer.text
    assert "location" not in answer.headers


def test_silence_is_refused_until_everything_is_granted(browser: httpx.Client, query: dict[str, str]):
    silent = {**query, "scope": YOUTUBE, "prompt": "none", "login_hint": EMAIL}
    first = browser.get("/o/oauth2/v2/auth", params=silent)
    assert "error=interaction_required" in first.headers["location"]
    exchange(browser, query, consented(browser, {**query, "scope": YOUTUBE})).raise_for_status()
    second = browser.get("/o/oauth2/v2/auth", params=silent)
    assert "code=" in second.headers["location"]


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"redirect_uri": "https://app.example.test/other"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": ""}, 400, "invalid_request"),
        ({"code": "4/never-issued"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_a_wrong_exchange_is_refused_in_googles_shape(
    browser: httpx.Client, query: dict[str, str], change: dict[str, str], status: int, error: str
):
    answer = exchange(browser, query, consented(browser, query), **change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_a_code_used_twice_takes_its_tokens_with_it(browser: httpx.Client, query: dict[str, str]):
    location = consented(browser, query)
    first = exchange(browser, query, location).json()
    second = exchange(browser, query, location)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    refreshed = browser.post(
        "/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": first["refresh_token"],
            "client_id": query["client_id"],
            "client_secret": "client-secret-1",
        },
    )
    assert refreshed.json()["error"] == "invalid_grant"


def test_a_code_dies_after_ten_minutes(browser: httpx.Client, query: dict[str, str], simulator: Simulator):
    location = consented(browser, query)
    simulator.timepiece.advance(601)
    assert exchange(browser, query, location).json()["error"] == "invalid_grant"
