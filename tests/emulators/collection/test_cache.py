"""What was read is kept: one reads for all, nothing counts that was changed meanwhile, and every wait ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.endpoints import endpoints
from shared.collection.cache import LEASE, LIFE, WAIT, Entries, Fetch, Look, invalidate, path
from shared.errors import QuotaRefused, Unavailable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNEL = "UC" + "a" * 22


def read(look: Look, keys: Iterable[str], fetch: Fetch) -> Entries:
    with look:
        return look.read(keys, fetch)


@dataclass
class Stand:
    """A connected channel's cache, whose clock stands still but for waiting; fetched: what was read of YouTube."""

    client: Any
    now: datetime = NOW
    fetched: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client.document("channels", CHANNEL).set({"state": "connected", "connected_at": NOW})

    def look(self) -> Look:
        return Look(self.client, CHANNEL, lambda: self.now, self.wait)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def fetch(self, keys: Any) -> dict[str, tuple[Any, str]]:
        self.fetched.append(tuple(keys))
        return {key: (f"{key} {len(self.fetched)}", f"etag {len(self.fetched)}") for key in keys}

    def read(self, *keys: str, fetch: Callable[[Any], Any] | None = None) -> list[Any]:
        kept = read(self.look(), keys, fetch or self.fetch).entries
        return [kept[key].value for key in keys]


@pytest.fixture
def stand(firestore_client) -> Stand:
    return Stand(firestore_client)


@pytest.mark.parametrize("kind", LIFE)
def test_an_answer_counts_for_its_life_and_is_then_read_anew(stand, kind):
    key = f"{kind}:x"
    assert stand.read(key) == [f"{key} 1"]
    stand.now = NOW + LIFE[kind] - timedelta(seconds=1)
    assert stand.read(key) == [f"{key} 1"]
    stand.now = NOW + LIFE[kind]
    assert stand.read(key) == [f"{key} 2"]
    entry = stand.look().entries.entries[key]
    assert (entry.fetched_at, entry.etag) == (stand.now, "etag 2")


def test_lives_are_those_of_the_owner_s_guide():
    declared = {name: timedelta(seconds=each.cached) for name, each in endpoints().items() if each.cached}
    assert LIFE["channel"] == declared["youtube.channels.list"] == timedelta(hours=24)
    assert LIFE["video"] == declared["youtube.videos.list"] == timedelta(hours=1)
    assert LIFE["analytics"] == declared["youtubeAnalytics.reports.query"] == timedelta(minutes=30)


def test_only_what_is_missing_is_read_and_all_of_it_at_once(stand):
    stand.read("video:a")
    stand.read("video:a", "video:b", "video:c")
    assert stand.fetched == [("video:a",), ("video:b", "video:c")]


def test_what_is_there_costs_one_read_of_a_document(stand, reads):
    stand.read("video:a")
    reads()
    assert stand.look().entries.alive("video:a", NOW)
    assert reads() == 1


def test_what_one_look_reads_is_kept_when_it_reads_on_and_the_document_is_read_once(stand, reads):
    others = []

    def fetch(keys: Any) -> Any:
        seen = stand.look().entries
        others.append((set(seen.entries), set(seen.leases)))
        return stand.fetch(keys)

    reads()
    with stand.look() as look:
        look.read(["reports:a"], fetch)
        look.read(["reports:a", "channel"], fetch)
    assert reads() == 4  # two are others', and one sees whether the channel is still connected
    assert others == [(set(), {"reports:a"}), ({"reports:a"}, {"channel"})]
    kept = stand.look().entries
    assert (set(kept.entries), kept.leases) == ({"reports:a", "channel"}, {})


def test_of_eight_who_ask_at_once_one_reads(stand):
    def slow(keys: Any) -> dict[str, tuple[Any, str]]:
        time.sleep(0.3)
        return stand.fetch(keys)

    def ask(_: int) -> Any:
        look = Look(stand.client, CHANNEL, lambda: NOW, lambda _: time.sleep(0.02))
        return read(look, ["channel"], slow).entries["channel"].value

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert stand.fetched == [("channel",)]
    assert set(found) == {"channel 1"}


