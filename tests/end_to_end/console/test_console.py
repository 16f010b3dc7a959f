"""The console through its front door: who gets in, what is shown, what the button does, what an outage shows."""

import time
from datetime import date, datetime

import pytest

from infra.local.gateway.iap import OPERATOR, IdentityAwareProxy
from infra.local.process import LOOPBACK, free_port
from shared.console.page import pages
from shared.monitoring import alerts
from tests.end_to_end.console.network import EVIL, FAILED, WAITING, connect, load_reports


class TestTheDoor:
    def test_the_operator_is_let_in_and_named(self, console):
        page = console.look()
        assert page.status_code == 200
        assert OPERATOR in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert page.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        "path", ["/console", "/console?format=json", "/console/channels", "/console/elsewhere"]
    )
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
        error = console.http.get(f"{console.behind}/console?format=json").json()["error"]
        assert (error["code"], error["reason"]) == (401, "notSignedIn")

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("POST", "/console", "GET, HEAD"),
            ("PUT", "/console/quota", "GET, HEAD"),
            ("GET", "/console/retry", "POST"),
        ],
    )
    def test_each_address_takes_its_own_methods(self, console, method, path, allowed):
        answer = console.http.request(method, f"{console.app}{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json()["error"]["reason"] == "methodUnknown"

    def test_other_addresses_lead_nowhere(self, console):
        assert console.look("/console/elsewhere").status_code == 404


PAGES = [name for name, each in pages().items() if name not in {"cell", "video", "question"}]


class TestThePages:
    @pytest.mark.parametrize("name", PAGES)
    def test_each_is_there_as_html_json_and_csv_and_lacks_nothing(self, console, operations, name):
        address = f"/console/{name}?channel=UC-unticked" if name in {"channel", "videos"} else f"/console/{name}"
        page = console.look(address.replace("/overview", ""))
        assert page.status_code == 200
        assert "cannot be read" not in page.text
        told = console.look(
            address.replace("/overview", ""), params={"format": "json", "channel": "UC-unticked"}
        ).json()
        assert (told["page"], told["problems"]) == (name, [])
        assert abs((datetime.fromisoformat(told["as_of"]) - console.stack.now()).total_seconds()) < 60
        csv = console.look(address.replace("/overview", ""), params={"format": "csv", "channel": "UC-unticked"})
        assert (csv.status_code, csv.headers["content-type"]) == (200, "text/csv; charset=utf-8")

    @pytest.mark.fault(50)
    @pytest.mark.parametrize("name", PAGES)
    def test_titles_and_queries_stay_text(self, console, name):
        page = console.look(f"/console/{name}?state={EVIL}&user={EVIL}&notice={EVIL}&q={EVIL}&bucket={EVIL}").text
        assert "<script" not in page
        assert "<b>Tides" not in page

    def test_a_lost_connection_comes_first_with_what_to_do(self, console):
        told = console.look("/console?format=json").json()
        [lost] = [row for row in told["wrong"] if row.get("channel_id") == "UC-lost"]
        assert "Google no longer accepts its permission" in lost["why"]
        assert lost["todo"]["text"].startswith("Ask user-002 to connect this channel again")
        assert lost["done"] == "Nothing is asked of YouTube for it; its data is kept meanwhile."
        assert [row["kind"] for row in told["wrong"]] == ["channel", "operation"]
        assert (told["figures"]["channels"], told["figures"]["unwell"], told["figures"]["failed"]) == (3, 1, 1)

    @pytest.mark.parametrize(
        ("asked", "ids"),
        [
            ("", ["UC-evil", "UC-lost", "UC-unticked"]),
            ("state=reauth_required", ["UC-lost"]),
            ("state=attention", ["UC-lost"]),
            ("user=user-002", ["UC-lost", "UC-unticked"]),
            ("user=user-002&state=connected", ["UC-unticked"]),
            ("q=Fo", ["UC-lost"]),
            ("q=UC-unticked", ["UC-unticked"]),
            ("q=nothing", []),
            ("after=UC-evil", ["UC-lost", "UC-unticked"]),
            ("after=UC-gone", ["UC-evil", "UC-lost", "UC-unticked"]),
        ],
    )
    def test_channels_are_found_by_state_user_title_and_id(self, console, asked, ids):
        told = console.look(f"/console/channels?format=json&{asked}").json()
        assert sorted(row["channel_id"] for row in told["channels"]["rows"]) == ids

    def test_the_quota_says_what_was_lent_refused_and_closed(self, console):
        told = console.look("/console/quota?format=json&bucket=search").json()
        buckets = {found["bucket"]: found for found in told["buckets"]}
        assert (buckets["default"]["used"], buckets["search"]["used"], buckets["search"]["limit"]) == (150, 3, 3)
        assert [(each["method"], each["times"]) for each in told["refusals"]] == [("youtube.search.list", 1)]
        assert (buckets["uploads"]["closed"]["reason"], buckets["uploads"]["standing"]) == (
            "quotaExceeded",
            "Closed by Google",
        )
        loans = console.look("/console/quota?format=json&bucket=default").json()["loans"]
        assert {loan["borrower"] for loan in loans} == {"user-001"}

    def test_what_waits_and_what_failed_is_there(self, console, operations):
        told = console.look("/console/operations?format=json").json()
        assert [found["id"] for found in told["waiting"]["rows"]] == [WAITING]
        assert [found["id"] for found in told["failed"]["rows"]] == [FAILED]
        page = console.look("/console/operations").text
        assert "Today&#39;s uploads are used up." in page
        assert f'value="{FAILED}"' in page

    def test_push_says_who_is_not_reached(self, console):
        told = console.look("/console/push?format=json").json()
        assert (told["figures"]["alive"], told["figures"]["lapsed"], told["figures"]["refused"]) == (1, 1, 2)
        assert [row["channel_id"] for row in told["unwell"]] == ["UC-unticked"]

    def test_an_oauth_client_that_google_refuses_is_the_first_thing_to_see_and_later_among_what_ended(
        self, console
    ):
        wrong = "Google refuses our OAuth client (invalid_client)."
        alerts.tell(console.firestore, alerts.OAUTH_CLIENT, wrong, console.stack.now())
        page, told = console.look().text, console.look("/console?format=json").json()
        alerts.tell(console.firestore, alerts.OAUTH_CLIENT, None, console.stack.now())
        assert wrong in page
        assert told["wrong"][0]["what"] == wrong
        assert wrong not in console.look().text
        assert [each["message"] for each in console.look("/console/alerts?format=json").json()["ended"]] == [wrong]

    @pytest.mark.parametrize("name", ["channel", "videos", "video", "cell", "operations"])
    @pytest.mark.parametrize("channel", ["UC-nobody", "a/b", "../grants/UC-evil", EVIL])
    def test_a_channel_that_is_none_is_a_page_that_says_so(self, console, name, channel):
        answer = console.look(f"/console/{name}", params={"channel": channel, "format": "json"})
        assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "notConnected")


