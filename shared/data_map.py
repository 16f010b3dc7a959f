"""What Firestore holds: every collection, whose data it is, what is sealed in it, and how long it stays.

Disconnecting deletes, key rotation seals anew, and TTL policies expire what is written here and nothing else; so a
collection, a sealed field or an expiry that is not here is a mistake, and `make demo` fails on one. The same in
words for people, with each one's room, is `infra/data_map.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

ID = "__name__"
"""Firestore's name for a document's own id, where a field is named."""
EXPIRY = "expires_at"


@dataclass(frozen=True)
class Collection:
    """One collection, or one that lies beneath every document of another ("quota/*/entries").

    channel, user: the fields that name them, or ID. sealed: the fields that only the vault can open. ttl: the
    field of its TTL policy, by which Firestore deletes within a day. group_index: the field by which all
    collections of this name are queried at once, in ascending order; Firestore makes no such index by itself.
    keep: for how long a document stays; None where that depends on something else. erased_as: what a receipt calls
    its documents when a disconnect deletes a channel's.
    """

    path: str
    channel: str = ""
    user: str = ""
    sealed: tuple[str, ...] = ()
    ttl: str = ""
    group_index: str = ""
    keep: timedelta | None = None
    erased_as: str = ""

    @property
    def name(self) -> str:
        """Its own name, by which TTL policies know it."""
        return self.path.rsplit("/", 1)[-1]

    def expiry(self, since: datetime) -> datetime:
        """When a document that begins to count at an instant is deleted."""
        assert self.keep is not None, f"{self.path} is not kept for a fixed time"
        return since + self.keep


GRANTS = Collection(
    "grants", channel=ID, user="user_id", sealed=("access_token", "refresh_token"), erased_as="tokens"
)
OPERATIONS = Collection(
    "operations",
    channel="channel_id",
    user="user_id",
    sealed=("upload.session",),
    ttl=EXPIRY,
    keep=timedelta(days=90),
    erased_as="queuedWork",
)
UPLOAD_PAUSES = Collection("upload_pauses", channel=ID, ttl=EXPIRY, erased_as="uploadPause")
SUBSCRIPTIONS = Collection("subscriptions", channel=ID, erased_as="pushSubscription")
POLLING = Collection("polling")
# What YouTube said is refreshed or deleted within 30 days.
VIDEOS = Collection("videos", channel="channel_id", ttl=EXPIRY, keep=timedelta(days=28), erased_as="videos")
VIDEO_READINGS = Collection("video_readings", channel=ID, erased_as="videoReadings")
# A day of a spent quota, and some.
CACHE = Collection("cache", channel=ID, ttl=EXPIRY, keep=timedelta(days=2), erased_as="cache")
REPORTS = Collection("reports", channel="channel_id", erased_as="reportStates")
ANALYTICS = Collection("analytics", channel=ID, erased_as="analyticsState")
CERTIFICATES = Collection("certificates", channel="channel_id", erased_as="certificates")
VIDEO_COUNTS = Collection("video_counts")
CHANNELS = Collection("channels", channel=ID, user="user_id")
REVOCATIONS = Collection("revocations", user="user_id", sealed=("token",))
RECEIPTS = Collection("receipts", channel="channel_id", user="user_id", ttl=EXPIRY, keep=timedelta(days=400))
USERS = Collection("users", user=ID)
ACCESS = Collection("access", user="connected")
GOOGLE_ACCOUNTS = Collection("google_accounts")
CONSENTS = Collection("consents", user="user_id", sealed=("verifier",), ttl=EXPIRY, keep=timedelta(minutes=10))
REPORT_TYPES = Collection("report_types")
RATE_LIMITS = Collection("rate_limits", ttl=EXPIRY)
ALERTS = Collection("alerts")
DEAD_LETTERS = Collection("dead_letters", ttl=EXPIRY, keep=timedelta(days=7))
CALL_SUMMARY = Collection("call_summaries")
HEARTBEATS = Collection("heartbeats")
_QUOTA = timedelta(days=35)
QUOTA = Collection("quota", ttl=EXPIRY, keep=_QUOTA)
QUOTA_ACCOUNTS = Collection("quota/*/accounts", user=ID, ttl=EXPIRY, keep=_QUOTA)
QUOTA_ENTRIES = Collection("quota/*/entries", user="account", ttl=EXPIRY, group_index="held_at", keep=_QUOTA)
QUOTA_REFUSALS = Collection("quota/*/refusals", user="account", ttl=EXPIRY, keep=_QUOTA)

COLLECTIONS = tuple(each for each in globals().values() if isinstance(each, Collection))
"""All of them. What a disconnect deletes comes first, in the order in which it goes: tokens before the rest."""


def erased() -> tuple[Collection, ...]:
    """What a disconnect deletes of a channel, in that order."""
    return tuple(each for each in COLLECTIONS if each.erased_as)


def sealed() -> Iterator[tuple[str, str]]:
    """Every sealed field, as (collection, field path). The record that it is bound to is `collection/id`."""
    return ((each.path, field) for each in COLLECTIONS for field in each.sealed)
