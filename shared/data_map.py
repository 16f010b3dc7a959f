"""What Firestore holds: every collection, whose data it is, what is sealed in it, and how long it stays.

Disconnecting deletes, key rotation seals anew, and TTL policies expire what is written here and nothing else; so a
collection, a sealed field or an expiry that is not here is a mistake, and `make demo` fails on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

ID = "__name__"
"""Firestore's name for a document's own id, where a field is named."""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One collection, or one that lies beneath every document of another ("quota/*/entries").

    owner: the room that writes it. key: what a document's id is. channel, user: the fields that name them, or
    ID. sealed: the fields that only the vault can open. ttl: the field of its TTL policy, by which Firestore
    deletes within a day. group_index: the field by which all collections of this name are queried at once, in
    ascending order; Firestore makes no such index by itself. keep: for how long a document stays; None where that
    depends on something else, which `retention` says. erased_as: what a receipt calls its documents when a
    disconnect deletes a channel's. remains: what a disconnect leaves, and until when.
    """

    path: str
    owner: str
    key: str
    channel: str = ""
    user: str = ""
    sealed: tuple[str, ...] = ()
    ttl: str = ""
    group_index: str = ""
    keep: timedelta | None = None
    retention: str = "while the channel is connected"
    erased_as: str = ""
    remains: str = "nothing"

    @property
    def name(self) -> str:
        """Its own name, by which TTL policies know it."""
        return self.path.rsplit("/", 1)[-1]

    def expiry(self, since: datetime) -> datetime:
        """When a document that begins to count at an instant is deleted."""
        assert self.keep is not None, f"{self.path} is not kept for a fixed time"
        return since + self.keep


