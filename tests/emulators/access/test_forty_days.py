"""Forty days with revoked permissions, a disconnect and deleted videos: nothing is stored past its deadline.

Each day database and warehouse are scanned for whatever YouTube's Developer Policies (III.D.2, III.E.4) do not let
be kept any longer. Rooms run as their schedules have them; Firestore's TTL is played, as the emulator has none.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore_v1.base_query import FieldFilter

from infra.data_map import ttl_policies
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.studio import Studio
from infra.warehouse import table as made
from shared import channels, data_map
from shared.access.disconnect import ERASE, Disconnects
from shared.access.upkeep import Upkeep
from shared.collection import gone, readings, videos
from shared.collection.cache import Cache, invalidate
from shared.collection.metadata import Metadata
from shared.collection.statistics.state import forget
from shared.collection.turns import METADATA, asked_for
from shared.monitoring.apis import ApiAlerts
from shared.push.feed import VideoNotice
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.quota.profile import load
from shared.rate_limits.limiter import RateLimiter
from shared.tokens.refresh import ChannelTokens, SharedTokens
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import TABLES, VIDEO_METADATA
from shared.youtube.client import Caller, Context
from tests.emulators.access.conftest import Deployment

DAY = timedelta(days=1)
ASKED, REVOKED = 7 * DAY, 30 * DAY
"""Within which data goes: after a request to us; after a revocation at Google, or the end of a video."""
DESCRIBED = ("title", "published_at", "duration_seconds", "privacy")


@dataclass
class Days:
    """A small network, a day after the other. deadlines: when whatever is stored of a channel or video is gone."""

    access: Deployment
    warehouse: Warehouse
    deadlines: dict[str, datetime] = field(default_factory=dict)
    tasks: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock, self.client = self.access.simulator.clock, self.access.client
        self.library, self.studio = self.access.simulator.room(Library), self.access.simulator.room(Studio)
        self.ledger = Ledger(self.client, load("current"), self.clock)
        self.tokens = SharedTokens(self.access.refresher(), self.clock)
        self.settings = replace(self.access.settings, youtube_root=self.access.simulator.root)
        self.disconnects = Disconnects(
            self.client,
            self.access.revocations,
            self.clock,
            self.erase,
            lambda _receipt, _channel: None,
            partial(forget, self.client),
        )

    def erase(self, receipt: str, channel_id: str) -> None:
        self.ingest(ERASE, {"receipt": receipt, "channel_id": channel_id})

    def ingest(self, kind: str, told: Mapping[str, Any]) -> None:
        assert kind == ERASE
        gone.erase_for_receipt(
            self.warehouse, self.client, told["channel_id"], receipt_id=told["receipt"], clock=self.clock
        )

    def caller(self, channel_id: str, block: Block) -> Caller:
        return Caller(
            settings=self.settings,
            quota=block,
            limiter=RateLimiter(self.client, (), self.clock),
            tokens=ChannelTokens(channel_id, lambda: self.tokens),
            context=Context(account="system", channel_id=channel_id),
            apis=ApiAlerts(self.client, self.clock),
            clock=self.clock,
        )

    def pass_a_day(self) -> None:
        """Grants are looked after, channels and videos read, and what has expired goes."""
        self.access.simulator.timepiece.advance(DAY.total_seconds())
        Upkeep(self.client, self.access.refresher(), self.disconnects, self.clock, testing=False).run()
        metadata = Metadata(
            client=self.client,
            warehouse=lambda: self.warehouse,
            quota=self.ledger,
            caller_for=self.caller,
            to_ingest=self.ingest,
            enqueue=lambda _queue, _name, _function, payload, _when: self.tasks.append(payload) is None,
            units=2_000,
            clock=self.clock,
            rng=random.Random(3),
        )
        metadata.plan()
        while self.tasks:
            metadata.collect(asked_for(self.tasks.pop(0), METADATA))
        past = self.clock() - DAY
        for path, name in ttl_policies().items():
            for found in self.client.collection(path).where(filter=FieldFilter(name, "<=", past)).stream():
                found.reference.delete()

    def overdue(self) -> list[str]:
        """Whatever is stored past its deadline."""
        now, found = self.clock(), list[str]()
        over = {subject for subject, deadline in self.deadlines.items() if deadline <= now}
        for kind in data_map.erased():
            for name, fields in self.access.stored(kind.path).items():
                about = {name, fields.get("channel_id")} | ({name.partition(":")[0]})
                told = "title" in fields or kind is not data_map.VIDEOS
                found += [f"{kind.path}/{name}" for subject in over if subject in about and told]
        for channel_id in self.access.stored(data_map.VIDEO_READINGS.path):
            fields = self.client.document(readings.path(channel_id)).get().to_dict()
            found += [f"read: {each}" for each in readings.stored(channel_id, fields).videos if each in over]
        for channel_id in self.access.stored(data_map.CACHE.path):
            kept = Cache(client=self.client, clock=self.clock).held(channel_id).entries
            found += [f"cache: {each}" for each in kept if each.partition(":")[2] in over]
        for row in self.rows():
            described = any(row[name] is not None for name in DESCRIBED)
            if row["channel_id"] in over or (
                described and (row["video_id"] in over or row["as_of"] < now - REVOKED)
            ):
                found.append(f"row: {row}")
        return found

    def rows(self) -> list[dict[str, Any]]:
        table = self.warehouse.full_name(VIDEO_METADATA.name)
        return [dict(row) for row in self.warehouse.client.query_and_wait(f"SELECT * FROM `{table}`")]

    def learn(self, channel_id: str, video_id: str) -> None:
        """A notification about a video, and somebody who asks for its numbers."""
        notice = VideoNotice(
            video_id=video_id, channel_id=channel_id, updated=self.clock(), title="T", published=self.clock()
        )
        videos.record(self.client, notice, self.clock())
        invalidate(self.client, channel_id)
        cache = Cache(client=self.client, clock=self.clock)
        cache.read(channel_id, [f"video:{video_id}"], lambda keys: {key: ({"title": "T"}, "") for key in keys})


@pytest.fixture
def days(access: Deployment, bigquery_client, dataset) -> Iterator[Days]:
    warehouse = Warehouse(bigquery_client, dataset)
    bigquery_client.create_dataset(dataset)
    for table in TABLES:
        bigquery_client.create_table(made(warehouse, table))
    yield Days(access, warehouse)
    bigquery_client.delete_dataset(dataset, delete_contents=True)


def test_in_forty_days_nothing_is_stored_past_its_deadline(days: Days):
    access = days.access
    kept, revoked, disconnected, refused = (access.connected(user=f"u{each}", account=each) for each in range(4))
    first, second, *_ = days.library.uploads(kept, kept)
    for video in (first, second):
        days.learn(kept, video.id)
    for day in range(40):
        now = days.clock()
        if day == 2:
            access.simulator.grants.revoke_account(access.account(1).id)
            days.deadlines[revoked] = now + REVOKED
        if day == 3:
            days.disconnects.disconnect(disconnected, "u2")
            days.deadlines[disconnected] = now + ASKED
            refusal = channels.Refusal(reason="forbidden", since=now, until=None)
            channels.set_refusal(days.client, refused, "youtube", refusal)
        if day in {4, 6}:
            video = first if day == 4 else second
            days.studio.delete(video)
            days.deadlines[video.id] = now + REVOKED
        days.pass_a_day()
        assert days.overdue() == [], day
    assert sorted(access.stored("channels")) == sorted([kept, refused])
    rows = days.rows()
    assert {row["video_id"] for row in rows if row["gone"]} == {first.id, second.id}
    assert {row["channel_id"] for row in rows} == {kept, refused}
    assert not any(row["title"] for row in rows if row["channel_id"] == refused)
    receipts = access.stored("receipts").values()
    assert {receipt["channel_id"] for receipt in receipts} == {revoked, disconnected}
    assert all(receipt["steps"]["warehouse"]["count"] is not None for receipt in receipts)