def test_loaded_reports_are_drawn_listed_explained_and_counted(console):
    load_reports(console.stack, date(2026, 11, 1), [10_000, 30_000], ["UC-unticked", "UC-lost"])
    console.stack.advance(60)  # the overview asks BigQuery once a minute
    told = console.look("/console?format=json").json()
    assert [(day["date"], day["views"], day["channels"]) for day in told["views"]] == [
        ("2026-11-02", 60_000, 2),
        ("2026-11-01", 20_000, 2),
    ]
    assert told["loaded"]["reports"] == 4
    page = console.look("/console/channel?channel=UC-unticked").text
    assert "30,000" in page
    assert 'class="line s0"' in page
    cell = console.look("/console/cell?channel=UC-unticked&day=2026-11-02&column=views&format=json").json()
    assert (cell["number"]["value"], cell["number"]["source"]) == (30_000, "channel_basic_a3")
    assert [file["report_id"] for file in cell["files"]] == ["UC-unticked-2026-11-02"]


class TestQuestions:
    CHANNEL = "UC" + "q" * 22

    def test_one_is_put_priced_and_paged(self, console):
        load_reports(console.stack, date(2026, 11, 1), list(range(1, 61)), [self.CHANNEL])
        asked = f"/console/question?name=unknown_numbers&channel={self.CHANNEL}&since=2026-11-01"
        told = console.look(f"{asked}&format=json").json()
        assert (told["problems"], told["answer"]["total"], len(told["answer"]["rows"])) == ([], 60, 50)
        assert told["cost"]["most"] == 1_000_000_000
        rest = console.look(f"{asked}&format=json&after={told['answer']['next']}").json()["answer"]
        assert (len(rest["rows"]), rest["next"]) == (10, None)
        assert len(console.look(f"{asked}&format=csv").text.splitlines()) == 61

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ("channel=x", "channel"),
            (f"channel={CHANNEL}&since=yesterday", "since"),
            (f"channel={CHANNEL}' OR 1=1;DROP TABLE x--&since=2026-11-01", "channel"),
            (f"channel={CHANNEL}&since=2026-11-01';DELETE", "since"),
        ],
    )
    def test_a_value_of_another_type_is_refused_before_bigquery_hears_of_it(self, console, given, field):
        answer = console.look(f"/console/question?name=unknown_numbers&format=json&{given}")
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith(f"{field} must be")

    def test_a_question_that_is_not_ours_is_none(self, console):
        assert console.look("/console/question?name=SELECT 1").status_code == 404


