"""Channels and videos read by night: simulator, BigQuery and Firestore; every change, absence and interruption."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.local.simulator.data.library import Library
from infra.local.simulator.data.rules import DEFAULT_STATUS
from infra.local.simulator.data.studio import Studio
from infra.local.simulator.data.videos import Absences
from infra.warehouse import table as made
from shared import channels
from shared.access.disconnect import ERASE
from shared.collection import metadata as room
from shared.collection.metadata import RUNS, Metadata
from shared.collection.planner import METADATA, asked_for
from shared.errors import Unavailable
from shared.monitoring.calls import Call
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import VIDEO_METADATA
from shared.youtube.client import Caller
from tests.emulators.collection.reading import Reading
from tests.emulators.youtube.stand import Stand, standing

NIGHT = timedelta(days=1)


class Died(BaseException):
    """The process ended here."""


@dataclass
class Nights:
    """Connected channels whose videos are read, a night after the other."""

    stand: Stand
    warehouse: Warehouse
    units: int = 2_000
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    tasks: list[Mapping[str, Any]] = field(default_factory=list)
    quota: Ledger | None = None

    def __post_init__(self) -> None:
        self.reading = Reading(self.stand)
        self.studio, self.library = self.stand.simulator.room(Studio), self.stand.simulator.room(Library)
        self.names = set[str]()

    @property
    def metadata(self) -> Metadata:
        return Metadata(
            client=self.stand.firestore,
            warehouse=lambda: self.warehouse,
            quota=self.quota or self.stand.ledger,
            caller_for=self.caller,
            to_ingest=lambda kind, message: self.asked.append((kind, message)),
            enqueue=self.enqueue,
            units=self.units,
            clock=self.stand.clock,
            rng=random.Random(3),
        )

    def caller(self, channel_id: str, block: Block) -> Caller:
        caller = self.reading.callers[channel_id]
        return replace(caller, quota=block, context=replace(caller.context, account="system"))

    def enqueue(
        self, _queue: str, name: str, function: str, payload: Mapping[str, Any], when: datetime | None
    ) -> bool:
        assert (function, when) == ("collect_metadata", None)
        if name in self.names:
            return False
        self.names.add(name)
        self.tasks.append(payload)
        return True

    def run(self) -> list[dict[str, int]]:
        """One run: what it answers, and what each of its turns does."""
        answers = [self.metadata.plan()]
        while self.tasks:
            answers.append(self.metadata.collect(asked_for(self.tasks.pop(0), METADATA)))
        return answers

    def pass_a_night(self) -> None:
        self.stand.advance(seconds=NIGHT.total_seconds())

    def publish(self, channel_id: str, *titles: str, privacy: str = "public") -> None:
        for title in titles:
            snippet = {"title": title, "description": "", "categoryId": "22"}
            self.studio.publish(
                channel_id, {"snippet": snippet, "status": {**DEFAULT_STATUS, "privacyStatus": privacy}}
            )

    def videos(self, channel_id: str) -> dict[str, Any]:
        """The videos that a channel has, as its owner sees them."""
        return {video.id: video for video in self.library.uploads(channel_id, channel_id)}

    def rows(self, **where: Any) -> list[dict[str, Any]]:
        table = self.warehouse.full_name(VIDEO_METADATA.name)
        found = self.warehouse.client.query_and_wait(f"SELECT * FROM `{table}` ORDER BY as_of, video_id")
        rows = [dict(row) for row in found]
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    def newest(self, channel_id: str) -> dict[str, dict[str, Any]]:
        return {row["video_id"]: row for row in self.rows(channel_id=channel_id)}

    def calls(self) -> list[str]:
        return [call.endpoint.removeprefix("youtube.") for call in self.stand.calls]


@pytest.fixture(scope="module")
def dataset_of_all(bigquery_emulator) -> str:
    """Made once, with the one table."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    address = ClientOptions(api_endpoint=f"http://{bigquery_emulator}")
    client = bigquery.Client(project="test", credentials=AnonymousCredentials(), client_options=address)
    client.create_dataset("metadata", exists_ok=True)
    client.create_table(made(Warehouse(client, "metadata"), VIDEO_METADATA))
    return "metadata"


