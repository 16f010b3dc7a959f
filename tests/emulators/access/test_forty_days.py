"""Forty days with revoked permissions, a disconnect and deleted videos: nothing is stored past its deadline.

Each day every document and table is scanned for whatever YouTube lets nobody keep any longer (Developer Policies,
III.D.2, III.E.4). Rooms run as their schedules have them; Firestore's TTL is played, as the emulator has none.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import urllib3
from google.cloud.bigquery import ArrayQueryParameter, QueryJobConfig
from google.cloud.firestore_v1.base_query import FieldFilter

from infra.data_map import ttl_policies
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.studio import Studio
from infra.local.simulator.hub.hub import Hub
from shared import channels
from shared.access.disconnect import ERASE, Disconnects
from shared.access.upkeep import Upkeep
from shared.collection import gone, videos
from shared.collection.cache import Look, invalidate
from shared.collection.listening import Listening
from shared.collection.metadata import Metadata
from shared.collection.planner import METADATA, asked_for
from shared.collection.statistics.collecting import Statistics
from shared.monitoring.alerts import ProcessAlerts
from shared.push.feed import VideoNotice
from shared.push.keys import HubKeys
from shared.push.subscriptions import Push
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.quota.profile import load
from shared.rate_limits.limiter import RateLimiter
from shared.tokens.refresh import SharedTokens
from shared.warehouse.load import load_id_for, new_load_id
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import OF_CONNECTIONS, VIDEO_METADATA
from shared.youtube.client import Caller, Context
from tests.emulators.access.conftest import Deployment
from tests.stands import packed

DAY = timedelta(days=1)
ASKED, REVOKED = 7 * DAY, 30 * DAY
"""Within which data goes: after a request to us; after a revocation at Google, or the end of a video."""
DESCRIBED = ("title", "published_at", "duration_seconds", "privacy")
STAYS = ("receipts/",)
"""Documents that may name what is gone: they prove that it is."""
ALIASES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def unpacked(value: Any) -> str:
    """A field's value as text; of a compressed one what it holds."""
    try:
        return zlib.decompress(value).decode()
    except (TypeError, zlib.error):
        return repr(value)


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
        root = self.access.simulator.root
        self.settings = replace(self.access.settings, youtube_root=root, hub_url=f"{root}/subscribe")
        self.access.simulator.room(Hub).mode = "silent"
        keys, http = HubKeys((b"k" * 32,)), urllib3.PoolManager(retries=False)
        self.push = Push(lambda: self.client, lambda: keys, self.settings, lambda: http, self.clock)
        self.disconnects = Disconnects(
            self.client,
            self.access.revocations,
            self.clock,
            self.erase,
            lambda _receipt, _channel: None,
            partial(packed.forgotten, self.client),
        )

    def erase(self, receipt: str, channel_id: str) -> None:
        self.ingest(ERASE, {"receipt": receipt, "channel_id": channel_id})

    def ingest(self, kind: str, told: Mapping[str, Any]) -> None:
        assert kind == ERASE
        gone.erase_for_receipt(self.warehouse, self.client, told["channel_id"], told["receipt"], self.clock)

    def caller(self, channel_id: str, block: Block) -> Caller:
        return Caller(
            settings=self.settings,
            quota=block,
            limiter=RateLimiter(self.client, (), self.clock),
            tokens=partial(self.tokens.token, channel_id),
            context=Context(account="system", channel_id=channel_id),
            apis=ProcessAlerts(self.client, self.clock),
            clock=self.clock,
        )

    def pass_a_day(self) -> None:
        """Grants are looked after, channels, videos and counts read, the hub asked, and what has expired goes."""
        self.access.simulator.timepiece.advance(DAY.total_seconds())
        Upkeep(self.client, self.access.refresher(), self.disconnects, self.clock, testing=False).run()
        parts: dict[str, Any] = {"client": self.client, "quota": self.ledger, "caller_for": self.caller}
        parts |= {"clock": self.clock, "rng": random.Random(3)}
        collecting: dict[str, Any] = parts | {"warehouse": lambda: self.warehouse, "to_ingest": self.ingest}
        metadata = Metadata(
            **collecting,
            enqueue=lambda _queue, _name, _function, payload, _when: self.tasks.append(payload) is None,
            units=2_000,
        )
        metadata.plan()
        while self.tasks:
            metadata.collect(asked_for(self.tasks.pop(0), METADATA))
        Statistics(**collecting, units=9_000).run()
        Listening(**parts, push=self.push, to_ingest=lambda _kind, _message: None).renew(everything=True)
        past = self.clock() - DAY
        for path, name in ttl_policies().items():
            for found in self.client.collection(path).where(filter=FieldFilter(name, "<=", past)).stream():
                found.reference.delete()

    def overdue(self) -> list[str]:
        """Whatever is stored past its deadline, in every document and every table."""
        over = [subject for subject, deadline in self.deadlines.items() if deadline <= self.clock()]
        found = [
            f"{path} names {subject}"
            for path, text in self.documents().items()
            for subject in over
            if subject in f"{path} {text}" and not path.startswith(STAYS)
        ]
        old = [row for row in self.rows() if row["as_of"] < self.clock() - REVOKED]
        found += [f"old: {row}" for row in old if any(row[name] is not None for name in DESCRIBED)]
        return found + (self.rows_about(over) if over else [])

    def documents(self) -> dict[str, str]:
        """Every document's text by its path, what is packed unpacked."""
        return {
            snapshot.reference.path: " ".join(map(unpacked, (snapshot.to_dict() or {}).values()))
            for collection in self.client.collections()
            for snapshot in collection.recursive().stream()
        }

    def rows_about(self, over: list[str]) -> list[str]:
        """Rows of every table about any of these channels, or videos: but those that say that a video is gone."""
        parts = []
        for table in OF_CONNECTIONS:
            subjects = ["channel_id", *(name for name in table.columns if name == "video_id")]
            about = " OR ".join(f"{name} IN UNNEST(@over)" for name in subjects)
            but = "NOT (gone AND title IS NULL AND views IS NULL)" if table is VIDEO_METADATA else "TRUE"
            name = self.warehouse.full_name(table.name)
            parts.append(f"SELECT '{table.name}' AS name, channel_id FROM `{name}` WHERE ({about}) AND {but}")
        parameters = [ArrayQueryParameter("over", "STRING", over)]
        sql = " UNION ALL ".join(parts)
        rows = self.warehouse.client.query_and_wait(sql, job_config=QueryJobConfig(query_parameters=parameters))
        return [f"{row['name']} has a row of {row['channel_id']}" for row in rows]

    def fill(self, channel_id: str) -> None:
        """A row of a channel's connection in every table that has any."""
        connection = gone.connections(self.client, [channel_id])[channel_id]
        now, texts = f"{self.clock():%Y-%m-%d %H:%M:%S}", {"channel_id": channel_id}
        texts["load_id"] = load_id_for(new_load_id(self.clock()), connection)
        for table in OF_CONNECTIONS:
            values = {"channel_id": "", **dict.fromkeys(table.required, ""), table.partition: ""}
            for name in values:
                kind = table.columns[name]
                text = texts.get(name, "0" if kind != "BOOLEAN" else "false")
                text = {"DATE": now[:10], "TIMESTAMP": f"{now}+00"}.get(kind, text)
                values[name] = f"CAST('{text}' AS {ALIASES.get(kind, kind)})"
            into = f"`{self.warehouse.full_name(table.name)}` ({', '.join(f'`{name}`' for name in values)})"
            self.warehouse.client.query_and_wait(f"INSERT INTO {into} VALUES ({', '.join(values.values())})")

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
        with Look(self.client, channel_id, self.clock) as look:
            look.read([f"video:{video_id}"], lambda keys: {key: ({"title": "T"}, "") for key in keys})


@pytest.fixture
def days(access: Deployment, warehouse: Warehouse) -> Days:
    return Days(access, warehouse)


def test_in_forty_days_nothing_is_stored_past_its_deadline(days: Days):
    access = days.access
    kept, revoked, disconnected, refused = (access.connected(user=f"u{each}", account=each) for each in range(4))
    first, second, *_ = days.library.uploads(kept, kept)
    for video in (first, second):
        days.learn(kept, video.id)
    for channel_id in (revoked, disconnected):
        days.fill(channel_id)
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
    assert {"polling/channels", "video_counts/0"} <= days.documents().keys()
    assert {row["video_id"] for row in rows if row["gone"]} == {first.id, second.id}
    assert {row["channel_id"] for row in rows} == {kept, refused}
    assert not any(row["title"] for row in rows if row["channel_id"] == refused)
    receipts = access.stored("receipts").values()
    assert {receipt["channel_id"] for receipt in receipts} == {revoked, disconnected}
    assert all(receipt["steps"]["warehouse"]["count"] is not None for receipt in receipts)
