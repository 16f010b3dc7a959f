"""Whatever dies or ends while figures are asked for, every row counts once and only for who is connected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from shared import channels
from shared.access.disconnect import ERASE
from shared.clock import next_reset, pacific_day
from shared.collection.analytics import store
from shared.collection.analytics.collecting import QUERY, AnalyticsCollecting
from shared.collection.analytics.plan import STATES, Request, State, queries
from shared.collection.analytics.store import Answer
from shared.errors import NotFound
from tests.emulators import wire
from tests.emulators.collection.figures import API, FREE, PAID, Figures, only, ready
from tests.emulators.wire import dying, met
from tests.emulators.youtube.stand import NOON
from tests.stands import bigquery_limits
from tests.stands.bigquery_limits import SPOILT, loads
from tests.stands.mortal import Died, Mortal

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

    left = iter(range(3))

    def three(refused: str | None) -> str:
        if next(left, None) is None:
            raise NotFound("not connected", reason="notConnected")
        return tokens(refused)

    tokens = figures.reading.callers[gone].tokens
    figures.reading.callers[gone] = replace(figures.reading.callers[gone], tokens=three)
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
    told = {(f"UC{n}", f"connection {n}"): [bad if n == 2 else good] for n in range(5)}
    kept = store.store(figures.collecting(), told)
    assert kept == {"UC0", "UC1", "UC3", "UC4"}
    assert {load["channel_id"] for load in figures.loads()} == {"UC0", "UC1", "UC3", "UC4"}
    assert len(figures.counting("channel_daily")) == 4


def test_a_manifest_that_is_refused_once_counts_no_row_twice(figures, bigquery_emulator):
    request = Request(query=queries()["channel_daily"], start=date(2026, 11, 1), end=date(2026, 11, 27))
    rows = ({"date": "2026-11-02", "metrics": {"views": 1}},)
    told = {(f"UC{n}", f"connection {n}"): [Answer(request=request, asked_at=NOON, rows=rows)] for n in range(2)}
    with bigquery_limits.in_front_of(bigquery_emulator) as limits:
        limits.refuse(loads(b"row_count"), SPOILT)
        client = bigquery.Client(
            project="test",
            credentials=AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=f"http://{limits.address}"),
        )
        kept = store.store(figures.collecting(client), told)
    assert limits.refused == 1
    assert kept == {"UC0", "UC1"}
    assert len(figures.counting("channel_daily")) == 2


def test_a_connection_that_no_longer_works_is_noted_as_such_once_and_not_due_any_more(figures):
    channel_id = figures.connect(*PAID)
    figures.stand.firestore.document(channels.path(channel_id)).update({"state": "reauth_required"})
    assert figures.run()["due"] == 1
    assert (figures.run()["due"], figures.calls()) == (0, 0)
    assert figures.channel(channel_id).analytics_at is None
    assert {load["reason"] for load in figures.loads()} == {"reauthRequired"}
    assert {load["query"] for load in figures.loads()} == queries().keys() - {"retention"}


def test_a_refusal_of_the_channel_stands_beside_every_query_and_all_is_asked_when_it_ends(figures):
    channel_id = figures.connect(*PAID)
    figures.stand.inject(method=QUERY, kind="forbidden", match=only("channel_daily"))
    figures.run()
    until = figures.channel(channel_id).refusals[API].until
    assert {load["query"] for load in figures.loads() if load["reason"]} >= {"channel_daily", "revenue_daily"}
    figures.stand.simulator.faults.clear()
    figures.stand.simulator.timepiece.set(until + timedelta(minutes=1))
    figures.day()
    assert figures.counting("channel_daily")
    assert figures.counting("revenue_daily")