@pytest.fixture
def warehouse(bigquery_client, dataset_of_all) -> Warehouse:
    found = Warehouse(bigquery_client, dataset_of_all)
    bigquery_client.query_and_wait(f"DELETE FROM `{found.full_name(VIDEO_METADATA.name)}` WHERE TRUE")
    return found


@pytest.fixture
def nights(firestore_client, warehouse) -> Iterator[Nights]:
    with standing(firestore_client, users=1, channels_per_user=1) as stand:
        yield Nights(stand, warehouse)


@pytest.fixture
def channel(nights: Nights) -> str:
    return nights.reading.connect()


def test_every_video_is_read_once_a_night_and_no_more(nights: Nights, channel: str):
    _, turn = nights.run()
    rows = nights.newest(channel)
    videos = nights.videos(channel)
    assert rows.keys() == videos.keys()
    for video_id, row in rows.items():
        video, counters = videos[video_id], nights.library.world.counters(videos[video_id], row["as_of"])
        told = (row["title"], row["privacy"], row["duration_seconds"], row["published_at"])
        assert told == (
            video.title,
            video.privacy,
            video.duration_seconds,
            video.published_at.replace(microsecond=0),
        )
        assert row["likes"] <= row["views"] <= counters.views
        assert not row["gone"]
    fifties = -(-len(videos) // 50)
    assert turn["units"] == len(nights.calls()) == 1 + 2 * fifties
    assert nights.run() == [{**nights.run()[0], "due": 0, "queued": 0}]
    nights.pass_a_night()
    _, turn = nights.run()
    assert turn["units"] == 2 + fifties
    assert (turn["rows"], turn["unfinished"], turn["queued"]) == (len(videos), 0, 0)


def test_what_has_changed_is_a_row_before_a_day_has_passed(nights: Nights, channel: str):
    nights.run()
    first, *_ = nights.videos(channel).values()
    nights.studio.replace(first, {"snippet": {"title": "Another", "description": "", "categoryId": "22"}})
    nights.publish(channel, "New", privacy="private")
    before = len(nights.rows())
    nights.stand.advance(hours=21)
    nights.run()
    titles = {row["title"] for row in nights.rows()[before:]}
    assert titles >= {"Another", "New"}


def test_a_video_that_is_made_public_a_year_later_is_known_all_along(nights: Nights, channel: str):
    """Its owner sees it among the uploads while it is private, wherever it stands there."""
    late = list(nights.videos(channel).values())[-1]
    nights.studio.set_privacy(late, "private")
    nights.run()
    assert nights.newest(channel)[late.id]["privacy"] == "private"
    nights.studio.set_privacy(late, "public")
    nights.pass_a_night()
    nights.run()
    assert nights.newest(channel)[late.id]["privacy"] == "public"


def test_a_count_that_youtube_does_not_tell_is_null(nights: Nights, channel: str):
    video = next(iter(nights.videos(channel)))
    nights.library.hidden_counts[video] = frozenset({"likeCount", "commentCount"})
    nights.run()
    row = nights.newest(channel)[video]
    assert (row["likes"], row["comments"]) == (None, None)
    assert row["views"] is not None


@pytest.mark.fault(35)
def test_deleted_videos_are_gone_at_the_second_look_and_then_forgotten(nights: Nights, channel: str):
    nights.run()
    deleted, private, *others = list(nights.videos(channel).values())[:10]
    nights.studio.delete(deleted)
    nights.studio.set_privacy(private, "private")
    nights.pass_a_night()
    nights.run()
    assert nights.rows(gone=True) == []
    nights.pass_a_night()
    nights.run()
    [gone] = nights.rows(gone=True)
    assert (gone["video_id"], gone["title"], gone["views"]) == (deleted.id, None, None)
    newest = nights.newest(channel)
    assert newest[private.id]["privacy"] == "private"
    assert {newest[other.id]["title"] for other in others} == {other.title for other in others}
    nights.pass_a_night()
    nights.run()
    assert nights.rows(video_id=deleted.id) == [gone]


def test_a_video_that_is_absent_once_is_not_gone(nights: Nights, channel: str):
    nights.run()
    video = next(iter(nights.videos(channel)))
    nights.stand.simulator.room(Absences).times[video] = 1
    for _ in range(3):
        nights.pass_a_night()
        nights.run()
    assert nights.rows(gone=True) == []
    assert len(nights.rows(video_id=video)) == 3


def test_a_channel_without_videos_has_no_uploads_and_is_read_all_the_same(nights: Nights, channel: str):
    for video in nights.videos(channel).values():
        nights.studio.delete(video)
    planned, turn = nights.run()
    assert (turn["units"], turn["rows"], turn["unfinished"]) == (2, 0, 0)
    assert nights.reading.channel(channel).videos_read.at is not None
    assert nights.run()[0] == {**planned, "due": 0, "queued": 0, "unread": 0, "import_ends": None, "days": 1}


def test_metadata_that_was_not_read_again_in_time_is_emptied_and_its_counts_stay(nights: Nights, channel: str):
    nights.run()
    refused = channels.Refusal(reason="forbidden", since=nights.stand.clock(), until=None)
    channels.set_refusal(nights.stand.firestore, channel, "youtube", refused)
    nights.stand.advance(days=27)
    nights.run()
    assert all(row["title"] for row in nights.rows())
    nights.stand.advance(days=2)
    nights.run()
    for row in nights.rows():
        assert {row[name] for name in ("title", "published_at", "duration_seconds", "privacy")} == {None}
        assert row["views"] is not None


def test_a_library_that_is_too_large_for_one_run_goes_on_in_the_next(nights: Nights, channel: str, monkeypatch):
    monkeypatch.setattr(room, "UNITS_A_TURN", 3)
    nights.publish(channel, *(f"Number {number}" for number in range(140)))
    videos = nights.videos(channel)
    nights.units = 4 * RUNS
    first, *turns = nights.run()
    assert (first["unread"], first["queued"]) == (1, 1)
    assert sum(turn["units"] for turn in turns) == 4
    assert len(turns) == 2
    runs = 1
    while nights.reading.channel(channel).videos_read.at is None:
        nights.stand.advance(hours=2)
        nights.run()
        runs += 1
    assert nights.newest(channel).keys() == videos.keys()
    assert len(nights.rows()) == len(videos)
    assert runs <= 1 + -(-2 * len(videos) // 50 // 4)


def test_a_place_in_the_uploads_that_youtube_has_lost_is_looked_for_anew(nights: Nights, channel: str):
    nights.publish(channel, *(f"Number {number}" for number in range(140)))
    nights.units = 2 * RUNS
    nights.run()
    nights.stand.inject(method="youtube.playlistItems.list", kind="invalidPageToken", times=1)
    nights.stand.advance(hours=2)
    nights.units = 2_000
    nights.run()
    nights.pass_a_night()
    nights.run()
    assert nights.newest(channel).keys() == nights.videos(channel).keys()


def test_the_same_turn_delivered_twice_reads_and_writes_nothing_twice(nights: Nights, channel: str):
    nights.metadata.plan()
    [task] = nights.tasks
    nights.metadata.collect(asked_for(task, METADATA))
    rows, calls = nights.rows(), nights.calls()
    assert nights.metadata.collect(asked_for(task, METADATA))["units"] == 0
    assert (nights.rows(), nights.calls()) == (rows, calls)


def test_a_turn_that_died_after_its_rows_were_stored_reads_again_and_the_newest_count(
    nights: Nights, channel: str, monkeypatch
):
    nights.metadata.plan()
    [task] = nights.tasks
    with monkeypatch.context() as dying:
        dying.setattr(Metadata, "_note", _die)
        with pytest.raises(Died):
            nights.metadata.collect(asked_for(task, METADATA))
    stored = len(nights.rows())
    assert nights.metadata.collect(asked_for(task, METADATA))["rows"] == stored
    assert len(nights.rows()) == 2 * stored
    assert nights.newest(channel).keys() == nights.videos(channel).keys()


def _die(*_: object) -> None:
    raise Died


def test_without_bigquery_nothing_is_noted_as_read_and_the_run_ends(nights: Nights, channel: str):
    nights.metadata.plan()
    [task] = nights.tasks
    there, nights.warehouse = nights.warehouse, None

    def unavailable() -> Warehouse:
        raise Unavailable("BigQuery does not answer.", reason="warehouseUnavailable")

    answer = replace(nights.metadata, warehouse=unavailable).collect(asked_for(task, METADATA))
    assert (answer["rows"], answer["queued"]) == (0, 0)
    nights.warehouse = there
    nights.stand.advance(hours=2)
    nights.run()
    assert nights.newest(channel).keys() == nights.videos(channel).keys()


@pytest.mark.fault(22)
def test_when_the_quota_ends_in_the_middle_what_was_read_is_kept(nights: Nights, channel: str):
    nights.stand.inject(method="youtube.videos.list", kind="quotaExceeded", times=1, skip=1)
    nights.publish(channel, *(f"Number {number}" for number in range(60)))
    _, turn = nights.run()
    assert (turn["rows"], turn["queued"]) == (50, 0)
    assert len(nights.rows()) == 50
    sent = len(nights.calls())
    nights.stand.advance(hours=2)
    nights.run()
    assert len(nights.calls()) == sent
    nights.pass_a_night()
    nights.run()
    assert nights.newest(channel).keys() == nights.videos(channel).keys()


def test_a_channel_takes_two_reads_and_two_writes_of_documents_however_many_videos_it_has(
    nights: Nights, channel: str, monkeypatch
):
    """250 channels, planned twice a night, are 1,000 reads and 500 writes."""
    from google.cloud.firestore_v1.services.firestore import FirestoreClient

    counted: Counter[str] = Counter()

    def counting(method: str, paths: Callable[[Any], list[str]]) -> None:
        send = getattr(FirestoreClient, method)

        def sent(self, request, **options):
            counted[method] += sum("/channels/" in path or "/video_readings/" in path for path in paths(request))
            return send(self, request=request, **options)

        monkeypatch.setattr(FirestoreClient, method, sent)

    counting("batch_get_documents", lambda request: list(request["documents"]))
    counting("commit", lambda request: [write.update.name for write in request.writes])
    nights.publish(channel, *(f"Number {number}" for number in range(140)))
    for _ in range(2):
        nights.run()
        assert counted == {"batch_get_documents": 2, "commit": 2}
        counted.clear()
        nights.pass_a_night()


def test_one_channels_trouble_is_its_own(firestore_client, warehouse):
    with standing(firestore_client, users=1, channels_per_user=2) as stand:
        nights = Nights(stand, warehouse)
        troubled, other = (nights.reading.connect(place=place) for place in (0, 1))
        stand.firestore.document("video_readings", other).set({"channel_id": other, "videos": "no JSON"})
        stand.simulator.world.channel(troubled).state = "suspended"
        nights.run()
        assert nights.newest(other).keys() == nights.videos(other).keys()
        assert nights.rows(channel_id=troubled) == []
        assert nights.reading.channel(troubled).refusals["youtube"].reason == "channelSuspended"
        stand.simulator.world.channel(troubled).state = "ok"
        refused = channels.Refusal(reason="channelSuspended", since=stand.clock(), until=stand.clock())
        channels.set_refusal(stand.firestore, troubled, "youtube", refused)
        stand.advance(hours=2)
        nights.run()
        assert nights.newest(troubled).keys() == nights.videos(troubled).keys()
        assert nights.reading.channel(troubled).refusals == {}


@pytest.mark.parametrize("then", ["disconnecting", "gone", "connected anew"])
def test_rows_of_a_connection_that_ended_meanwhile_are_asked_to_be_erased(nights: Nights, channel: str, then: str):
    connected_at = nights.reading.channel(channel).connected_at
    document = nights.stand.firestore.document("channels", channel)

    def ended(call: Call) -> None:
        if call.endpoint == "youtube.videos.list":
            if then == "gone":
                document.delete()
            elif then == "disconnecting":
                document.update({"state": "disconnecting"})
            else:
                document.update({"connected_at": nights.stand.clock()})

    object.__setattr__(nights.reading.callers[channel], "calls", ended)
    nights.run()
    [(kind, message)] = nights.asked
    assert kind == ERASE
    assert message == {"channel_id": channel, "receipt": channels.connection_of(channel, connected_at)}
    assert {row["load_id"].rpartition("-")[2] for row in nights.rows()} == {message["receipt"]}
    assert not nights.stand.firestore.document("video_readings", channel).get().exists
    assert document.get().exists == (then != "gone")
