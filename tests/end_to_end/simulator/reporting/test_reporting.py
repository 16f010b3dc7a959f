"""The Reporting API, spoken to by Google's own client."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from googleapiclient.errors import HttpError

from infra.local.simulator import discovery
from infra.local.simulator.state import Simulator
from infra.local.simulator.world.report_types import REPORT_TYPES
from shared.clock import pacific_day, parse_instant
from tests.end_to_end.simulator import plain
from tests.end_to_end.simulator.google import google_client

SCOPE = "yt-analytics.readonly"
BASIC = {"reportTypeId": "channel_basic_a3", "name": "basic"}
Reporting = Callable[..., Any]


@pytest.fixture
def reporting(simulator: Simulator, connect) -> Reporting:
    """Google's client with a token of the moment."""

    def client(email: str = "user-001@example.test", place: int = 0, scope: str = SCOPE) -> Any:
        token = connect(email, place, scope).access_token
        return google_client("youtubereporting", "v1", simulator.root, token)

    return client


@pytest.fixture
def busy(simulator: Simulator) -> tuple[str, int]:
    """The account and place of the channel with the most views."""
    regular = [(account.email, place) for account in simulator.world.accounts[:3] for place in (0, 1)]

    def views(owner: tuple[str, int]) -> int:
        account = simulator.world.account(owner[0])
        assert account is not None
        return simulator.world.channel_counters(account.channels[owner[1]].id, simulator.clock()).views

    return max(regular, key=views)


def fitting(method: str, answer: Any) -> Any:
    """An answer, once it fits its response schema."""
    assert discovery.response_errors(f"youtubereporting.{method}", answer) == []
    return answer


