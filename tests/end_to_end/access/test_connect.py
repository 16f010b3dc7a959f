import re
from html import escape

import pytest

from shared.access.requests import COOKIE
from shared.pages.documents import SAFE_HEADERS
from tests.end_to_end.access.conftest import title

REVENUE = "https://www.googleapis.com/auth/yt-analytics-monetary.readonly"


def test_a_person_connects_from_the_app_s_button_to_a_page_that_says_so(access):
    person = access.person(0)
    browser = access.browser()
    sent = access.start(browser, "ada", person)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"{access.stack.simulator}/o/oauth2/v2/auth?")
    page = browser.follow(sent)
    assert page.status_code == 200
    assert title(page) == "Your channel is connected"
    assert escape(person["channels"][0]["title"]) in page.text
    channel = access.stored("channels")[person["channels"][0]["id"]]
    assert (channel["user_id"], channel["state"]) == ("ada", "connected")


def test_the_cookie_binds_the_browser_and_no_script_reads_it(access):
    sent = access.start(access.browser(), "cookie", access.person(0))
    [header] = sent.headers.get_list("set-cookie")
    name, *attributes = [part.strip() for part in header.split(";")]
    assert name.startswith(f"{COOKIE}=")
    assert COOKIE.startswith("__Host-")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= set(attributes)
    assert not any(attribute.startswith("Domain") for attribute in attributes)


def test_every_answer_of_the_way_stays_out_of_caches_and_referrers_and_frames(access):
    browser = access.browser()
    browser.follow(access.start(browser, "ada", access.person(0)))
    ours = [answer for answer in browser.visited if str(answer.url).startswith(access.app)]
    assert [answer.status_code for answer in ours] == [303, 303, 200]
    for answer in ours:
        assert {name: answer.headers[name] for name in SAFE_HEADERS} == SAFE_HEADERS
    assert "default-src 'none'" in ours[-1].headers["content-security-policy"]
    assert "script" not in ours[-1].text


def test_the_last_address_carries_no_code_no_state_and_no_token(access):
    browser = access.browser()
    page = browser.follow(access.start(browser, "ada", access.person(0)))
    assert re.fullmatch(r"/auth/youtube/done\?ref=[0-9a-f]{64}", page.url.raw_path.decode())


