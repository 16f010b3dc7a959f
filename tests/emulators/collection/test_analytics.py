"""Figures asked at the simulated Analytics API are YouTube's own in the warehouse, whatever is refused or dies."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from infra.local.simulator.analytics import numbers
from infra.local.simulator.analytics.rules import parse
from shared import channels
from shared.access.disconnect import ERASE
from shared.clock import next_reset, pacific_day
from shared.collection.analytics import collecting, store
from shared.collection.analytics.collecting import QUERY, AnalyticsCollecting
from shared.collection.analytics.plan import Request
from shared.collection.analytics.queries import REVENUE, queries
from shared.collection.analytics.state import STATES, State
from shared.collection.analytics.store import Answer, Answers
from shared.collection.jobs import JOBS, Job, name_of
from shared.errors import NotFound, RateLimited
from shared.monitoring import alerts, apis
from shared.quota.accounts import SYSTEM
from shared.rate_limits.bursts import Burst
from shared.warehouse import schema
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import ANALYTICS_LOADS, ANALYTICS_ROWS
from shared.youtube.client import Caller
from tests.emulators import wire
from tests.emulators.collection.reading import KIND, Reading
from tests.emulators.wire import dying, met
from tests.emulators.youtube.stand import NOON, Stand, standing
from tests.stands import bigquery_limits
from tests.stands.bigquery_limits import SPOILT, loads
from tests.stands.mortal import Died, Mortal

API = collecting.API
DAY = timedelta(days=1)
PAID, FREE = (2, 0), (1, 1)
"""A channel in the Partner Program of the simulated world, and one that is not; both have few videos."""
HISTORY_QUERIES = ("channel_daily", "revenue_daily")


@dataclass
class Figures:
    """Connected channels, what asks about them, and what the warehouse has."""

    reading: Reading
    warehouse: Warehouse
    messages: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    @property
    def stand(self) -> Stand:
        return self.reading.stand

    def connect(
        self, user: int = 1, place: int = 0, *, granted: tuple[str, ...] = ("analytics", "revenue"), **known: Any
    ) -> str:
        channel_id = self.reading.connect(
            user, place, granted=granted, **{"analytics_at": self.stand.clock(), **known}
        )
        made = self.stand.clock() - 2 * DAY
        job = Job(
            name=name_of(channel_id, KIND), channel_id=channel_id, report_type=KIND, job_id="j", created_at=made,
            since=made,
        )  # fmt: skip
        self.stand.firestore.document("reports", job.name).set(JOBS.fields(job))
        return channel_id

    def collecting(self, bigquery_client: Any = None, firestore_client: Any = None) -> AnalyticsCollecting:
        warehouse = replace(self.warehouse, client=bigquery_client) if bigquery_client else self.warehouse
        return AnalyticsCollecting(
            client=firestore_client or self.stand.firestore,
            warehouse=lambda: warehouse,
            quota=self.stand.ledger,
            limiter=self.stand.limiter,
            caller_for=self.caller_for,
            report_type=KIND,
            retention=2,
            to_ingest=lambda kind, message: self.messages.append((kind, message)),
            enqueue=self.reading.enqueue,
            clock=self.stand.clock,
            rng=random.Random(1),
        )

    def caller_for(self, channel_id: str, block: Any, burst: Burst) -> Caller:
        self.meanwhile()
        caller = self.reading.callers[channel_id]
        context = replace(caller.context, account=SYSTEM)  # as the wiring has it
        return replace(caller, quota=block, limiter=burst, context=context)

    def run(self) -> dict[str, int]:
        """The hourly run and its tasks; answers what they answered, added up."""
        planned = self.collecting().plan()
        while self.reading.tasks:
            _, payload = self.reading.tasks.pop(min(self.reading.tasks))
            assert payload.keys() == {"channels", "most"}
            for name, number in self.collecting().collect(payload["channels"], payload["most"]).items():
                planned[name] = planned.get(name, 0) + number
        return planned

    def day(self) -> int:
        """Hourly runs until nobody is due; answers how many queries they asked."""
        asked = 0
        for _ in range(11):
            told = self.run()
            asked += told.get("asked", 0)
            if not told["due"]:
                return asked
            self.stand.advance(hours=1)
        raise AssertionError("somebody is due without end")

    def calls(self) -> int:
        """How many queries YouTube answered or refused; with a token that was too old is neither."""
        return sum(entry["status"] != 401 for entry in self.stand.simulator.journal.entries(QUERY))

    def channel(self, channel_id: str) -> channels.Channel:
        return self.reading.channel(channel_id)

    def state(self, channel_id: str) -> State:
        return STATES.read(channel_id, self.stand.firestore.document("analytics", channel_id).get().to_dict())

    def loads(self, query: str | None = None) -> list[dict[str, Any]]:
        rows = [dict(row) for row in self._rows(ANALYTICS_LOADS.name)]
        return sorted(
            (row for row in rows if query in {None, row["query"]}),
            key=lambda row: (row["asked_at"], row["start_day"]),
        )

    def counting(self, query: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The metrics that count of a query, by day, video and dimensions: of the newest load that has the day."""
        named = {(load["load_id"], load["query"]): load["asked_at"] for load in self.loads() if not load["reason"]}
        newest: dict[Any, Any] = {}
        rows = [row for row in self._rows(ANALYTICS_ROWS.name) if row["query"] == query]
        rows = [row for row in rows if (row["load_id"], query) in named]
        for row in rows:
            about = row["channel_id"], row["date"], row["video_id"] if query == "retention" else None
            newest[about] = max(newest.get(about, ""), row["load_id"])
        found = dict[tuple[Any, ...], dict[str, Any]]()
        for row in rows:
            about = row["channel_id"], row["date"], row["video_id"] if query == "retention" else None
            if newest[about] == row["load_id"]:
                key = (
                    row["channel_id"],
                    row["date"],
                    row["video_id"],
                    json.dumps(row["dimensions"], sort_keys=True),
                )
                assert key not in found, "a row counts twice"
                found[key] = row["metrics"]
        return found

    def _rows(self, table: str) -> Iterator[Any]:
        return iter(self.warehouse.client.list_rows(self.warehouse.full_name(table)))

    def truth(self, channel: Any, name: str, start: date, end: date) -> dict[date, dict[str, float]]:
        """What YouTube would say now of a query by day."""
        query = queries()[name]
        asked = parse(
            {"metrics": ",".join(query.metrics), "dimensions": "day", "startDate": start.isoformat(),
             "endDate": end.isoformat()}
        )  # fmt: skip
        cells = numbers.gather(self.stand.simulator.world, channel, asked, self.stand.clock().timestamp())
        return {
            date.fromisoformat(group[0]): {each: numbers.value(each, cell, "USD") for each in query.metrics}
            for group, cell in cells.items()
        }

    def answer_with(self, rows: list[list[Any]], **match: str) -> None:
        """Have the simulator answer a query about one day with these rows."""
        headers = [{"name": "video", "columnType": "DIMENSION", "dataType": "STRING"}]
        headers += [
            {"name": name, "columnType": "METRIC", "dataType": "INTEGER"}
            for name in queries()["top_videos_monthly"].metrics
        ]
        body = {"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers, "rows": rows}
        self.stand.inject(method=QUERY, kind="html", status=200, body=json.dumps(body), match=match)


@pytest.fixture
def figures(firestore_client, bigquery_client, dataset) -> Iterator[Figures]:
    with ready(firestore_client, bigquery_client, dataset) as found:
        yield found


@contextmanager
def ready(firestore_client: Any, bigquery_client: bigquery.Client, dataset: str) -> Iterator[Figures]:
    """Everything that collecting needs, and both of Analytics' tables."""
    warehouse = Warehouse(bigquery_client, dataset)
    bigquery_client.create_dataset(dataset)
    for table in (ANALYTICS_ROWS, ANALYTICS_LOADS):
        bigquery_client.create_table(schema.table(warehouse, table))
    with standing(firestore_client) as stand:
        assert (stand.channel(*PAID).monetised, stand.channel(*FREE).monetised) == (True, False)
        for place in (PAID, FREE):
            stand.channel(*place).published_at = stand.clock() - 75 * DAY  # a short history
        yield Figures(Reading(stand), warehouse)


def only(query: str) -> dict[str, str]:
    """What matches one declared query's requests."""
    return {"metrics": ",".join(queries()[query].metrics)}


# What is asked becomes rows


def test_every_day_since_the_channel_s_birth_is_youtubes_own_and_stands_once(figures):
    channel_id = figures.connect(*PAID)
    channel = figures.stand.channel(*PAID)
    channel.published_at = figures.stand.clock() - 900 * DAY
    figures.day()
    born, last = pacific_day(channel.published_at), pacific_day(figures.stand.clock()) - DAY
    for query in HISTORY_QUERIES:
        found = {day: metrics for (_, day, _, _), metrics in figures.counting(query).items()}
        truth = figures.truth(channel, query, born, last)
        assert found.keys() == truth.keys()
        assert found == truth
    assert figures.run()["due"] == 0
    assert figures.channel(channel_id).analytics_at == next_reset(figures.stand.clock())
    kinds = {load["kind"]: load for load in figures.loads("channel_daily")}
    assert kinds["history"]["end_day"] < kinds["recent"]["start_day"]
    assert figures.state(channel_id).birth == born


def test_all_queries_are_answered_and_what_nobody_asks_twice_a_day_is_asked_once(figures):
    figures.connect(*PAID)
    figures.day()
    loads = figures.loads()
    assert {load["query"] for load in loads} == queries().keys()
    assert not [load for load in loads if load["reason"] or load["truncated"]]
    once = {(load["query"], load["subject"], load["start_day"]) for load in loads}
    assert len(once) == len(loads) == figures.calls()
    curves = figures.counting("retention")
    watched = {load["subject"] for load in figures.loads("retention") if load["row_count"]}
    assert {video for _, _, video, _ in curves} == watched != set()
    assert figures.stand.ours()["analytics"] == figures.stand.googles()["analytics"]


def test_a_second_delivery_and_a_channel_with_nothing_new_are_not_asked(figures):
    channel_id = figures.connect(*PAID)
    figures.day()
    before = (figures.calls(), figures.loads())
    assert figures.collecting().collect([channel_id])["asked"] == 0
    assert figures.run() == {"due": 0, "queued": 0}
    assert (figures.calls(), figures.loads()) == before


def test_days_that_youtube_has_not_counted_are_not_zero_and_come_when_it_has(figures):
    channel_id = figures.connect(*PAID)
    figures.day()
    newest = max(day for _, day, _, _ in figures.counting("channel_daily"))
    assert newest < pacific_day(figures.stand.clock()) - DAY
    figures.stand.advance(days=3)
    figures.day()
    days = {day for _, day, _, _ in figures.counting("channel_daily")}
    assert newest + DAY in days
    assert days == figures.truth(figures.stand.channel(*PAID), "channel_daily", min(days), max(days)).keys()
    assert figures.state(channel_id).queries["channel_daily"].until == max(days)


def test_revenue_that_is_restated_is_read_again_until_it_is_final(figures):
    figures.connect(*PAID)
    figures.day()
    first = figures.counting("revenue_daily")
    figures.stand.advance(days=20)
    figures.run()
    later = figures.counting("revenue_daily")
    changed = [key for key in first if first[key] != later[key]]
    assert changed
    days = {day for _, day, _, _ in later}
    truth = figures.truth(figures.stand.channel(*PAID), "revenue_daily", min(days), max(days))
    assert {day: metrics for (_, day, _, _), metrics in later.items()} == truth


def test_without_a_day_a_row_stands_on_the_first_day_that_was_asked_for(figures):
    figures.connect(*PAID)
    figures.run()
    months = {day for _, day, _, _ in figures.counting("country_monthly")}
    assert months == {date(2026, 7, 1), date(2026, 6, 1), date(2026, 5, 1)}
    videos = {video for _, _, video, _ in figures.counting("top_videos_monthly")}
    assert len(videos) > 1
    assert None not in videos


# What YouTube refuses, or says oddly


@pytest.mark.fault(6)
def test_revenue_of_a_channel_outside_the_program_is_a_reason_and_everything_else_is_there(figures):
    channel_id = figures.connect(*FREE)
    figures.day()
    refused = [load for load in figures.loads() if load["reason"]]
    assert {load["reason"] for load in refused} == {"monetaryForbidden"}
    assert {load["query"] for load in refused} == {n for n, query in queries().items() if query.needs == REVENUE}
    assert figures.counting("channel_daily")
    assert figures.counting("top_videos_monthly")
    assert figures.channel(channel_id).refusals == {}
    assert sum(entry["status"] == 403 for entry in figures.stand.simulator.journal.entries(QUERY)) == 1
    figures.stand.advance(days=1)
    figures.run()
    assert len([load for load in figures.loads() if load["reason"]]) == len(refused)
    figures.stand.channel(*FREE).monetised = True
    figures.stand.advance(days=7)
    figures.day()
    assert figures.counting("revenue_daily")


def test_one_metric_that_is_refused_takes_nothing_with_it_but_its_own_query(figures):
    figures.connect(*PAID)
    figures.stand.inject(method=QUERY, kind="badRequest", match=only("ads_daily"))
    figures.run()
    assert {load["query"]: load["reason"] for load in figures.loads() if load["reason"]} == {
        "ads_daily": "badRequest"
    }
    assert figures.counting("revenue_daily")


@pytest.mark.case("C5")
@pytest.mark.fault(67)
def test_without_the_scope_nothing_is_asked_and_the_reason_stands_beside_every_query(figures):
    figures.connect(*PAID, granted=("publish",))
    figures.day()
    assert figures.calls() == 0
    assert {load["reason"] for load in figures.loads()} == {"insufficientPermissions"}
    assert {load["query"] for load in figures.loads()} == queries().keys() - {"retention"}


@pytest.mark.fault(6)
def test_without_the_monetary_scope_only_money_is_missing_and_nothing_is_asked_for_it(figures):
    channel_id = figures.connect(*PAID, granted=("analytics",))
    figures.run()
    refused = {load["query"]: load["reason"] for load in figures.loads() if load["reason"]}
    assert refused == dict.fromkeys(
        (name for name, query in queries().items() if query.needs == REVENUE), "insufficientPermissions"
    )
    assert not [each for each in figures.stand.simulator.journal.entries(QUERY) if each["status"] != 200]
    figures.stand.advance(hours=1)
    have = {"capabilities.revenue": {"have": True, "reason": "granted"}, "analytics_at": figures.stand.clock()}
    figures.stand.firestore.document(channels.path(channel_id)).update(have)
    figures.run()
    assert figures.counting("revenue_daily")


@pytest.mark.case("C6")
@pytest.mark.fault(67)
def test_a_token_that_has_lost_its_scope_is_asked_once_and_again_when_the_channel_is_connected_again(figures):
    channel_id = figures.connect(*PAID)
    figures.stand.inject(method=QUERY, kind="error", reason="insufficientPermissions", status=403, body=json.dumps(
        {"error": {"code": 403, "message": "No.", "errors": [{"reason": "insufficientPermissions"}]}}
    ), match=only("channel_daily"))  # fmt: skip
    figures.day()
    refusal = figures.channel(channel_id).refusals[API]
    assert (refusal.reason, refusal.until) == ("insufficientPermissions", None)
    calls = figures.calls()
    figures.stand.advance(days=10)
    figures.day()
    assert figures.calls() == calls
    figures.stand.simulator.faults.clear()
    figures.connect(*PAID)
    figures.day()
    assert figures.counting("channel_daily")
    assert figures.channel(channel_id).refusals == {}


@pytest.mark.case("C4")
@pytest.mark.fault(66)
def test_an_api_that_is_off_is_one_call_and_one_alarm_and_nobody_s_refusal(figures):
    names = [figures.connect(*PAID), figures.connect(*FREE)]
    figures.stand.inject(method=QUERY, kind="accessNotConfigured")
    figures.run()
    assert figures.calls() == 1
    assert [alert.key for alert in alerts.firing(figures.stand.firestore)] == [apis.key(API)]
    assert [figures.channel(name).refusals for name in names] == [{}, {}]
    figures.stand.simulator.faults.clear()
    figures.stand.advance(hours=1)
    assert figures.run()["due"] == 2
    assert not alerts.firing(figures.stand.firestore)


@pytest.mark.fault(34)
@pytest.mark.case("C10")
def test_a_list_as_long_as_one_may_be_is_flagged_and_odd_numbers_are_kept(figures):
    figures.connect(*PAID)
    figures.answer_with(
        [[f"video{number:06}", 5.0, 7.0, 3, -2, 0, 0, None] for number in range(200)], **only("top_videos_monthly")
    )
    figures.run()
    [flagged, *_] = figures.loads("top_videos_monthly")
    assert (flagged["row_count"], flagged["truncated"]) == (200, True)
    assert not [load for load in figures.loads() if load["truncated"] and load["query"] != "top_videos_monthly"]
    numbers_ = next(iter(figures.counting("top_videos_monthly").values()))
    assert (numbers_["views"], numbers_["likes"], "subscribersGained" in numbers_) == (5, -2, False)


@pytest.mark.case("C10")
def test_numbers_written_as_floats_are_the_same_whole_numbers(figures):
    figures.connect(*PAID)
    from infra.local.simulator.analytics.control import Manner

    figures.stand.simulator.room(Manner).whole_numbers = "float"
    figures.day()
    channel, last = figures.stand.channel(*PAID), pacific_day(figures.stand.clock())
    found = {day: metrics for (_, day, _, _), metrics in figures.counting("channel_daily").items()}
    assert found == figures.truth(channel, "channel_daily", pacific_day(channel.published_at), last)
    assert all(isinstance(metrics["views"], int) for metrics in found.values())


@pytest.mark.parametrize(
    "rows",
    [[["v", 1]], [["v", 1.5, 0, 0, 0, 0, 0, 0]], [["v", "many", 0, 0, 0, 0, 0, 0]], [7], [["v"] * 9]],
    ids=["short", "half a view", "words", "no row", "long"],
)
def test_an_answer_that_is_no_table_is_a_reason_and_spoils_no_other(figures, rows):
    figures.connect(*PAID)
    figures.answer_with(rows, **only("top_videos_monthly"))
    figures.run()
    assert {load["reason"] for load in figures.loads("top_videos_monthly")} == {"unreadableAnswer"}
    assert figures.counting("channel_daily")


# Quotas and limits


@pytest.mark.case("C12")
def test_a_spent_quota_ends_the_day_for_everybody_and_no_unit_more_is_asked(figures):
    names = [figures.connect(*PAID), figures.connect(*FREE)]
    figures.stand.inject(method=QUERY, kind="quota", skip=5)
    figures.run()
    assert figures.calls() == 6
    tomorrow = next_reset(figures.stand.clock())
    assert {figures.channel(name).analytics_at for name in names} == {tomorrow}
    assert figures.stand.ours()["analytics"] == figures.stand.googles()["analytics"]
    figures.stand.simulator.faults.clear()
    figures.stand.advance(hours=1)
    assert figures.run()["due"] == 0
    figures.stand.simulator.timepiece.set(tomorrow)
    assert figures.run()["due"] == 2


def test_the_day_s_quota_is_divided_among_those_who_are_due(figures):
    figures.connect(*PAID)
    figures.connect(*FREE)
    figures.collecting().plan()
    [(_, payload)] = figures.reading.tasks.values()
    assert payload["most"] == 1_000
    told = figures.collecting().collect(payload["channels"], 2)
    assert told["asked"] == 4
    assert {load["query"] for load in figures.loads()} == set(HISTORY_QUERIES)


def test_one_person_s_minute_holds_up_his_channels_alone_and_the_next_run_goes_on(figures):
    mine, other = figures.connect(*FREE), figures.connect(*PAID)
    for _ in range(4):
        figures.stand.limiter.admit(method=QUERY, user="u1", project="test", count=15)
    with pytest.raises(RateLimited):
        figures.stand.limiter.admit(method=QUERY, user="u1", project="test")
    figures.run()
    assert {load["channel_id"] for load in figures.loads()} == {other}
    figures.stand.advance(hours=1)
    figures.run()
    assert {load["channel_id"] for load in figures.loads()} == {mine, other}


# Whatever dies


def mortal(figures: Figures, lives: int) -> bigquery.Client:
    """BigQuery's client in a process that dies right after so many answers."""
    options = ClientOptions(api_endpoint=figures.warehouse.client._connection.API_BASE_URL)
    anonymous = AnonymousCredentials()
    return bigquery.Client(project="test", credentials=anonymous, client_options=options, _http=Mortal(lives))


@pytest.mark.fault(32)
def test_wherever_the_process_dies_the_next_run_finishes_and_every_row_counts_once(figures):
    channel_id, firestore = figures.connect(*PAID), figures.stand.firestore

    def deaths(run: Callable[[int], AnalyticsCollecting]) -> int:
        for number in count(1):
            try:
                run(number).collect([channel_id], 2)
            except (Died, wire.Died):
                figures.counting("channel_daily")  # nothing counts twice, at no moment
            else:
                break
        return number - 1

    assert deaths(lambda lives: figures.collecting(mortal(figures, lives))) >= 4  # two jobs begun and found done
    assert deaths(lambda lives: figures.collecting(None, dying(firestore, lives))) >= 1  # the state
    figures.day()
    channel, last = figures.stand.channel(*PAID), pacific_day(figures.stand.clock())
    found = {day: metrics for (_, day, _, _), metrics in figures.counting("channel_daily").items()}
    assert found == figures.truth(channel, "channel_daily", pacific_day(channel.published_at), last)


def test_a_channel_s_day_is_few_writes_however_many_queries_it_is(firestore_client, bigquery_client, dataset):
    commits = list[int]()
    with ready(met(firestore_client, commits.append), bigquery_client, dataset) as figures:
        figures.connect(*PAID)
        figures.connect(*FREE)
        figures.day()
        figures.stand.simulator.timepiece.set(next_reset(figures.stand.clock()) + timedelta(hours=1))
        commits.clear()
        assert figures.run()["asked"] >= 8
    # Of each channel its state, when it is due, and the burst; of the task the day's quota, and a block taken and
    # given back.
    assert len(commits) <= 2 * 3 + 3


@pytest.mark.fault(68)
def test_what_was_asked_for_a_connection_that_ended_meanwhile_is_taken_back(figures):
    channel_id = figures.connect(*PAID)
    ended = channels.connection_of(channel_id, figures.channel(channel_id).connected_at)
    figures.meanwhile = lambda: figures.stand.firestore.document(channels.path(channel_id)).delete()
    figures.collecting().collect([channel_id])
    assert figures.messages == [(ERASE, {"channel_id": channel_id, "receipt": ended})]
    assert all(load["load_id"].endswith(ended) for load in figures.loads())
    assert not figures.stand.firestore.document("analytics", channel_id).get().exists
    assert not figures.stand.firestore.document(channels.path(channel_id)).get().exists


def test_a_channel_that_is_disconnected_between_two_queries_is_left_and_nobody_else_is(figures):
    gone, stays = figures.connect(*PAID), figures.connect(*FREE)

    class Gone:
        left = 3

        def access_token(self) -> str:
            self.left -= 1
            if self.left < 0:
                raise NotFound("not connected", reason="notConnected")
            return tokens.access_token()

        def renew(self, refused: str) -> str:
            raise NotFound("not connected", reason="notConnected")

    tokens = figures.reading.callers[gone].tokens
    figures.reading.callers[gone] = replace(figures.reading.callers[gone], tokens=Gone())
    figures.collecting().collect([gone, stays])
    assert len([load for load in figures.loads() if load["channel_id"] == gone]) == 2  # one call was for its birth
    assert "channel_daily" in {load["query"] for load in figures.loads() if load["channel_id"] == stays}


def test_a_state_of_a_gone_channel_that_a_dead_run_left_goes_with_the_next(figures):
    channel_id = figures.stand.channel(*PAID).id
    left = State(channel_id=channel_id, connection="old")
    figures.stand.firestore.document("analytics", channel_id).set(STATES.fields(left))
    figures.collecting().collect([channel_id])
    assert not figures.stand.firestore.document("analytics", channel_id).get().exists


def test_another_connection_begins_anew(figures):
    channel_id = figures.connect(*PAID)
    figures.day()
    figures.connect(*PAID)
    before = figures.calls()
    figures.run()
    assert figures.calls() - before > 10
    connected = figures.channel(channel_id).connected_at
    assert figures.state(channel_id).connection == channels.connection_of(channel_id, connected)


def test_answers_that_bigquery_does_not_take_cost_nobody_else_his(figures):
    request = Request(query=queries()["channel_daily"], start=date(2026, 11, 1), end=date(2026, 11, 27))
    good = Answer(request=request, asked_at=NOON, rows=({"date": "2026-11-02", "metrics": {"views": 1}},))
    bad = replace(good, rows=({"date": "no day"},))
    told = [Answers(f"UC{n}", f"load-{n}", [bad if n == 2 else good]) for n in range(5)]
    kept = store.store(figures.warehouse, told, figures.stand.clock)
    assert [each.channel_id for each in kept] == ["UC0", "UC1", "UC3", "UC4"]
    assert {load["channel_id"] for load in figures.loads()} == {"UC0", "UC1", "UC3", "UC4"}
    assert len(figures.counting("channel_daily")) == 4


def test_a_manifest_that_is_refused_once_counts_no_row_twice(figures, bigquery_emulator):
    request = Request(query=queries()["channel_daily"], start=date(2026, 11, 1), end=date(2026, 11, 27))
    rows = ({"date": "2026-11-02", "metrics": {"views": 1}},)
    told = [Answers(f"UC{n}", f"l-{n}", [Answer(request=request, asked_at=NOON, rows=rows)]) for n in range(2)]
    with bigquery_limits.in_front_of(bigquery_emulator) as limits:
        limits.refuse(loads(b"row_count"), SPOILT)
        client = bigquery.Client(
            project="test",
            credentials=AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=f"http://{limits.address}"),
        )
        kept = store.store(replace(figures.warehouse, client=client), told, figures.stand.clock)
    assert limits.refused == 1
    assert [each.channel_id for each in kept] == ["UC0", "UC1"]
    assert len(figures.counting("channel_daily")) == 2


def test_a_connection_that_no_longer_works_is_not_due_any_more(figures):
    channel_id = figures.connect(*PAID)
    figures.stand.firestore.document(channels.path(channel_id)).update({"state": "reauth_required"})
    assert figures.run()["due"] == 0
    assert figures.channel(channel_id).analytics_at is None