def refusal(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.status_code, caught.value.reason


def all_reports(client: Any, job_id: str, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    request = client.jobs().reports().list(jobId=job_id, **asked)
    while request is not None:
        answer = fitting("jobs.reports.list", request.execute())
        found += answer.get("reports", [])
        request = client.jobs().reports().list_next(request, answer)
    return found


def days_later(simulator: Simulator, days: float) -> None:
    simulator.timepiece.advance(days * 86400)


def test_report_types_tell_which_have_ended(reporting: Reporting):
    kinds = fitting("reportTypes.list", reporting().reportTypes().list().execute())["reportTypes"]
    assert {kind["id"] for kind in kinds} == set(REPORT_TYPES)
    ended = {kind["id"] for kind in kinds if "deprecateTime" in kind}
    assert "channel_basic_a2" in ended
    assert not ended & {"channel_basic_a3", "channel_reach_basic_a1", "playlist_basic_a2"}


def test_without_jobs_the_list_is_an_empty_message(reporting: Reporting):
    assert fitting("jobs.list", reporting().jobs().list().execute()) == {}


def test_a_job_is_created_found_and_deleted(reporting: Reporting):
    client = reporting()
    job = fitting("jobs.create", client.jobs().create(body=BASIC).execute())
    assert (job["reportTypeId"], job["name"]) == ("channel_basic_a3", "basic")
    assert fitting("jobs.list", client.jobs().list().execute())["jobs"] == [job]
    assert fitting("jobs.get", client.jobs().get(jobId=job["id"]).execute()) == job
    assert client.jobs().delete(jobId=job["id"]).execute() in ({}, "")
    assert client.jobs().list().execute() == {}
    assert refusal(client.jobs().get(jobId=job["id"]))[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reportTypeId": "channel_basic_a3", "name": "again"}, 409),
        ({"reportTypeId": "channel_basic_a2", "name": "retired"}, 400),
        ({"reportTypeId": "channel_magic_a1", "name": "unknown"}, 400),
        ({"reportTypeId": "channel_combined_a3"}, 400),
        ({"reportTypeId": "channel_combined_a3", "name": "x", "id": "mine"}, 400),
        ({"reportTypeId": "channel_combined_a3", "name": "x", "colour": "red"}, 400),
    ],
    ids=["exists", "retired", "unknown", "no name", "own id", "unknown field"],
)
def test_jobs_that_google_refuses(reporting: Reporting, body, status):
    client = reporting()
    client.jobs().create(body=BASIC).execute()
    assert refusal(client.jobs().create(body=body))[0] == status


def test_history_arrives_within_three_days_and_says_the_truth(simulator: Simulator, reporting: Reporting, busy):
    client = reporting(*busy)
    job = client.jobs().create(body=BASIC).execute()
    created = pacific_day(simulator.clock())
    assert all_reports(client, job["id"]) == []
    days_later(simulator, 3.01)
    client = reporting(*busy)
    reports = all_reports(client, job["id"])
    assert [r["createTime"] for r in reports] == sorted((r["createTime"] for r in reports), reverse=True)
    newest: dict[str, dict[str, Any]] = {}
    for report in reports:
        newest.setdefault(report["startTime"], report)
    days = {pacific_day(parse_instant(start)): report for start, report in newest.items()}
    assert {created - timedelta(days=n) for n in range(1, 31)} <= days.keys()
    assert len({report["createTime"][:13] for report in reports}) > 2
    truth = truth_of(simulator, reports, "channel_basic_a3")
    for day, report in days.items():
        lines = table(client, report)
        told = truth["days"][day.isoformat()]
        assert told["report_id"] == report["id"]
        assert told["rows"] == len(lines)
        for name, right in (told["totals"] | told["column_sums"]).items():
            assert sum(float(line[name]) for line in lines) == pytest.approx(right)
        if not told["preliminary"]:
            assert told["totals"]["views"] == truth["final"][day.isoformat()]["views"]
            assert told["totals"]["watch_time_minutes"] == truth["final"][day.isoformat()]["watch_time_minutes"]


def table(client: Any, report: dict[str, Any]) -> list[dict[str, str]]:
    name = report["downloadUrl"].split("/v1/media/")[1].split("?")[0]
    raw = client.media().download_media(resourceName=name).execute()
    return list(csv.DictReader(io.StringIO(raw.decode())))


def truth_of(simulator: Simulator, reports: list[dict[str, Any]], kind: str) -> Any:
    days = [pacific_day(parse_instant(report["startTime"])).isoformat() for report in reports]
    channel = reports[0]["downloadUrl"].split("CHANNEL/")[1].split("/")[0]
    asked = {"channel_id": channel, "from": min(days), "to": max(days), "report_type": kind}
    return plain.http().get(f"{simulator.root}/control/truth", params=asked).raise_for_status().json()


def test_lists_are_filtered_by_creation_and_by_day_and_come_in_pages(simulator: Simulator, reporting: Reporting):
    job = reporting().jobs().create(body=BASIC).execute()
    days_later(simulator, 12)
    client = reporting()
    every = all_reports(client, job["id"])
    assert all_reports(client, job["id"], pageSize=7) == every
    middle = every[len(every) // 2]["createTime"]
    assert all_reports(client, job["id"], createdAfter=middle) == [r for r in every if r["createTime"] > middle]
    start = every[3]["startTime"]
    assert all_reports(client, job["id"], startTimeAtOrAfter=start) == [
        r for r in every if r["startTime"] >= start
    ]
    assert all_reports(client, job["id"], startTimeBefore=start) == [r for r in every if r["startTime"] < start]
    one = client.jobs().reports().get(jobId=job["id"], reportId=every[0]["id"]).execute()
    assert fitting("jobs.reports.get", one) == every[0]
    assert refusal(client.jobs().reports().list(jobId=job["id"], pageToken="made-up"))[0] == 400
    assert refusal(client.jobs().reports().list(jobId=job["id"], createdAfter="yesterday"))[0] == 400
    assert refusal(client.jobs().reports().get(jobId=job["id"], reportId="1"))[0] == 404


def test_a_day_issued_again_is_listed_beside_the_older_file(simulator: Simulator, connect):
    seen = []
    for account in simulator.world.accounts[:3]:
        for place in (0, 1):
            token = connect(account.email, place, SCOPE).access_token
            google_client("youtubereporting", "v1", simulator.root, token).jobs().create(body=BASIC).execute()
    days_later(simulator, 6)
    for account in simulator.world.accounts[:3]:
        for place in (0, 1):
            token = connect(account.email, place, SCOPE).access_token
            client = google_client("youtubereporting", "v1", simulator.root, token)
            job = client.jobs().list().execute()["jobs"][0]
            by_day: dict[str, list[dict[str, Any]]] = {}
            for report in all_reports(client, job["id"]):
                by_day.setdefault(report["startTime"], []).append(report)
            seen += [pair for pair in by_day.values() if len(pair) > 1]
    assert seen
    for newer, older in seen:
        assert newer["createTime"] > older["createTime"]
        assert newer["id"] != older["id"]
        assert newer["endTime"] == older["endTime"]
    today = pacific_day(simulator.clock())
    asked = {"from": str(today - timedelta(days=60)), "to": str(today)}
    daily = plain.http().get(f"{simulator.root}/control/truth/daily", params=asked).json()["channels"]
    assert len(daily) == 6
    assert sum(one["superseded"] for one in daily.values()) == len(seen)


def test_files_end(simulator: Simulator, reporting: Reporting):
    job = reporting().jobs().create(body=BASIC).execute()
    first = pacific_day(simulator.clock())
    days_later(simulator, 34)
    left = {pacific_day(parse_instant(r["startTime"])) for r in all_reports(reporting(), job["id"])}
    assert min(left) >= first - timedelta(days=8)  # only what was issued again late
    assert first in left
    days_later(simulator, 60)
    left = {pacific_day(parse_instant(r["startTime"])) for r in all_reports(reporting(), job["id"])}
    assert first not in left


def test_a_file_is_packed_when_asked_and_belongs_to_its_channel_alone(
    simulator: Simulator, reporting, connect, busy
):
    job = reporting(*busy).jobs().create(body=BASIC).execute()
    days_later(simulator, 4)
    owner = connect(*busy, SCOPE).access_token
    reports = all_reports(google_client("youtubereporting", "v1", simulator.root, owner), job["id"])
    url = reports[0]["downloadUrl"]

    def get(token: str, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity", **headers}
        return plain.http().get(url, headers=sent)

    whole = get(owner)
    assert whole.status_code == 200
    assert whole.headers["content-type"].startswith("text/csv")
    with plain.http().stream(
        "GET", url, headers={"Authorization": f"Bearer {owner}", "Accept-Encoding": "gzip"}
    ) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())) == whole.content
    stranger = next(a.email for a in simulator.world.accounts[:3] if a.email != busy[0])
    assert get(connect(stranger, 0, SCOPE).access_token).status_code == 403
    assert get("ya29.unknown").status_code == 401
    bare = plain.http().get(url.replace("?alt=media", ""), headers={"Authorization": f"Bearer {owner}"})
    assert bare.status_code == 400


@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("no-channel@example.test", 401),
        ("suspended@example.test", 403),
        ("closed@example.test", 403),
        ("suspended-channel@example.test", 403),
        ("closed-channel@example.test", 403),
    ],
)
def test_accounts_that_are_refused(simulator: Simulator, connect, email: str, status: int):
    headers = {"Authorization": f"Bearer {connect(email, 0, SCOPE).access_token}"}
    assert plain.http().get(f"{simulator.root}/v1/jobs", headers=headers).status_code == status


