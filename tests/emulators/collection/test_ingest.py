"""Messages for `ingest` against simulator, BigQuery and Firestore: what must wait is handed on with a time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from shared.clock import pacific_day
from shared.collection import gone, internal_metrics, messages
from shared.collection.cache import Look
from shared.collection.ingest import Ingest
from shared.push import receiving
from shared.push.feed import VideoNotice
from shared.quota.accounts import SYSTEM
from shared.rate_limits.limits import RateLimit
from shared.warehouse.manifest import already_loaded
from shared.warehouse.rows import ReportRef
from shared.warehouse.statements import Warehouse
from shared.youtube import reporting
from tests.emulators.youtube.stand import Stand, standing
from tests.stands import packed

KIND = "channel_basic_a3"
A_MINUTE = RateLimit(name="downloads", methods=(reporting.DOWNLOAD,), calls=3, window=60, per=("project",))


@dataclass
class Room:
    """One channel's reports, an `ingest` that may download three a minute, and what it handed on."""

    stand: Stand
    warehouse: Warehouse
    refs: list[ReportRef] = field(default_factory=list)
    later: list[tuple[str, Mapping[str, Any], datetime | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limiter = self.stand.limiter_of(A_MINUTE)
        self.ingest = Ingest(
            client=self.stand.firestore,
            warehouse=lambda: self.warehouse,
            report_types=("channel_basic_a3",),
            quota=self.stand.ledger,
            caller_for=lambda channel, block: replace(self.stand.caller(), quota=block, limiter=self.limiter),
            check_rate=lambda: self.limiter.check(method=reporting.DOWNLOAD, user=SYSTEM),
            book=partial(self.limiter.book, method=reporting.DOWNLOAD, user=SYSTEM, line="downloads"),
            to_ingest=lambda kind, message: self.later.append((kind, message, None)),
            to_ingest_at=lambda kind, message, at: self.later.append((kind, message, at)),
            fetch_calls=None,
            confirm_calls=None,
            clock=self.stand.clock,
            rng=random.Random(2),
        )

    def loaded(self) -> int:
        [connection] = gone.connections(self.stand.firestore, {self.refs[0].channel_id}).values()
        return len(already_loaded(self.warehouse, dict.fromkeys(self.refs, connection)))


@pytest.fixture
def room(firestore_client, warehouse) -> Iterator[Room]:
    with standing(firestore_client) as stand:
        made = Room(stand, warehouse)
        channel = stand.channel().id
        firestore_client.document("channels", channel).set({"state": "connected", "connected_at": stand.clock()})
        packed.place(firestore_client, channel)
        job = reporting.create_job(stand.caller(), KIND)
        stand.advance(days=4)
        made.refs += [
            ReportRef(
                report_id=found.id, channel_id=channel, report_type=KIND, job_id=job.id,
                day=pacific_day(found.start), create_time=found.created_at, download_url=found.download_url,
            )
            for found in reporting.list_reports(stand.caller(), job.id)[:8]
        ]  # fmt: skip
        yield made


def test_what_is_too_fast_is_handed_on_with_a_time_and_a_moved_clock_shortens_it(room):
    waiting: list[tuple[str, Mapping[str, Any], datetime | None]] = [
        (messages.KIND, messages.message(room.refs), None)
    ]
    loaded, began = [], time.monotonic()
    while waiting:
        kind, message, at = waiting.pop()
        if at is not None:
            now = room.stand.clock()
            assert now < at <= now + timedelta(minutes=2)
            room.stand.advance(minutes=6)  # the limiter takes a clock that is moved by less for a wrong one
        room.ingest.handle(kind, message)
        waiting, room.later = room.later, []
        assert len(waiting) <= 1
        loaded.append(room.loaded())
    assert loaded == [3, 3, 8]  # once they have a place in the order, together
    downloads = [call for call in room.stand.calls if call.endpoint == reporting.DOWNLOAD]
    assert len(downloads) == 8  # none twice
    assert time.monotonic() - began < 100  # two minutes of waiting by the clock, and none of ours


def test_the_owners_own_numbers_become_rows_that_count_once_however_often_they_are_sent(room):
    cost = {
        "channel_id": "UC" + "a" * 22, "date": "2026-11-20", "name": "cost", "value": "120.50", "unit": "USD",
        "as_of": "2026-11-21T09:00:00Z",
    }  # fmt: skip
    corrected = {**cost, "value": "99.000000001", "as_of": "2026-11-22T09:00:00Z"}
    for metrics in ([cost, corrected], [cost], [cost]):
        room.ingest.handle(internal_metrics.KIND, {"metrics": metrics})
    query = f"SELECT value FROM `{room.warehouse.full_name('owner_metrics')}`"
    assert [str(row["value"]) for row in room.warehouse.client.query(query)] == ["99.000000001"]


def test_a_notification_ends_what_was_kept_of_its_channel_and_of_no_other(room):
    now = room.stand.clock()
    mine, other = room.refs[0].channel_id, room.stand.channel(2).id
    client = room.stand.firestore
    client.document("channels", other).set({"state": "connected", "connected_at": now})
    for channel in (mine, other):
        with Look(client, channel, room.stand.clock) as look:
            look.read(["video:v"], lambda _: {"video:v": ("as it was", "")})
    notice = VideoNotice(video_id="v" * 11, channel_id=mine, updated=now, title="New", published=now)
    room.ingest.handle(receiving.KIND, receiving.message([notice, replace(notice, video_id="w" * 11)]))
    assert not Look(client, mine, room.stand.clock).entries.alive("video:v", now)
    assert Look(client, other, room.stand.clock).entries.alive("video:v", now)
    assert Look(client, mine, room.stand.clock).entries.generation == 1


def test_a_message_that_finds_the_limit_reached_asks_nothing_of_bigquery(room):
    for _ in range(3):
        room.limiter.admit(method=reporting.DOWNLOAD, user=SYSTEM)
    room.ingest = replace(room.ingest, warehouse=lambda: pytest.fail("BigQuery was asked"))
    room.ingest.handle(messages.KIND, messages.message(room.refs))
    ((kind, message, at),) = room.later
    assert (kind, messages.refs_from(message)) == (messages.KIND, room.refs)
    assert at is not None
    assert room.stand.calls[-1].endpoint != reporting.DOWNLOAD


def test_messages_that_wait_for_the_limit_come_one_after_the_other(room):
    for _ in range(3):
        room.limiter.admit(method=reporting.DOWNLOAD, user=SYSTEM)
    now = room.stand.clock()
    room.limiter.book([100], method=reporting.DOWNLOAD, user=SYSTEM)
    for refs in (room.refs[:5], room.refs[5:]):
        room.ingest.handle(messages.KIND, messages.message(refs))
    (_, first, begins), (_, _, follows) = room.later
    assert timedelta(seconds=59) <= begins - now <= timedelta(minutes=2)  # listings' places are listings'
    assert follows - begins >= timedelta(minutes=2)  # five downloads of three a minute
    room.later.clear()
    room.ingest.handle(messages.KIND, first)  # before its time
    ((_, _, again),) = room.later
    assert again < follows  # it keeps its place