class TestTheButton:
    def test_it_queues_a_failed_operation_again_once(self, console, operations):
        answer = console.retry(FAILED)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/operations?notice=retried")
        assert console.state(FAILED) == "queued"
        assert "queued again" in console.look("/console/operations?notice=retried").text
        assert console.retry(FAILED).headers["location"] == "/console/operations?notice=wrongState"
        assert f'"operator": "{OPERATOR}"' in console.stack.logs("console")

    @pytest.mark.parametrize("origin", [None, "null", "https://evil.test", "http://127.0.0.1"])
    def test_another_sites_page_cannot_press_it(self, console, operations, origin):
        assert console.retry(FAILED, origin).status_code == 403
        assert console.state(FAILED) == "failed"

    def test_what_has_not_failed_is_left_alone(self, console, operations):
        assert console.retry(WAITING).headers["location"] == "/console/operations?notice=wrongState"
        assert console.state(WAITING) == "waiting"

    def test_what_is_gone_is_said(self, console):
        assert console.retry("op-" + "0" * 24).headers["location"] == "/console/operations?notice=gone"

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
        assert "What is not well cannot be read" in page.text
        assert "The quota ledger cannot be read" in page.text
        assert "Traceback" not in page.text

    @pytest.mark.fault(46)
    def test_the_same_for_programs(self, cold):
        answer = cold("/console?format=json", FIRESTORE_EMULATOR_HOST=f"{LOOPBACK}:{free_port()}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, 503)
        assert len(answer.json()["problems"]) == 3

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


@pytest.mark.case("A11")
def test_whoever_goes_on_to_the_end_sees_every_channel_once(console):
    names = [f"UC-{number:03d}" for number in range(120)]
    for number, name in enumerate(names):
        connect(console.firestore, console.stack, name, title=f"Channel {number}", user_id=f"u{number // 5}")
    try:
        found, after = [], ""
        for _ in range(4):
            told = console.look(f"/console/channels?format=json&after={after}").json()["channels"]
            found += [row["channel_id"] for row in told["rows"]]
            assert len(told["rows"]) <= 50
            if (after := told["next"]) is None:
                break
        assert sorted(found) == sorted([*names, "UC-evil", "UC-lost", "UC-unticked"])
    finally:
        for name in names:
            console.firestore.document("channels", name).delete()