GRANTS = Collection(
    path="grants",
    owner="access",
    key="the channel's id",
    channel=ID,
    user="user_id",
    sealed=("access_token", "refresh_token"),
    erased_as="tokens",
)
OPERATIONS = Collection(
    path="operations",
    owner="publishing",
    key="made of the channel and the idempotency key",
    channel="channel_id",
    user="user_id",
    sealed=("upload.session",),
    ttl="expires_at",
    keep=timedelta(days=90),
    retention="90 days after the operation has ended",
    erased_as="queuedWork",
)
UPLOAD_PAUSES = Collection(
    path="upload_pauses",
    owner="publishing",
    key="the channel's id",
    channel=ID,
    ttl="expires_at",
    retention="until the pause ends",
    erased_as="uploadPause",
)
SUBSCRIPTIONS = Collection(
    path="subscriptions",
    owner="push",
    key="the channel's id",
    channel=ID,
    erased_as="pushSubscription",
)
POLLING = Collection(
    path="polling",
    owner="collection",
    key="channels, the one document",
    retention="without end: how many videos YouTube counted of each connected channel",
    remains="the channel's id and how many videos it had, until the next daily comparison",
)
VIDEOS = Collection(
    path="videos",
    owner="collection",
    key="the video's id",
    channel="channel_id",
    ttl="expires_at",
    keep=timedelta(days=28),  # what YouTube said is refreshed or deleted within 30
    retention="28 days after the last notification",
    erased_as="videos",
)
VIDEO_READINGS = Collection(
    path="video_readings",
    owner="collection",
    key="the channel's id",
    channel=ID,
    erased_as="videoReadings",
)
CACHE = Collection(
    path="cache",
    owner="collection",
    key="the channel's id",
    channel=ID,
    ttl="expires_at",
    keep=timedelta(days=2),  # a day of a spent quota, and some; what YouTube said may be kept for 30
    retention="two days after it was last read",
    erased_as="cache",
)
VIDEO_COUNTS = Collection(
    path="video_counts",
    owner="collection",
    key="outline, and a pack's number",
    retention="while the channel is connected: a disconnect takes it out of its pack",
)
REPORTS = Collection(
    path="reports",
    owner="collection",
    key="channel:report type, and channel:report type:month",
    channel="channel_id",
    erased_as="reportStates",
)
ANALYTICS = Collection(
    path="analytics", owner="collection", key="the channel's id", channel=ID, erased_as="analyticsState"
)
CERTIFICATES = Collection(
    path="certificates",
    owner="collection",
    key="channel:month",
    channel="channel_id",
    erased_as="certificates",
)
CHANNELS = Collection(
    path="channels",
    owner="access",
    key="the channel's id",
    channel=ID,
    user="user_id",
    retention="while the channel is connected; it goes last, when everything else has gone",
)
REVOCATIONS = Collection(
    path="revocations",
    owner="access",
    key="the receipt's id",
    user="user_id",
    sealed=("token",),
    retention="until Google has answered the request to revoke",
    remains="the sealed refresh token, until Google has revoked it",
)
RECEIPTS = Collection(
    path="receipts",
    owner="access",
    key="made of the channel's id and the moment of its connection",
    channel="channel_id",
    user="user_id",
    ttl="expires_at",
    keep=timedelta(days=400),
    retention="400 days after the disconnect was asked for",
    remains="what was deleted and when, for 400 days",
)
USERS = Collection(
    path="users",
    owner="access",
    key="the user's id",
    user=ID,
    retention="while a channel of the user is connected",
    remains="the user's id and the user's other channels, while there are any",
)
ACCESS = Collection(
    path="access",
    owner="access",
    key="users, the one document",
    user="connected",
    retention="without end: the ids of the users who have connected channels",
    remains="the user's id, while another channel of the user is connected",
)
GOOGLE_ACCOUNTS = Collection(
    path="google_accounts",
    owner="access",
    key="a hash of the Google account",
    retention="until the account's permission is revoked",
    remains="how many refresh tokens the account has given, until its permission is revoked",
)
CONSENTS = Collection(
    path="consents",
    owner="access",
    key="the SHA-256 of the state",
    user="user_id",
    sealed=("verifier",),
    ttl="expires_at",
    keep=timedelta(minutes=10),
    retention="10 minutes after the user set out",
    remains="a consent of the last 10 minutes, with the id and title of a channel that it has connected",
)
REPORT_TYPES = Collection(
    path="report_types",
    owner="collection",
    key="offered, or a report type",
    retention="without end: what YouTube offers, and columns that are not declared",
)
RATE_LIMITS = Collection(
    path="rate_limits",
    owner="rate_limits",
    key="the limit, and whom it is for",
    ttl="expires_at",
    retention="a day or two after the last call that it counted",
    remains="the moments of the last calls, for a day or two",
)
ALERTS = Collection(
    path="alerts",
    owner="monitoring",
    key="what is wrong",
    retention="without end: one document for each kind of alert",
)
DEAD_LETTERS = Collection(
    path="dead_letters",
    owner="watch",
    key="the message's id",
    ttl="expires_at",
    keep=timedelta(days=7),
    retention="seven days, as long as Pub/Sub keeps the message itself",
)
CALL_SUMMARY = Collection(
    path="call_summaries",
    owner="collection",
    key="lately, the one document",
    retention="without end: how often each endpoint was called, failed and was slow within the last hour",
)
HEARTBEATS = Collection(
    path="heartbeats",
    owner="watch",
    key="watch, the one document",
    retention="without end: when the watch last came to its end",
)
_quota = partial(
    Collection,
    owner="quota",
    ttl="expires_at",
    keep=timedelta(days=35),
    retention="35 days after the quota day has ended",
)
QUOTA = _quota(path="quota", key="day:bucket")
QUOTA_ACCOUNTS = _quota(
    path="quota/*/accounts",
    key="the account, a user's id among others",
    user=ID,
    remains="the units that the user has spent, for 35 days",
)
QUOTA_ENTRIES = _quota(
    path="quota/*/entries",
    key="the reservation's id",
    user="account",
    group_index="held_at",
    remains="which methods were called for the user, for 35 days",
)
QUOTA_REFUSALS = _quota(
    path="quota/*/refusals",
    key="the account, the method and the reason",
    user="account",
    remains="which calls were refused to the user, for 35 days",
)

COLLECTIONS: tuple[Collection, ...] = (
    *(GRANTS, OPERATIONS, UPLOAD_PAUSES, SUBSCRIPTIONS, POLLING, VIDEOS, VIDEO_READINGS, CACHE, REPORTS),
    *(ANALYTICS, CERTIFICATES, VIDEO_COUNTS),
    *(CHANNELS, REVOCATIONS, RECEIPTS, USERS, ACCESS, GOOGLE_ACCOUNTS, CONSENTS, REPORT_TYPES),
    *(
        RATE_LIMITS,
        ALERTS,
        DEAD_LETTERS,
        CALL_SUMMARY,
        HEARTBEATS,
        QUOTA,
        QUOTA_ACCOUNTS,
        QUOTA_ENTRIES,
        QUOTA_REFUSALS,
    ),
)
"""All of them. What a disconnect deletes comes first, in the order in which it goes: tokens before the rest."""


def erased() -> tuple[Collection, ...]:
    """What a disconnect deletes of a channel, in that order."""
    return tuple(each for each in COLLECTIONS if each.erased_as)


def sealed() -> Iterator[tuple[str, str]]:
    """Every sealed field, as (collection, field path). The record that it is bound to is `collection/id`."""
    return ((each.path, field) for each in COLLECTIONS for field in each.sealed)


def ttl_policies() -> dict[str, str]:
    """The field by which each collection's documents expire."""
    return {each.name: each.ttl for each in COLLECTIONS if each.ttl}


def group_indexes() -> dict[str, str]:
    """The field by which all collections of a name are queried at once."""
    return {each.name: each.group_index for each in COLLECTIONS if each.group_index}
