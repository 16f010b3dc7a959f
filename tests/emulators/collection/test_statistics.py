"""Counts of videos, every five minutes: simulator, BigQuery and Firestore; two runs at once, deaths, absences."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from infra.local.simulator.data.library import Library
from infra.local.simulator.data.rules import DEFAULT_STATUS
from infra.local.simulator.data.studio import Studio
from infra.local.simulator.data.videos import Omissions, Repetitions
from infra.warehouse import table as made
from shared.access.disconnect import ERASE
from shared.collection import readings, videos
from shared.collection.readings import Readings
from shared.collection.statistics import collecting, state
from shared.collection.statistics.collecting import Statistics
from shared.collection.statistics.state import OUTLINE, forget
from shared.errors import Unavailable
from shared.push.feed import VideoNotice
from shared.quota.blocks import Block
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import VIDEO_COUNTS
from shared.youtube.client import Caller
from tests.emulators.collection.reading import Reading
from tests.emulators.youtube.stand import Stand, standing

DAMAGED = b"cut off"


class Died(BaseException):
    """The process ended here."""


@dataclass
class Network:
    """Connected channels whose videos a night has listed, and the runs that read their counts."""

    stand: Stand
    warehouse: Warehouse
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    refuse: Exception | None = None

    def __post_init__(self) -> None:
        self.reading = Reading(self.stand)
        self.studio, self.library = self.stand.simulator.room(Studio), self.stand.simulator.room(Library)

    def statistics(self, seed: int = 1) -> Statistics:
        return Statistics(
            client=self.stand.firestore,
            warehouse=self.reachable,
            quota=self.stand.ledger,
            caller_for=self.caller,
            to_ingest=lambda kind, message: self.asked.append((kind, message)),
            units=9_000,
            clock=self.stand.clock,
            rng=random.Random(seed),
        )

    def reachable(self) -> Warehouse:
        if self.refuse:
            raise self.refuse
        return self.warehouse

    def caller(self, channel_id: str, block: Block) -> Caller:
        caller = self.reading.callers[channel_id]
        return replace(caller, quota=block, context=replace(caller.context, account="system"))

    def connect(self, place: int = 0) -> str:
        """A channel whose uploads were listed by night."""
        channel_id = self.reading.connect(place=place)
        listed = {each.id: readings.Reading() for each in self.library.uploads(channel_id, channel_id)}
        found = Readings(channel_id=channel_id, looked_at=self.stand.clock(), videos=listed)
        write = readings.write(found)
        self.stand.firestore.document(write.path).set(dict(write.fields))
        return channel_id

    def pass_minutes(self, minutes: int = 5) -> None:
        self.stand.advance(seconds=minutes * 60)

    def run(self, times: int = 1) -> dict[str, int]:
        """Runs five minutes apart; what the last one answers."""
        answer: dict[str, int] = {}
        for _ in range(times):
            self.pass_minutes()
            answer = self.statistics().run()
        return answer

    def rows(self, **where: Any) -> list[dict[str, Any]]:
        table = self.warehouse.full_name(VIDEO_COUNTS.name)
        found = self.warehouse.client.query_and_wait(f"SELECT * FROM `{table}` ORDER BY as_of, video_id")
        return [row for row in map(dict, found) if all(row[name] == value for name, value in where.items())]

    def damage(self, *names: str) -> None:
        for name in names:
            field = "entries" if name == "outline" else "packed"
            self.stand.firestore.document("video_counts", name).update({field: DAMAGED})

    def entries(self) -> Mapping[str, Any]:
        return state.outline_in(_doc(self.stand, OUTLINE)).entries


def damaged(capsys: Any) -> set[str]:
    """The documents of which an error was logged."""
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return {each["message"].split()[0] for each in logged if each["severity"] == "ERROR"}


def _doc(stand: Stand, path: str) -> Any:
    return collecting.Store(stand.firestore).run(collecting.reading([path]))[path]


@pytest.fixture(scope="module")
def dataset_of_all(bigquery_emulator) -> str:
    """Made once, with the one table."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    address = ClientOptions(api_endpoint=f"http://{bigquery_emulator}")
    client = bigquery.Client(project="test", credentials=AnonymousCredentials(), client_options=address)
    client.create_dataset("statistics", exists_ok=True)
    client.create_table(made(Warehouse(client, "statistics"), VIDEO_COUNTS))
    return "statistics"