def test_a_scope_for_videos_does_not_read_reports(reporting: Reporting):
    assert refusal(reporting(scope="youtube").jobs().list())[0] == 403


def test_errors_have_the_shape_of_this_api(simulator: Simulator, connect):
    headers = {"Authorization": f"Bearer {connect('user-001@example.test', 0, SCOPE).access_token}"}
    answer = plain.http().get(f"{simulator.root}/v1/jobs/none", headers=headers)
    assert answer.json() == {
        "error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
    }


def control(simulator: Simulator, path: str, asked: dict[str, Any]) -> Any:
    return plain.http().post(f"{simulator.root}/control/{path}", json=asked)


def test_a_job_that_youtube_ends_is_gone_with_its_reports(simulator: Simulator, reporting: Reporting):
    job = reporting().jobs().create(body=BASIC).execute()
    ends = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    assert control(simulator, "reporting/jobs/end", {"at": ends}).json() == {"ended": 1}
    days_later(simulator, 4)
    client = reporting()
    assert "expireTime" in client.jobs().get(jobId=job["id"]).execute()
    assert all("jobExpireTime" in report for report in all_reports(client, job["id"]))
    days_later(simulator, 2)
    client = reporting()
    assert client.jobs().list().execute() == {}
    assert refusal(client.jobs().reports().list(jobId=job["id"]))[0] == 404
    assert client.jobs().create(body=BASIC).execute()["id"] != job["id"]


