"""What the app's backend may ask for, checked before any quota is spent; what is wrong is named by its field.

A request is normalised into plain JSON-able values: `Request.work` is what the steps read. Limits are YouTube's
own (discovery document of youtube v3, and its pages on video metadata): a title of 100 characters, a description
of 5,000 bytes (of a playlist 5,000 characters), tags of 500 characters as YouTube counts them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unicodedata import category

from shared import ids
from shared.clock import format_instant, parse_instant
from shared.errors import InvalidRequest
from shared.fields import Fields
from shared.publishing.address import checked

TITLE_MAX = 100  # characters
DESCRIPTION_MAX = 5_000  # bytes of UTF-8
TAGS_MAX = 500  # characters, with quotes round tags that have spaces, and commas between
PLAYLIST_TITLE_MAX = 150
PLAYLISTS_MAX = 10  # into which one release goes
PLAYLIST_DESCRIPTION_MAX = 5_000  # characters
PRIVACIES = ("private", "public", "unlisted")
CAPTION_NAME_MAX = 150  # characters
PUBLISH_MARGIN = timedelta(minutes=5)
_BREAKS = frozenset({"Cc", "Zl", "Zp"})  # Unicode categories of control characters, line and paragraph separators
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


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
    top = Fields(raw, "idempotency_key", "channel_id", "not_before", "critical", *KINDS)
    kinds = [kind for kind in KINDS if top.has(kind)]
    if len(kinds) != 1:
        raise InvalidRequest(f"Ask for exactly one of: {', '.join(KINDS)}.", field="kind")
    request = Request(
        idempotency_key=top.match("idempotency_key", _KEY),
        channel_id=top.id("channel_id", ids.CHANNEL),
        kind=kinds[0],
        work=_part(top, kinds[0], now),
        not_before=top.instant("not_before") if top.has("not_before") else None,
        critical=top.flag("critical", default=False),
    )
    if request.not_before is not None:
        check_schedule(request.kind, request.work, request.not_before)
    return request


def check_schedule(kind: str, work: Mapping[str, Any], at: datetime) -> None:
    """Raises InvalidRequest when work that is done at `at` comes too late for its own time of publication.

    YouTube publishes at once what is scheduled for the past. So work that was deferred is asked again before
    anything is spent on it.
    """
    then = publish_at(kind, work)
    if then is not None and then <= at:
        raise InvalidRequest(
            "The time of publication is past before the work can be done; submit it again with a later one.",
            reason="publishAtPassed",
            field="release.upload.publish_at" if kind == "release" else f"{kind}.publish_at",
        )


def publish_at(kind: str, work: Mapping[str, Any]) -> datetime | None:
    video = work["upload"] if kind == "release" else work
    text = video.get("parts", {}).get("status", {}).get("publishAt")
    return parse_instant(text) if text else None


def _plain(fields: Fields, name: str) -> str:
    """A text that YouTube takes: no angle brackets, no control characters but line ends."""
    value = fields.text(name)
    if "<" in value or ">" in value:
        raise fields.wrong(name, "must not have < or >")
    if any(category(letter) == "Cc" and letter not in "\n\r\t" for letter in value):
        raise fields.wrong(name, "has a control character")
    return value


def _title(fields: Fields, name: str, most: int = TITLE_MAX) -> str:
    value = _plain(fields, name).strip()
    if any(category(letter) in _BREAKS for letter in value):
        raise fields.wrong(name, "must be one line")
    if not value:
        raise fields.wrong(name, "must not be empty")
    if len(value) > most:
        raise fields.wrong(name, f"has {len(value)} characters; YouTube takes {most}")
    return value


def _description(fields: Fields, name: str) -> str:
    value = _plain(fields, name)
    if (size := len(value.encode())) > DESCRIPTION_MAX:
        raise fields.wrong(name, f"has {size} bytes; YouTube takes {DESCRIPTION_MAX}")
    return value


def _tags(fields: Fields, name: str) -> list[str]:
    tags = fields.texts(name)
    for tag in tags:
        # Marks that join or part letters belong to words in many scripts; only what breaks a line does not.
        if not tag.strip() or set(tag) & set('<>,"') or any(category(letter) in _BREAKS for letter in tag):
            raise fields.wrong(name, 'must be texts without < > , " or control characters')
    counted = sum(len(tag) + (2 if " " in tag else 0) for tag in tags) + max(0, len(tags) - 1)
    if counted > TAGS_MAX:
        raise fields.wrong(name, f"have {counted} characters as YouTube counts them; it takes {TAGS_MAX}")
    return tags


def _source(of: Fields) -> dict[str, str]:
    fields = of.inner("source", "url", "bucket", "object")
    if fields.has("url"):
        if fields.has("bucket") or fields.has("object"):
            raise fields.wrong("url", "and bucket with object exclude each other: one source a file")
        checked(fields.text("url"), field=f"{fields.path}url")
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
    if fields.has("publish_at") and parts["status"].get("privacyStatus", "private") != "private":
        raise fields.wrong("publish_at", "goes only with privacy private, which it ends")
    return parts


def _upload(fields: Fields, now: datetime) -> dict[str, Any]:
    _title(fields, "title")
    fields.flag("made_for_kids")  # the law wants it said, so there is no default
    parts = _parts(fields, now)
    status = parts["status"]
    status.setdefault("privacyStatus", "private")  # YouTube's own default is public
    status.setdefault("containsSyntheticMedia", False)
    parts["snippet"].setdefault("categoryId", "22")
    parts["snippet"].setdefault("description", "")
    return {
        "source": _source(fields),
        "parts": parts,
        "notify_subscribers": fields.flag("notify_subscribers", default=False),
    }


def _video(fields: Fields) -> dict[str, Any]:
    return {"video_id": fields.id("video_id", ids.VIDEO)}


def _update(fields: Fields, now: datetime) -> dict[str, Any]:
    parts = _parts(fields, now)
    if fields.removed("publish_at"):
        parts.setdefault("status", {})["publishAt"] = None
    if not parts:
        raise InvalidRequest("An update changes at least one thing.", field=fields.path.rstrip("."))
    return {**_video(fields), "parts": parts}


def _playlist(fields: Fields, _now: datetime) -> dict[str, Any]:
    description = _plain(fields, "description") if fields.has("description") else ""
    if (size := len(description)) > PLAYLIST_DESCRIPTION_MAX:
        raise fields.wrong("description", f"has {size} characters; YouTube takes {PLAYLIST_DESCRIPTION_MAX}")
    return {
        "title": _title(fields, "title", PLAYLIST_TITLE_MAX),
        "description": description,
        "privacy": fields.choice("privacy", PRIVACIES) if fields.has("privacy") else "private",
    }


def _playlist_item(fields: Fields, _now: datetime) -> dict[str, Any]:
    if fields.has("playlist_id") == fields.has("playlist_title"):
        raise fields.wrong("playlist_id", "or playlist_title must be given, and not both")
    return {"into": [_into(fields, "playlist_id", "playlist_title")], **_video(fields)}


def _into(fields: Fields, by_id: str, by_title: str) -> dict[str, str]:
    if fields.has(by_id):
        return {"id": fields.id(by_id, ids.PLAYLIST)}
    return {"title": _title(fields, by_title, PLAYLIST_TITLE_MAX)}


def _track(fields: Fields, _now: datetime) -> dict[str, Any]:
    """A caption track: a video has one of each language and name."""
    return {
        **_video(fields),
        "language": fields.match("language", _LANGUAGE),
        "name": fields.line("name", most=CAPTION_NAME_MAX) if fields.has("name") else "",
    }


def _caption(fields: Fields, now: datetime) -> dict[str, Any]:
    source = _source(fields)
    return {**_track(fields, now), "draft": fields.flag("draft", default=False), "source": source}


def _release(fields: Fields, now: datetime) -> dict[str, Any]:
    """into: the playlists that the video goes into; {} stands for the one that the release makes."""
    work: dict[str, Any] = {"upload": _part(fields, "upload", now), "into": []}
    if fields.has("thumbnail"):
        work["thumbnail"] = {"source": _source(fields.inner("thumbnail", "source"))}
    if fields.has("playlist") and fields.has("playlist_id"):
        raise fields.wrong("playlist", "and playlist_id exclude each other; playlists can name several")
    if fields.has("playlist"):
        work["playlist"] = _part(fields, "playlist", now)
        work["into"].append({})
    if fields.has("playlist_id"):
        work["into"].append(_into(fields, "playlist_id", ""))
    for number, item in enumerate(fields.items("playlists")):
        one = Fields(item, "id", "title", path=f"{fields.path}playlists.{number}.")
        if one.has("id") and one.has("title"):
            raise one.wrong("id", "and title exclude each other")
        work["into"].append(_into(one, "id", "title"))
    if len(work["into"]) > PLAYLISTS_MAX or any(work["into"].count(one) > 1 for one in work["into"]):
        raise fields.wrong("playlists", f"must be at most {PLAYLISTS_MAX}, each once")
    return work


def sources(request: Request) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The files that a request names, each with its field."""
    parts = {f".{name}": request.work.get(name, {}) for name in ("upload", "thumbnail")}
    for path, part in {"": request.work, **parts}.items():
        if "source" in part:
            yield f"{request.kind}{path}.source", part["source"]


_KINDS: Mapping[str, tuple[Callable[[Fields, datetime], dict[str, Any]], tuple[str, ...]]] = {
    # kind: how its fields are read, and which it may have
    "upload": (_upload, ("source", "notify_subscribers", *_WORDS)),
    "thumbnail": (lambda fields, _: {**_video(fields), "source": _source(fields)}, ("video_id", "source")),
    "update": (_update, ("video_id", *_WORDS)),
    "playlist": (_playlist, ("title", "description", "privacy")),
    "playlist_item": (_playlist_item, ("playlist_id", "playlist_title", "video_id")),
    "caption": (_caption, ("video_id", "language", "name", "draft", "source")),
    "caption_delete": (_track, ("video_id", "language", "name")),
    "delete": (lambda fields, _: _video(fields), ("video_id",)),
    "release": (_release, ("upload", "thumbnail", "playlist", "playlist_id", "playlists")),
}
KINDS = tuple(_KINDS)


def _part(fields: Fields, kind: str, now: datetime) -> dict[str, Any]:
    """The work of a kind in the field of its name."""
    read, known = _KINDS[kind]
    return read(fields.inner(kind, *known), now)
