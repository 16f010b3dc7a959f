"""A channel owner's pages, by the app's ID token: their own channels, and nothing of anybody else's."""

from __future__ import annotations

import pytest

from shared.console.page import pages
from tests.end_to_end.console.network import FAILED

OWN = [name for name, each in pages().items() if each.own]
OTHERS = [name for name, each in pages().items() if not each.own]
THEIRS = "UC-evil"  # user-001's


@pytest.fixture
def look(console):
    """Ask for a page as user-002."""
    token = console.stack.user_token("user-002")

    def ask(name="", *, token=token, **query):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        address = f"{console.app}/mine{'/' if name else ''}{name}"
        return console.http.get(address, headers=headers, params={"format": "json", **query})

    return ask


def test_an_owner_sees_own_channels_and_what_is_to_do_about_them(look):
    told = look().json()
    assert (told["figures"], told["problems"]) == ({"channels": 2, "connected": 1}, [])
    [lost] = told["wrong"]
    assert lost["channel_id"] == "UC-lost"
    assert lost["todo"]["text"].startswith("Connect this channel again in the app")
    assert not {"quota", "views", "loaded"} & told.keys()


@pytest.mark.parametrize("form", ["html", "json", "csv"])
@pytest.mark.parametrize("name", [name for name in OWN if name not in {"overview", "cell", "video"}])
def test_no_page_of_an_owner_names_anything_of_anybody_else(look, operations, name, form):
    answer = look(name, channel="UC-unticked", format=form)
    assert answer.status_code == 200
    for secret in (THEIRS, "user-001", FAILED, "Spring tide", "Tides"):
        assert secret not in answer.text
    for query in (
        {"user": "user-001"},
        {"q": "UC-evil"},
        {"q": "<script>"},
        {"state": "attention"},
        {"after": THEIRS},
    ):
        assert "user-001" not in look(name if name != "channel" else "channels", **query).text


@pytest.mark.parametrize("name", ["channel", "videos", "video", "cell", "operations"])
def test_somebody_elses_channel_is_answered_as_one_that_is_none(look, name):
    theirs, none = (look(name, channel=channel, day="2026-11-01") for channel in (THEIRS, "UC-nobody"))
    assert (theirs.status_code, theirs.json()["error"]["reason"]) == (404, "notConnected")
    assert theirs.json() == none.json()


@pytest.mark.parametrize("name", [*OTHERS, "retry", "elsewhere"])
def test_the_operators_pages_are_not_there_for_owners(look, name):
    assert look(name, channel="UC-unticked").status_code == 404


@pytest.mark.parametrize("token", [None, "x", "e30.e30.e30"])
def test_without_the_apps_token_nothing_is_shown(look, token):
    answer = look("channels", token=token)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (401, "notSignedIn")


def test_a_user_without_channels_sees_none(console, look):
    told = look("channels", token=console.stack.user_token("newcomer")).json()
    assert told["channels"]["rows"] == []


def test_a_form_of_the_apps_page_signs_a_browser_in(console):
    form, origin = {"id_token": console.stack.user_token("user-002")}, {"Origin": console.app}
    answer = console.http.post(f"{console.app}/mine", data=form, headers=origin)
    assert (answer.status_code, answer.headers["location"]) == (303, "/mine")
    cookie = answer.headers["set-cookie"]
    assert all(
        word in cookie for word in ("__Secure-mine=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/mine")
    )
    carried = {"Cookie": cookie.partition(";")[0]}
    page = console.http.get(f"{console.app}/mine/channels", headers=carried)
    assert page.status_code == 200
    assert "Foam" in page.text
    assert "Tides" not in page.text
    assert console.http.get(f"{console.behind}/console", headers=carried).status_code == 401


@pytest.mark.parametrize("origin", [None, "null", "https://evil.test"])
def test_another_sites_page_signs_nobody_in(console, origin):
    form = {"id_token": console.stack.user_token("user-002")}
    headers = {} if origin is None else {"Origin": origin}
    answer = console.http.post(f"{console.app}/mine", data=form, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize("form", [{}, {"id_token": "x"}, {"id_token": "x" * 20_000}, {"other": "y"}])
def test_a_form_without_a_token_that_holds_signs_nobody_in(console, form):
    answer = console.http.post(f"{console.app}/mine", data=form, headers={"Origin": console.app})
    assert answer.status_code in {400, 401, 413}
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("PUT", "", "GET, HEAD, POST"), ("POST", "/quota", "GET, HEAD")]
)
def test_each_address_takes_its_own_methods(console, method, path, allowed):
    answer = console.http.request(method, f"{console.app}/mine{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