def test_a_job_that_has_expired_answers_with_what_it_made_and_another_can_be_made(
    simulator: Simulator, reporting: Reporting
):
    job = reporting().jobs().create(body=BASIC).execute()
    ends = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    assert control(simulator, "reporting/jobs/expire", {"at": ends}).json() == {"expired": 1}
    days_later(simulator, 4)
    assert refusal(reporting().jobs().create(body=BASIC))[0] == 409
    days_later(simulator, 2)
    made = {report["id"] for report in all_reports(reporting(), job["id"])}
    days_later(simulator, 5)
    client = reporting()
    assert {report["id"] for report in all_reports(client, job["id"])} <= made
    other = client.jobs().create(body=BASIC).execute()
    assert {each["id"] for each in client.jobs().list().execute()["jobs"]} == {job["id"], other["id"]}


def test_a_retired_type_says_so_and_its_jobs_make_no_more(simulator: Simulator, reporting: Reporting):
    client = reporting()
    job = client.jobs().create(body=BASIC).execute()
    assert control(simulator, "reporting/retire", {"report_type": BASIC["reportTypeId"]}).status_code == 200
    kinds = client.reportTypes().list(pageSize=100).execute()["reportTypes"]
    assert [kind["id"] for kind in kinds if kind["id"] == BASIC["reportTypeId"] and "deprecateTime" in kind]
    assert "expireTime" in client.jobs().get(jobId=job["id"]).execute()
    assert refusal(client.jobs().create(body=BASIC))[0] == 400


def test_a_newer_version_is_offered_and_makes_reports_like_the_one_before(simulator: Simulator, reporting, busy):
    newer = {"report_type": "channel_basic_a4", "like": BASIC["reportTypeId"]}
    assert control(simulator, "reporting/offer", newer).json() == {"offered": "channel_basic_a4"}
    client = reporting(*busy)
    kinds = client.reportTypes().list(pageSize=100).execute()["reportTypes"]
    assert {"id": "channel_basic_a4"}.items() <= kinds[-1].items()
    job = client.jobs().create(body={"reportTypeId": "channel_basic_a4", "name": "newer"}).execute()
    days_later(simulator, 4)
    lines = table(reporting(*busy), all_reports(reporting(*busy), job["id"])[0])
    assert "engaged_views" in lines[0]


def test_the_dialect_of_the_files_can_be_changed(simulator: Simulator, reporting: Reporting, busy):
    job = reporting(*busy).jobs().create(body=BASIC).execute()
    days_later(simulator, 4)
    client = reporting(*busy)
    report = all_reports(client, job["id"])[0]
    assert (
        control(simulator, "reporting", {"date_format": "YYYY-MM-DD", "added_column": "novelty"}).status_code
        == 200
    )
    lines = table(client, report)
    assert all(len(line["date"]) == 10 and "novelty" in line for line in lines)
    assert control(simulator, "reporting", {"date_format": "DD.MM."}).status_code == 400
    control(simulator, "reporting", {})
    assert all(len(line["date"]) == 8 for line in table(client, report))


def test_issuing_can_be_held_while_something_is_compared(simulator: Simulator, reporting: Reporting):
    job = reporting().jobs().create(body=BASIC).execute()
    days_later(simulator, 4)
    held = all_reports(reporting(), job["id"])
    assert control(simulator, "reporting/hold", {}).json()["held_at"]
    days_later(simulator, 3)
    assert all_reports(reporting(), job["id"]) == held
    assert control(simulator, "reporting/hold", {"at": None}).json()["held_at"] is None
    assert len(all_reports(reporting(), job["id"])) > len(held)


def test_the_world_can_be_read_and_changed(simulator: Simulator, reporting: Reporting):
    world = plain.http().get(f"{simulator.root}/control/world").json()
    first = world["accounts"][0]
    assert first["email"] == "user-001@example.test"
    assert {"id", "title", "monetised", "state"} <= first["channels"][0].keys()
    assert control(simulator, "world", {"channel_id": first["channels"][0]["id"], "state": "suspended"}).json()
    assert refusal(reporting().jobs().list())[0] == 403
    control(simulator, "world", {"channel_id": first["channels"][0]["id"], "state": "ok"})
    assert reporting().jobs().list().execute() == {}
    assert control(simulator, "world", {"email": "nobody@example.test", "state": "ok"}).status_code == 400