def test_the_lease_of_one_who_died_ends_and_nobody_waits_longer_than_said(stand):
    leases = {"channel": {"holder": "dead", "until": NOW + LEASE}}
    stand.client.document(path(CHANNEL)).set({"channel_id": CHANNEL, "leases": leases})
    with pytest.raises(Unavailable) as busy:
        stand.read("channel")
    assert (busy.value.reason, busy.value.retry_at) == ("beingRead", NOW + LEASE)
    assert WAIT <= stand.now - NOW < WAIT + timedelta(seconds=1)
    assert stand.read("video:a") == ["video:a 1"]
    stand.now = busy.value.retry_at
    assert stand.read("channel") == ["channel 2"]


def test_who_could_not_read_leaves_the_next_his_turn_at_once_and_what_was_there_stays(stand):
    def refused(_: Any) -> Any:
        raise QuotaRefused("Later.", reason="cacheOnly")

    stand.read("video:a")
    stand.now += LIFE["video"]
    with pytest.raises(QuotaRefused):
        stand.read("video:a", fetch=refused)
    old = stand.look().entries
    assert (old.entries["video:a"].value, old.alive("video:a", stand.now), old.leases) == ("video:a 1", False, {})
    assert stand.read("video:a") == ["video:a 2"]
    assert stand.now == NOW + LIFE["video"]


def test_what_a_notification_changes_counts_no_more_at_once_and_other_days_numbers_do(stand):
    stand.read("channel", "video:a", "analytics:channel_daily:2026-11-20:2026-11-21")
    invalidate(stand.client, CHANNEL)
    stand.read("channel", "video:a", "analytics:channel_daily:2026-11-20:2026-11-21")
    assert stand.fetched[1:] == [("channel", "video:a")]


def test_an_answer_that_was_on_its_way_when_its_video_changed_does_not_count(stand):
    def overtaken(keys: Any) -> Any:
        invalidate(stand.client, CHANNEL)
        return stand.fetch(keys)

    assert stand.read("video:a", fetch=overtaken) == ["video:a 1"]
    assert stand.read("video:a") == ["video:a 2"]


def test_of_a_channel_of_which_nothing_is_kept_nothing_is_written(stand):
    invalidate(stand.client, CHANNEL)
    assert not stand.client.document(path(CHANNEL)).get().exists


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_nothing_is_kept_of_a_channel_that_is_disconnected(stand, when):
    def ended(keys: Any) -> Any:
        stand.client.document("channels", CHANNEL).delete()
        stand.client.document(path(CHANNEL)).delete()
        return stand.fetch(keys)

    if when == "before":
        stand.client.document("channels", CHANNEL).delete()
    assert stand.read("video:a", fetch=ended if when == "meanwhile" else None) == ["video:a 1"]
    assert not stand.client.document(path(CHANNEL)).get().exists


def test_a_document_never_grows_beyond_what_firestore_takes_and_the_oldest_goes(stand):
    for number in range(4):
        stand.now += timedelta(seconds=1)
        stand.read(f"reports:{number}", fetch=lambda keys: {keys[0]: ("é" * 50_000, "")})
    assert list(stand.look().entries.entries) == ["reports:3", "reports:2"]


def test_what_is_older_than_it_may_be_is_not_kept_and_its_document_expires(stand):
    stand.read("video:a")
    stand.now += timedelta(days=2)
    stand.read("video:b")
    assert list(stand.look().entries.entries) == ["video:b"]
    assert stand.client.document(path(CHANNEL)).get().get("expires_at") == stand.now + timedelta(days=2)


@pytest.mark.parametrize(
    "fields", [{"entries": "no JSON"}, {"entries": "[]"}, {"entries": json.dumps({"video:a": [1]})}, {"leases": 7}]
)
def test_what_cannot_be_read_is_read_anew(stand, fields):
    stand.client.document(path(CHANNEL)).set({"channel_id": CHANNEL, **fields})
    assert stand.read("video:a") == ["video:a 1"]
    assert stand.read("video:a") == ["video:a 1"]
