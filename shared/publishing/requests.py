"""What the app's backend may ask for, checked before any quota is spent; what is wrong is named by its field.

A request is normalised into plain JSON-able values: `Request.work` is what the steps read. Limits are YouTube's
own (discovery document of youtube v3, and its pages on video metadata): a title of 100 characters, a description
of 5,000 bytes, tags of 500 characters as YouTube counts them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared import ids
from shared.clock import format_instant, parse_instant
from shared.errors import InvalidRequest
from shared.fields import Fields, Inner
from shared.publishing.address import checked

TITLE_MAX = 100  # characters
DESCRIPTION_MAX = 5_000  # bytes of UTF-8
TAGS_MAX = 500  # characters, with quotes round tags that have spaces, and commas between
PLAYLIST_TITLE_MAX = 150
PRIVACIES = ("private", "public", "unlisted")
KINDS = ("upload", "thumbnail", "update", "playlist", "playlist_item", "release")
PUBLISH_MARGIN = timedelta(minutes=5)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TOP = ("idempotency_key", "channel_id", "not_before", "critical", *KINDS)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One thing to do for one channel. work: the kind's own fields, normalised. not_before: the earliest time.

    critical: it may use the quota that is kept in reserve.
    """

    idempotency_key: str
    channel_id: str
    kind: str
    work: Mapping[str, Any]
    not_before: datetime | None = None
    critical: bool = False

    @property
    def fingerprint(self) -> str:
        """The same for the same request, so that one key cannot stand for two."""
        parts = [self.channel_id, self.kind, self.work, str(self.not_before), *["critical"] * self.critical]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def parse(raw: object, *, now: datetime) -> Request:
    """The request in a JSON body. Raises InvalidRequest naming the field that is wrong."""
    top = Fields(raw, *_TOP)
    kinds = [kind for kind in KINDS if top.has(kind)]
    if len(kinds) != 1:
        raise InvalidRequest(f"Ask for exactly one of: {', '.join(KINDS)}.", field="kind")
    kind = kinds[0]
    key = top.match("idempotency_key", _KEY)
    channel_id = top.id("channel_id", ids.CHANNEL)
    work = _WORK[kind](top.inner(kind), now)
    not_before = top.instant("not_before") if top.has("not_before") else None
    if not_before is not None:
        check_schedule(kind, work, not_before)
    return Request(
        idempotency_key=key,
        channel_id=channel_id,
        kind=kind,
        work=work,
        not_before=not_before,
        critical=top.flag("critical", default=False),
    )


def check_schedule(kind: str, work: Mapping[str, Any], at: datetime) -> None:
    """Raises InvalidRequest when work that is done at `at` comes too late for its own time of publication.

    YouTube publishes at once what is scheduled for the past. So work that was deferred is asked again before
    anything is spent on it.
    """
    path, video = ("release.upload", work["upload"]) if kind == "release" else (kind, work)
    publish_at = video.get("parts", {}).get("status", {}).get("publishAt")
    if publish_at is not None and parse_instant(publish_at) <= at:
        raise InvalidRequest(
            "The time of publication is past before the work can be done; submit it again with a later one.",
            reason="publishAtPassed",
            field=f"{path}.publish_at",
        )


def _plain(fields: Fields, name: str) -> str:
    """A text that YouTube takes: no angle brackets, no control characters but line ends."""
    value = fields.text(name)
    if "<" in value or ">" in value:
        raise fields.wrong(name, "must not have < or >")
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in value):
        raise fields.wrong(name, "has a control character")
    return value


def _title(fields: Fields, name: str, most: int = TITLE_MAX) -> str:
    value = _plain(fields, name).strip()
    if not value:
        raise fields.wrong(name, "must not be empty")
    if len(value) > most:
        raise fields.wrong(name, f"has {len(value)} characters; YouTube takes {most}")
    return value


def _description(fields: Fields, name: str) -> str:
    value = _plain(fields, name)
    if len(value.encode()) > DESCRIPTION_MAX:
        raise fields.wrong(name, f"has {len(value.encode())} bytes; YouTube takes {DESCRIPTION_MAX}")
    return value


def _tags(fields: Fields, name: str) -> list[str]:
    tags = fields.texts(name)
    if not all(tag.strip() and tag.isprintable() and not set(tag) & set('<>,"') for tag in tags):
        raise fields.wrong(name, 'must be texts without < > , " or control characters')
    counted = sum(len(tag) + (2 if " " in tag else 0) for tag in tags) + max(0, len(tags) - 1)
    if counted > TAGS_MAX:
        raise fields.wrong(name, f"have {counted} characters as YouTube counts them; it takes {TAGS_MAX}")
    return tags


def _source(inner: Inner) -> dict[str, str]:
    fields = inner.knowing("url", "bucket", "object")
    if fields.has("url") and (fields.has("bucket") or fields.has("object")):
        raise fields.wrong("url", "and bucket with object exclude each other: one source a file")
    if fields.has("url"):
        checked(fields.text("url"), field=f"{inner.path}url")
        return {"url": fields.text("url")}
    name = fields.text("object")
    if not 0 < len(name.encode()) <= 1024:
        raise fields.wrong("object", "must be a name of at most 1,024 bytes")
    return {"bucket": fields.match("bucket", _BUCKET), "object": name}