def test_a_program_gets_the_address_as_json_with_the_same_cookie(access):
    token = access.stack.user_token("ada")
    answer = access.http.post(
        f"{access.app}/auth/youtube/start",
        json={"features": ["analytics"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200
    assert answer.json().keys() == {"authorization_url"}
    assert answer.headers["cache-control"] == "no-store"
    assert COOKIE in answer.headers["set-cookie"]
    assert "yt-analytics-monetary" not in answer.json()["authorization_url"]


def test_the_consent_url_asks_for_what_makes_a_connection_last(access):
    sent = access.start(access.browser(), "ada", access.person(0))
    url = sent.headers["location"]
    for part in (
        "access_type=offline",
        "prompt=consent",
        "include_granted_scopes=true",
        "code_challenge_method=S256",
    ):
        assert part in url


FORGERIES = {
    "expired": {"expires_in": -120},
    "for another audience": {"audience": "another-app"},
    "of another issuer": {"issuer": "https://evil.example"},
    "signed by another key": {"key": "other"},
    "signed by an impostor": {"key": "impostor"},
    "not signed at all": {"alg": "none"},
    "signed with the public key as a secret": {"alg": "HS256"},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("way", ["program", "person"])
def test_an_id_token_that_does_not_hold_starts_nothing(access, forgery, way):
    before = access.stored("consents")
    token = access.stack.user_token("mallory", **forgery)
    url = f"{access.app}/auth/youtube/start"
    if way == "program":
        answer = access.http.post(url, json={}, headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["error"]["reason"] == "notSignedIn"
    else:
        answer = access.http.post(url, data={"id_token": token}, headers={"Origin": access.app})
        assert title(answer) == "You are not signed in"
    assert answer.status_code == 401
    assert token not in answer.text
    assert access.stored("consents") == before


def test_an_id_token_whose_subject_is_no_id_starts_nothing(access):
    headers = {"Authorization": f"Bearer {access.stack.user_token('../users')}"}
    answer = access.http.post(f"{access.app}/auth/youtube/start", json={}, headers=headers)
    assert answer.status_code == 401


@pytest.mark.fault(2)
@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
def test_a_form_from_another_site_starts_nothing(access, origin):
    before = access.stored("consents")
    form = {"id_token": access.stack.user_token("mallory")}
    headers = {"Origin": origin} if origin else {}
    answer = access.http.post(f"{access.app}/auth/youtube/start", data=form, headers=headers)
    assert answer.status_code == 403
    assert title(answer) == "This request did not come from the app"
    assert access.stored("consents") == before


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"content": b"x" * 400_000}, 413, "tooLarge"),
        ({"content": b"not json"}, 400, "bodyUnreadable"),
        ({"json": {"features": ["everything"]}}, 400, "invalidRequest"),
        ({"json": {"features": {"a": 1}}}, 400, "invalidRequest"),
        ({"json": {"return_to": "https://evil"}}, 400, "returnTo"),
        ({"json": {"return_to": ["https://evil"]}}, 400, "invalidRequest"),
        ({"json": {"expect_channel": "../x"}}, 400, "invalidRequest"),
        ({"json": {"login_hint": "x" * 1000}}, 400, "invalidRequest"),
    ],
)
def test_a_wrong_start_is_refused_in_the_one_error_shape(access, sent, status, reason):
    token = access.stack.user_token("ada")
    answer = access.http.post(
        f"{access.app}/auth/youtube/start", headers={"Authorization": f"Bearer {token}"}, **sent
    )
    assert answer.status_code == status
    assert answer.json()["error"]["reason"] == reason


def test_a_form_with_a_repeated_field_or_too_large_is_refused(access):
    url, headers = f"{access.app}/auth/youtube/start", {"Origin": access.app}
    twice = access.http.post(
        url,
        content="id_token=a&id_token=b",
        headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert twice.status_code == 400
    large = access.http.post(url, data={"id_token": "x" * 20_000}, headers=headers)
    assert large.status_code == 413


def test_start_takes_post_only(access):
    assert access.http.get(f"{access.app}/auth/youtube/start").status_code == 405


@pytest.mark.fault(5)
def test_access_denied_is_a_plain_page_and_nothing_is_stored(access):
    person = access.person(1)
    page = access.connect("denier", person, deny=True)
    assert page.status_code == 200
    assert title(page) == "You did not give access"
    assert not [found for found in access.stored("channels").values() if found["user_id"] == "denier"]


@pytest.mark.fault(6)
def test_an_unticked_box_is_named_on_the_page(access):
    page = access.connect("unticker", access.person(2), untick=[REVENUE])
    assert "Revenue was not ticked" in page.text
    assert access.stored("channels")[access.person(2)["channels"][0]["id"]]["capabilities"]["revenue"] == {
        "have": False,
        "reason": "unticked",
    }


@pytest.mark.fault(2)
def test_a_callback_without_its_cookie_is_a_plain_page_and_nothing_is_stored(access):
    person = access.person(3)
    attacker = access.browser()
    back = attacker.follow(access.start(attacker, "attacker", person), until="/auth/youtube/callback")
    victim = access.browser()
    page = victim.follow(victim.send("GET", back.headers["location"]))
    assert page.status_code == 403
    assert title(page) == "This sign-in was started in another browser"
    assert not [found for found in access.stored("channels").values() if found["user_id"] == "attacker"]


@pytest.mark.fault(1)
def test_a_callback_reloaded_after_success_is_a_plain_page(access):
    browser = access.browser()
    back = browser.follow(access.start(browser, "ada", access.person(0)), until="/auth/youtube/callback")
    browser.follow(browser.send("GET", back.headers["location"]))
    page = browser.send("GET", back.headers["location"])
    assert page.status_code == 400
    assert title(page) == "This sign-in has been used already"


@pytest.mark.parametrize(
    "query",
    ["", "?code=x", "?state=x", "?state=a&state=b&code=c", "?state=" + "a" * 4000, "?error=<script>&state=x"],
)
def test_a_callback_that_google_would_not_send_is_a_plain_page(access, query):
    page = access.http.get(f"{access.app}/auth/youtube/callback{query}")
    assert page.status_code in {400, 403}
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"


def test_no_address_that_anybody_can_write_says_that_a_channel_is_connected(access):
    page = access.http.get(f"{access.app}/auth/youtube/done?outcome=connected")
    assert "There is nothing to show here" in page.text
    assert "is connected" not in page.text


@pytest.mark.parametrize("query", ["?outcome=<script>alert(1)</script>", "?ref=nothing", "", "?ref=" + "0" * 64])
def test_the_result_page_shows_nothing_that_its_address_says(access, query):
    page = access.http.get(f"{access.app}/auth/youtube/done{query}")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "alert(1)" not in page.text


@pytest.mark.parametrize(
    ("fault", "heading"),
    [
        (
            {"method": "youtube.channels.list", "kind": "youtubeSignupRequired"},
            "This Google account has no YouTube channel",
        ),
        (
            {"method": "youtube.channels.list", "kind": "authenticatedUserAccountSuspended"},
            "This YouTube account is suspended",
        ),
        (
            {"method": "youtube.channels.list", "kind": "authenticatedUserAccountClosed"},
            "This YouTube account is closed",
        ),
        ({"method": "oauth.token", "kind": "html"}, "We cannot do this right now"),
        ({"method": "oauth.token", "kind": "invalid_grant"}, "Google did not accept the sign-in"),
    ],
)
def test_what_google_says_is_told_in_plain_words(access, fault, heading):
    access.control("faults", **fault, times=2)
    page = access.connect("unlucky", access.person(4))
    assert title(page) == heading
    assert not [found for found in access.stored("channels").values() if found["user_id"] == "unlucky"]


@pytest.mark.fault(50)
def test_a_title_that_is_html_is_shown_as_text(access):
    browser = access.browser()
    page = browser.follow(access.start(browser, "ada", access.person(0)))
    reference = page.url.params["ref"]
    access.firestore.document("consents", reference).update({"outcome.title": "<script>alert(1)</script>"})
    again = browser.send("GET", str(page.url))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in again.text
    assert "<script" not in again.text


def test_a_new_channel_s_first_collection_and_push_subscription_are_queued(access):
    person = access.person(5)
    access.connect("grace", person)
    channel = person["channels"][0]["id"]
    tasks = access.http.get(f"{access.stack.tasks_control}/tasks?queue=collect").text
    assert f"first-{channel}" in tasks
    assert f"subscribe-{channel}" in tasks
