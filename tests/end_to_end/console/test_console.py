"""The console through its front door: who gets in, what is shown, what the button does, what an outage shows."""

import time
from datetime import date, datetime

import pytest

from infra.local.gateway.iap import OPERATOR, IdentityAwareProxy
from infra.local.process import LOOPBACK, free_port
from shared.monitoring import alerts
from tests.end_to_end.console.network import EVIL, FAILED, WAITING, connect, load_reports


class TestTheDoor:
    def test_the_operator_is_let_in_and_named(self, console):
        page = console.look()
        assert page.status_code == 200
        assert OPERATOR in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert page.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("path", ["/console", "/console/json", "/console/elsewhere"])
    @pytest.mark.parametrize("assertion", [None, "forged"])
    def test_past_the_proxy_nobody_is(self, console, path, assertion):
        headers = {}
        if assertion:
            forged = IdentityAwareProxy().assertion(
                audience=console.stack.env["YT_IAP_AUDIENCE"], now=console.stack.now()
            )
            headers["X-Goog-IAP-JWT-Assertion"] = forged
        answer = console.http.get(f"{console.behind}{path}", headers=headers)
        assert answer.status_code == 401
        assert "Foam" not in answer.text

    def test_past_the_proxy_nothing_is_retried(self, console, operations):
        answer = console.http.post(
            f"{console.behind}/console/retry", data={"operation": FAILED}, headers={"Origin": console.app}
        )
        assert answer.status_code == 401
        assert console.state(FAILED) == "failed"

    def test_a_program_is_refused_in_the_one_error_shape(self, console):
        error = console.http.get(f"{console.behind}/console/json").json()["error"]
        assert (error["code"], error["reason"]) == (401, "notSignedIn")

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("POST", "/console", "GET, HEAD"),
            ("PUT", "/console/json", "GET, HEAD"),
            ("GET", "/console/retry", "POST"),
        ],
    )
    def test_each_address_takes_its_own_methods(self, console, method, path, allowed):
        answer = console.http.request(method, f"{console.app}{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json()["error"]["reason"] == "methodUnknown"

    def test_other_addresses_lead_nowhere(self, console):
        assert console.look("/console/elsewhere").status_code == 404


class TestThePage:
    @pytest.mark.fault(50)
    def test_titles_stay_text(self, console):
        page = console.look(f"/console?state={EVIL}&user={EVIL}&notice={EVIL}").text + console.look().text
        assert "<script" not in page
        assert "<b>Tides" not in page
        assert "&lt;b&gt;Tides" in page

    def test_a_lost_connection_comes_with_what_to_do(self, console):
        page = console.look("/console?state=reauth_required").text
        assert "Google no longer accepts its permission" in page
        assert "Ask user-002 to connect this channel again" in page
        assert "Salt" not in page.split('id="channels"')[1]

    def test_the_quota_says_what_was_lent_refused_and_closed(self, console):
        page = console.look().text
        assert "Closed by Google" in page
        assert "units of drift" in page
        assert "youtube.search.list" in page
        assert "Borrowed today" in page

    def test_what_waits_and_what_failed_is_there(self, console, operations):
        page = console.look().text
        assert "Spring tide" in page
        assert "Today&#39;s uploads are used up." in page
        assert f'value="{FAILED}"' in page

    def test_an_oauth_client_that_google_refuses_is_the_first_thing_to_see(self, console):
        wrong = "Google refuses our OAuth client (invalid_client)."
        alerts.fire(console.firestore, alerts.OAUTH_CLIENT, wrong, console.stack.now())
        page, told = console.look().text, console.look("/console/json").json()
        alerts.resolve(console.firestore, alerts.OAUTH_CLIENT, console.stack.now())
        assert wrong in page
        assert [alarm["message"] for alarm in told["alarms"]] == [wrong]
        assert wrong not in console.look().text


class TestTheJson:
    def test_it_says_what_the_page_says(self, console, operations):
        told = console.look("/console/json").json()
        assert told["problems"] == []
        assert abs((datetime.fromisoformat(told["as_of"]) - console.stack.now()).total_seconds()) < 60
        states = {found["channel_id"]: found["state"] for found in told["channels"]}
        assert states["UC-lost"] == "reauth_required"
        quota = {found["bucket"]: found for found in told["quota"]}
        assert (quota["default"]["used"], quota["search"]["used"], quota["search"]["limit"]) == (150, 3, 3)
        assert {loan["borrower"] for loan in quota["default"]["loans"]} == {"user-001"}
        assert [(each["method"], each["times"]) for each in quota["search"]["refusals"]] == [
            ("youtube.search.list", 1)
        ]
        assert quota["uploads"]["closed"]["reason"] == "quotaExceeded"
        assert [found["id"] for found in told["operations"]["waiting"]] == [WAITING]
        assert [found["id"] for found in told["operations"]["failed"]] == [FAILED]
        assert (told["push"]["counts"]["alive"], told["push"]["counts"]["lapsed"], told["push"]["refused"]) == (
            1,
            1,
            2,
        )

    def test_it_takes_the_same_filter(self, console):
        told = console.look("/console/json?user=user-002").json()
        assert {found["channel_id"] for found in told["channels"]} == {"UC-lost", "UC-unticked"}
        assert told["total_channels"] == 3


def test_loaded_reports_are_drawn_listed_and_counted(console):
    console.look()
    load_reports(console.stack, date(2026, 11, 1), [10_000, 30_000], ["UC-unticked", "UC-lost"])
    console.stack.advance(60)  # the page asks BigQuery once a minute
    told = console.look("/console/json").json()
    assert [
        (day["date"], day["views"], day["engaged_views"], day["channels"]) for day in told["loaded"]["days"]
    ] == [
        ("2026-11-01", 20_000, 10_000, 2),
        ("2026-11-02", 60_000, 30_000, 2),
    ]
    assert told["loaded"]["reports"] == 4
    salt = next(found for found in told["channels"] if found["channel_id"] == "UC-unticked")
    assert (salt["latest_day"], salt["days"]) == ("2026-11-02", 2)
    page = console.look().text
    assert 'class="line s0"' in page
    assert "60,000" in page


class TestTheButton:
    def test_it_queues_a_failed_operation_again_once(self, console, operations):
        answer = console.retry(FAILED)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console?notice=retried#operations")
        assert console.state(FAILED) == "queued"
        assert "queued again" in console.look("/console?notice=retried").text
        assert console.retry(FAILED).headers["location"] == "/console?notice=wrongState#operations"
        assert f'"operator": "{OPERATOR}"' in console.stack.logs("console")

    @pytest.mark.parametrize("origin", [None, "null", "https://evil.test", "http://127.0.0.1"])
    def test_another_sites_page_cannot_press_it(self, console, operations, origin):
        assert console.retry(FAILED, origin).status_code == 403
        assert console.state(FAILED) == "failed"

    def test_what_has_not_failed_is_left_alone(self, console, operations):
        assert console.retry(WAITING).headers["location"] == "/console?notice=wrongState#operations"
        assert console.state(WAITING) == "waiting"

    def test_what_is_gone_is_said(self, console):
        assert console.retry("op-" + "0" * 24).headers["location"] == "/console?notice=gone#operations"

    @pytest.mark.parametrize("name", ["", "x", "op-a/../../grants/b", EVIL])
    def test_what_is_no_operation_is_a_page_that_says_so(self, console, name):
        answer = console.retry(name)
        assert answer.status_code == 400
        assert "<script" not in answer.text


class TestOutages:
    def test_a_silent_warehouse_is_a_problem_on_the_page_and_the_rest_is_shown(self, console, cold):
        began = time.monotonic()
        page = cold(BIGQUERY_EMULATOR_HOST=f"{LOOPBACK}:{free_port()}")
        assert page.status_code == 200
        assert "The warehouse cannot be read" in page.text
        assert "Foam" in page.text
        assert time.monotonic() - began < 30

    @pytest.mark.fault(46)
    def test_silent_records_are_a_503_that_still_is_the_page(self, cold):
        page = cold(FIRESTORE_EMULATOR_HOST=f"{LOOPBACK}:{free_port()}")
        assert page.status_code == 503
        assert "The connections cannot be read" in page.text
        assert "The quota ledger cannot be read" in page.text
        assert "Traceback" not in page.text

    @pytest.mark.fault(46)
    def test_the_same_for_programs(self, cold):
        answer = cold("/console/json", FIRESTORE_EMULATOR_HOST=f"{LOOPBACK}:{free_port()}")
        assert (answer.status_code, answer.json()["available"]) == (503, False)
        assert answer.json()["error"]["code"] == 503
        assert len(answer.json()["problems"]) == 6

    def test_keys_that_cannot_be_had_let_nobody_in(self, cold):
        page = cold(YT_IAP_KEYS_URL=f"http://{LOOPBACK}:{free_port()}/keys")
        assert page.status_code == 503
        assert "Foam" not in page.text

    @pytest.mark.fault(48)
    def test_without_an_audience_nobody_is_let_in_or_told_what_is_missing(self, cold):
        page = cold(YT_IAP_AUDIENCE=None)
        assert page.status_code == 500
        assert "not set up right" in page.text
        assert "YT_IAP_AUDIENCE" not in page.text


def test_250_channels_are_all_shown_page_by_page(console):
    for number in range(250):
        connect(
            console.firestore,
            console.stack,
            f"UC-{number:03d}",
            title=f"Channel {number}",
            user_id=f"u{number // 5}",
        )
    try:
        console.look()
        answers = [console.look(f"/console?after={after}") for after in (0, 100, 200)]
        listed = "".join(answer.text.split('id="channels"')[1] for answer in answers)
        assert all(f"<code>UC-{number:03d}</code>" in listed for number in range(250))
    finally:
        for number in range(250):
            console.firestore.document("channels", f"UC-{number:03d}").delete()