_WORDS: Mapping[str, tuple[str, str, Callable[[Fields, str], Any]]] = {
    # our name: YouTube's part, YouTube's name, reader
    "title": ("snippet", "title", _title),
    "description": ("snippet", "description", _description),
    "tags": ("snippet", "tags", _tags),
    "category_id": ("snippet", "categoryId", lambda f, n: f.match(n, re.compile(r"[1-9][0-9]?"))),
    "default_language": ("snippet", "defaultLanguage", lambda f, n: f.match(n, _LANGUAGE)),
    "default_audio_language": ("snippet", "defaultAudioLanguage", lambda f, n: f.match(n, _LANGUAGE)),
    "privacy": ("status", "privacyStatus", lambda f, n: f.choice(n, PRIVACIES)),
    "publish_at": ("status", "publishAt", lambda f, n: format_instant(f.instant(n))),
    "made_for_kids": ("status", "selfDeclaredMadeForKids", Fields.flag),
    "contains_synthetic_media": ("status", "containsSyntheticMedia", Fields.flag),
    "license": ("status", "license", lambda f, n: f.choice(n, ("youtube", "creativeCommon"))),
    "embeddable": ("status", "embeddable", Fields.flag),
    "public_stats_viewable": ("status", "publicStatsViewable", Fields.flag),
}


def _parts(fields: Fields, now: datetime) -> dict[str, dict[str, Any]]:
    """YouTube's parts from our words, only those that were given."""
    parts: dict[str, dict[str, Any]] = {}
    for ours, (part, theirs, read) in _WORDS.items():
        if fields.has(ours):
            parts.setdefault(part, {})[theirs] = read(fields, ours)
    if fields.has("publish_at") and fields.instant("publish_at") < now + PUBLISH_MARGIN:
        raise fields.wrong("publish_at", "is in the past, or too near: YouTube would publish at once")
    return parts


def _upload(inner: Inner, now: datetime) -> dict[str, Any]:
    fields = inner.knowing("source", "notify_subscribers", *_WORDS)
    _title(fields, "title")
    fields.flag("made_for_kids")  # the law wants it said, so there is no default
    parts = _parts(fields, now)
    status = parts["status"]
    status.setdefault("privacyStatus", "private")  # YouTube's own default is public
    status.setdefault("containsSyntheticMedia", False)
    if "publishAt" in status and status["privacyStatus"] != "private":
        raise fields.wrong("publish_at", "goes only with privacy private, which it ends")
    parts["snippet"].setdefault("categoryId", "22")
    parts["snippet"].setdefault("description", "")
    return {
        "source": _source(fields.inner("source")),
        "parts": parts,
        "notify_subscribers": fields.flag("notify_subscribers", default=False),
    }


def _thumbnail(inner: Inner, _now: datetime) -> dict[str, Any]:
    fields = inner.knowing("video_id", "source")
    return {"video_id": fields.id("video_id", ids.VIDEO), "source": _source(fields.inner("source"))}


def _update(inner: Inner, now: datetime) -> dict[str, Any]:
    fields = inner.knowing("video_id", *_WORDS)
    parts = _parts(fields, now)
    if not parts:
        raise InvalidRequest("An update changes at least one thing.", field=inner.path.rstrip("."))
    if parts.get("status", {}).get("privacyStatus", "private") != "private" and fields.has("publish_at"):
        raise fields.wrong("publish_at", "goes only with privacy private, which it ends")
    return {"video_id": fields.id("video_id", ids.VIDEO), "parts": parts}


def _playlist(inner: Inner, _now: datetime) -> dict[str, Any]:
    fields = inner.knowing("title", "description", "privacy")
    return {
        "title": _title(fields, "title", PLAYLIST_TITLE_MAX),
        "description": _description(fields, "description") if fields.has("description") else "",
        "privacy": fields.choice("privacy", PRIVACIES) if fields.has("privacy") else "private",
    }


def _playlist_item(inner: Inner, _now: datetime) -> dict[str, Any]:
    fields = inner.knowing("playlist_id", "video_id")
    return {
        "playlist_id": fields.id("playlist_id", ids.PLAYLIST),
        "video_id": fields.id("video_id", ids.VIDEO),
    }


def _release(inner: Inner, now: datetime) -> dict[str, Any]:
    fields = inner.knowing("upload", "thumbnail", "playlist", "playlist_id")
    work: dict[str, Any] = {"upload": _upload(fields.inner("upload"), now)}
    if fields.has("thumbnail"):
        source = fields.inner("thumbnail").knowing("source").inner("source")
        work["thumbnail"] = {"source": _source(source)}
    if fields.has("playlist") and fields.has("playlist_id"):
        raise fields.wrong("playlist", "and playlist_id exclude each other: one playlist a release")
    if fields.has("playlist"):
        work["playlist"] = _playlist(fields.inner("playlist"), now)
    if fields.has("playlist_id"):
        work["playlist_id"] = fields.id("playlist_id", ids.PLAYLIST)
    return work


_WORK: Mapping[str, Callable[[Inner, datetime], dict[str, Any]]] = {
    "upload": _upload,
    "thumbnail": _thumbnail,
    "update": _update,
    "playlist": _playlist,
    "playlist_item": _playlist_item,
    "release": _release,
}