@pytest.fixture
def network(firestore_client, bigquery_client, dataset_of_all) -> Iterator[Network]:
    warehouse = Warehouse(bigquery_client, dataset_of_all)
    bigquery_client.query_and_wait(f"DELETE FROM `{warehouse.full_name(VIDEO_COUNTS.name)}` WHERE TRUE")
    with standing(firestore_client, users=1, channels_per_user=2) as stand:
        yield Network(stand, warehouse)


def test_what_a_night_has_listed_is_counted_and_stored_as_it_was_read(network: Network):
    channel = network.connect()
    network.run(times=2)
    listed = {each.id: each for each in network.library.uploads(channel, channel)}
    rows = network.rows(channel_id=channel)
    assert {row["video_id"] for row in rows} == listed.keys()
    for row in rows:
        true = network.library.world.counters(listed[row["video_id"]], row["as_of"])
        assert (row["views"], row["likes"], row["comments"]) == (true.views, true.likes, true.comments)


def test_a_new_video_is_counted_by_the_next_run_but_one_after_its_notification(network: Network):
    channel = network.connect()
    network.run(times=3)
    snippet = {"title": "New", "description": "", "categoryId": "22"}
    published = network.studio.publish(channel, {"snippet": snippet, "status": DEFAULT_STATUS})
    now = network.stand.clock()
    notice = VideoNotice(video_id=published.id, channel_id=channel, updated=now, deleted=False, published=now)
    videos.record(network.stand.firestore, notice, now)
    network.run(times=2)
    assert network.rows(video_id=published.id)


def test_of_two_runs_at_once_one_reads(network: Network, monkeypatch):
    network.connect()
    network.run()
    network.pass_minutes()
    second: list[dict[str, int]] = []

    def meanwhile(*arguments: Any) -> Any:
        if not second:
            second.append({})
            second[0] = network.statistics(seed=2).run()
        return news(*arguments)

    news = collecting.news
    monkeypatch.setattr(collecting, "news", meanwhile)
    assert network.statistics().run()["rows"] > 0
    assert second == [{"channels": 0, "calls": 0, "rows": 0}]
    twice = Counter((row["video_id"], row["as_of"]) for row in network.rows())
    assert max(twice.values()) == 1


@pytest.mark.parametrize(
    ("step", "done"), [("_look", False), ("_read", False), ("stored", True), ("_note", False), ("_note", True)]
)
def test_who_dies_anywhere_leaves_true_rows_and_the_next_reads_the_same(network: Network, monkeypatch, step, done):
    channel = network.connect()
    network.run()
    network.pass_minutes()
    real = getattr(Statistics, step)

    def dies(*arguments: Any, **named: Any) -> Any:
        if done:
            real(*arguments, **named)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(Statistics, step, dies)
        with pytest.raises(Died):
            network.statistics().run()
    network.run(times=2)
    listed = {each.id for each in network.library.uploads(channel, channel)}
    assert {row["video_id"] for row in network.rows(channel_id=channel)} == listed


def test_while_bigquery_takes_nothing_the_calls_are_counted_and_the_same_is_read_again(network: Network):
    network.connect()
    network.run()
    network.refuse = Unavailable("away", reason="warehouseUnavailable")
    assert network.run()["rows"] == 0
    network.refuse = None
    assert network.run()["rows"] > 0
    assert state.outline_in(_doc(network.stand, OUTLINE)).spent >= 2


