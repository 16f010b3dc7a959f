"""Days that are loaded again, on the simulator's wire: Reporting API, `ingest`, coverage, warehouse."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from infra.local.simulator.reporting.jobs import Jobs
from shared import channels
from shared.channels import Refusal
from shared.clock import pacific_day
from shared.collection import backfill, messages
from shared.collection.collecting import API
from shared.collection.coverage import AGAIN, Day
from shared.collection.ingest import Ingest
from shared.collection.jobs import KEPT, State
from shared.errors import Conflict, Forbidden, NotFound
from shared.rate_limits.limits import RateLimit
from shared.youtube import reporting
from tests.emulators.collection.reading import KIND, Reading
from tests.emulators.youtube.stand import standing
from tests.stands import packed

REACH = "channel_reach_basic_a1"


class Network(Reading):
    """A channel with a month of reports, all of them listed."""

    channel_id: str

    def backfill(self, **asked: Any) -> Mapping[str, Any]:
        last = self.last - timedelta(days=10)
        body = {"channel": self.channel_id, "from": str(last - timedelta(days=2)), "to": str(last), "type": KIND}
        return self.run_backfill({"backfill": {**body, **asked}})

    def run_backfill(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return backfill.run(self.collecting, backfill.asked_for(body, self.stand.clock()))

    @property
    def last(self) -> date:
        return max(self.days())

    def days(self) -> dict[date, Day]:
        today = pacific_day(self.stand.clock())
        return dict(packed.days(self.stand.firestore, self.channel_id, KIND, [today - KEPT, today]))

    def listings(self) -> int:
        return self.calls().count(reporting.LIST)


@pytest.fixture
def network(firestore_client) -> Iterator[Network]:
    with standing(firestore_client) as stand:
        made = Network(stand)
        made.channel_id = made.connect()
        made.run()
        stand.advance(days=4)
        made.run()
        yield made


def test_chosen_days_are_listed_by_one_request_and_dispatched_once_more(network):
    network.sent.clear()
    before = network.listings()
    assert network.backfill() == {"days": 3, "dispatched": 3, "without_report": []}
    assert network.listings() == before + 1
    [sent] = network.sent
    days = [ref.day for ref in messages.refs_from(sent)]
    last = network.last - timedelta(days=10)
    assert days == [last - timedelta(days=2), last - timedelta(days=1), last]
    assert {day for day, entry in network.days().items() if entry.reason == AGAIN} == set(days)
    network.sent.clear()
    network.stand.advance(minutes=1)
    network.run(everything=False)
    assert network.sent == []  # on its way, and not lost


def test_a_day_without_a_report_is_named(network):
    day = network.last - timedelta(days=10)
    network.stand.simulator.room(Jobs).make_odd(network.channel_id, KIND, day.toordinal(), None)
    assert network.backfill() == {"days": 3, "dispatched": 2, "without_report": [str(day)]}


def test_the_reports_of_a_job_that_has_ended_are_loaded_again_too(network):
    for job in network.stand.simulator.room(Jobs).all():
        job.expires = network.stand.clock().timestamp()
    network.stand.advance(days=1)
    network.run()
    assert network.backfill()["dispatched"] == 3


def test_without_a_type_a_task_is_queued_for_each_that_is_collected(network):
    network.report_types = (KIND, REACH)
    network.tasks.clear()
    assert network.backfill(type=None) == {"queued": 2}
    asked = [payload["backfill"]["type"] for _, payload in network.tasks.values()]
    assert asked == [KIND, REACH]
    network.sent.clear()
    [first, _] = [payload for _, payload in network.tasks.values()]
    assert network.run_backfill(first)["dispatched"] == 3


@pytest.mark.fault(34)
def test_what_youtube_s_limit_does_not_admit_is_queued_for_when_it_does(network):
    limit = RateLimit(name="listings", methods=(reporting.LIST,), calls=1, window=600, per=("project",))
    network.stand.limiter = network.stand.limiter_of(limit)
    caller = network.callers[network.channel_id]
    network.callers[network.channel_id] = replace(caller, limiter=network.stand.limiter)
    assert network.backfill()["dispatched"] == 3
    network.tasks.clear()
    assert network.backfill() == {"queued": 1}
    [(when, payload)] = network.tasks.values()
    assert when > network.stand.clock()
    network.stand.simulator.timepiece.set(when)
    assert network.run_backfill(payload)["dispatched"] == 3


def test_what_cannot_be_loaded_again_says_why_and_asks_youtube_nothing(network):
    before = network.listings()
    with pytest.raises(NotFound) as told:
        network.backfill(channel="UC" + "z" * 22)
    assert told.value.reason == "notConnected"
    with pytest.raises(Conflict) as told:
        network.backfill(type=REACH)
    assert told.value.message == f"{REACH} is not collected for this channel."
    refusal = Refusal(reason="channelSuspended", since=network.stand.clock(), until=None)
    channels.set_refusal(network.stand.firestore, network.channel_id, API, refusal)
    with pytest.raises(Conflict):
        network.backfill()
    unticked = network.connect(1, 1, granted=("publish",))
    with pytest.raises(Forbidden):
        network.backfill(channel=unticked)
    assert network.listings() == before


def test_rows_that_were_damaged_are_right_again_and_a_second_run_loads_nothing(network, warehouse):
    stand, later = network.stand, []
    ingest = Ingest(
        client=stand.firestore,
        warehouse=lambda: warehouse,
        report_types=(),
        quota=stand.ledger,
        caller_for=lambda _, block: replace(stand.caller(), quota=block, limiter=stand.limiter_of()),
        check_rate=lambda: None,
        book=lambda calls, **_: [stand.clock()] * len(calls),
        to_ingest=lambda kind, message: later.append((kind, message)),
        to_ingest_at=lambda kind, message, _: later.append((kind, message)),
        fetch_calls=None,
        confirm_calls=None,
        clock=stand.clock,
        rng=random.Random(1),
    )

    def load() -> int:
        downloads = network.calls().count(reporting.DOWNLOAD)
        while network.sent:
            ingest.handle(messages.KIND, network.sent.pop(0))
        assert later == []
        return network.calls().count(reporting.DOWNLOAD) - downloads

    def views() -> dict[date, int]:
        rows = warehouse.client.query(f"SELECT date, views FROM `{warehouse.dataset}.youtube_metrics`").result()
        return {row["date"]: row["views"] for row in rows}

    *asked, other = sorted(network.days())[-13:-9]
    few = {str(day) for day in (*asked, other)}
    network.sent = [
        {**sent, "reports": [each for each in sent["reports"] if each["day"] in few]} for sent in network.sent
    ]
    load()
    right, days = views(), network.days()
    damage = f"UPDATE `{warehouse.dataset}.report_{KIND}` SET views = views + 7 WHERE TRUE"
    warehouse.client.query(damage).result()
    assert all(views()[day] != right[day] for day in asked)
    stand.advance(minutes=1)
    body = {"channel": network.channel_id, "from": str(asked[0]), "to": str(asked[-1]), "type": KIND}
    task = {"backfill": {**body, "asked_at": stand.clock().isoformat()}}
    stand.advance(seconds=1)
    assert network.run_backfill(task)["dispatched"] == 3
    message = dict(network.sent[0])
    assert load() == 3
    assert sorted(day for day, count in views().items() if count == right[day]) == asked
    after = network.days()
    for day in asked:
        assert (after[day].state, after[day].reason, after[day].rows) == (State.LOADED, None, days[day].rows)
        assert after[day].load_id > days[day].load_id
    network.sent.append(message)  # delivered twice
    assert load() == 0
    assert network.run_backfill(task) == {"days": 3, "dispatched": 0, "without_report": []}
    assert network.days() == after