def test_a_video_that_an_answer_leaves_out_has_no_row_and_is_asked_about_again(network: Network):
    channel = network.connect()
    first, *others = [each.id for each in network.library.uploads(channel, channel)]
    network.stand.simulator.room(Omissions).times[first] = 1
    network.run(times=2)
    assert {row["video_id"] for row in network.rows()} == set(others)
    network.run()
    assert first in {row["video_id"] for row in network.rows()}


def test_a_count_that_is_not_told_is_null_and_an_id_that_is_told_twice_has_one_row(network: Network):
    channel = network.connect()
    hidden, doubled, *_ = network.library.uploads(channel, channel)
    network.library.hidden_counts[hidden.id] = frozenset({"viewCount", "likeCount"})
    network.stand.simulator.room(Repetitions).times[doubled.id] = 1
    network.run(times=2)
    (row,) = network.rows(video_id=hidden.id)
    assert (row["views"], row["likes"]) == (None, None)
    assert row["comments"] is not None
    assert len(network.rows(video_id=doubled.id)) == 1


def test_an_outline_that_cannot_be_read_is_made_of_the_packs(network: Network, capsys):
    network.connect(0), network.connect(1)
    network.run(times=2)
    before = {channel_id: len(entry.fifties) for channel_id, entry in network.entries().items()}
    network.damage("outline")
    network.run()
    assert {channel_id: len(entry.fifties) for channel_id, entry in network.entries().items()} == before
    assert "video_counts/outline" in damaged(capsys)


@pytest.mark.parametrize("lost", [["0"], ["outline", "0"]])
def test_the_channels_of_a_pack_that_cannot_be_read_are_learnt_and_counted_again(
    network: Network, capsys, lost: list[str]
):
    both = {network.connect(0), network.connect(1)}
    network.run(times=2)
    before, since = {row["video_id"] for row in network.rows()}, network.stand.clock()
    network.damage(*lost)
    network.run(times=4)
    assert network.entries().keys() == both
    assert {row["video_id"] for row in network.rows() if row["as_of"] > since} == before
    assert {f"video_counts/{name}" for name in lost} <= damaged(capsys)


def test_a_channel_whose_documents_cannot_be_read_is_forgotten_all_the_same(network: Network):
    gone = network.connect()
    network.run()
    network.damage("0")
    forget(network.stand.firestore, gone)
    assert not network.entries()
    assert _doc(network.stand, "video_counts/0").data["packed"] != DAMAGED


def test_a_channel_that_youtube_refuses_stops_nobody_else_and_is_left_alone(network: Network):
    both = {network.connect(0), network.connect(1)}
    network.run()
    network.stand.inject(
        method="youtube.videos.batchGetStats", kind="error", reason="channelSuspended", status=403, times=1
    )
    network.run()
    served = {row["channel_id"] for row in network.rows()}
    (refused,) = both - served
    assert network.entries()[refused].until > network.stand.clock().timestamp() // 60
    assert "youtube" in network.reading.channel(refused).refusals
    network.run()
    assert {row["channel_id"] for row in network.rows()} == served


def test_a_disconnect_takes_a_channel_out_and_what_is_read_meanwhile_is_erased(network: Network, monkeypatch):
    gone, other = network.connect(0), network.connect(1)
    network.run()
    network.pass_minutes()
    note = Statistics._note

    def disconnected_before(self: Statistics, *arguments: Any) -> Any:
        forget(network.stand.firestore, gone)
        network.stand.firestore.document("channels", gone).delete()
        return note(self, *arguments)

    monkeypatch.setattr(Statistics, "_note", disconnected_before)
    network.statistics().run()
    assert [(kind, message["channel_id"]) for kind, message in network.asked] == [(ERASE, gone)]
    assert network.entries().keys() == {other}
    packs = network.stand.firestore.collection("video_counts").stream()
    assert not any(
        gone in str(state.pack_in(0, _doc(network.stand, each.reference.path)))
        for each in packs
        if each.id != "outline"
    )
    forget(network.stand.firestore, other)
    assert not network.entries()
