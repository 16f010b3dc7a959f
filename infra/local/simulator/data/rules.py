"""What YouTube refuses in a video's or playlist's metadata, and what replacing a part means.

Pure: a resource as sent goes in, the first problem or the new metadata comes out. Lengths are YouTube's: a title
in characters, a description in UTF-8 bytes, tags together with their separators and the quotes that a tag with a
space needs. Source: the Data API's `videos` resource and its error list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.simulator.timepiece import sent_instant

TITLE_CHARACTERS = 100
DESCRIPTION_BYTES = 5000
TAGS_CHARACTERS = 500
PLAYLIST_TITLE_CHARACTERS = 150
PLAYLIST_DESCRIPTION_CHARACTERS = 5000
ASSIGNABLE_CATEGORIES = frozenset(
    {"1", "2", "10", "15", "17", "19", "20", "22", "23", "24", "25", "26", "27", "28", "29"}
)
DEFAULT_CATEGORY = "22"

MUTABLE: Mapping[str, tuple[str, ...]] = {
    "snippet": (
        "title",
        "description",
        "tags",
        "categoryId",
        "defaultLanguage",
        "defaultAudioLanguage",
    ),
    "status": (
        "privacyStatus",
        "publishAt",
        "license",
        "embeddable",
        "publicStatsViewable",
        "selfDeclaredMadeForKids",
        "containsSyntheticMedia",
    ),
    "recordingDetails": ("recordingDate", "location", "locationDescription"),
    "paidProductPlacementDetails": ("hasPaidProductPlacement",),
}
"""What a writer can set, part by part; `localizations` is replaced as a whole."""

DEFAULT_STATUS: Mapping[str, Any] = {
    "privacyStatus": "public",
    "license": "youtube",
    "embeddable": True,
    "publicStatsViewable": True,
}
"""What an upload gets where it says nothing."""

REPLACED_STATUS: Mapping[str, Any] = {
    **DEFAULT_STATUS,
    "embeddable": False,
    "publicStatsViewable": False,
}
"""What an update leaves of `status` where it says nothing: the two flags fall silently."""


@dataclass(frozen=True)
class Problem:
    """Why a resource is refused with 400: YouTube's reason, words for a person, and the property at fault."""

    reason: str
    message: str
    location: str


def tags_length(tags: list[str]) -> int:
    """Characters that tags count for: each one, its quotes if it holds a space, and the commas between."""
    return sum(len(tag) + (2 if " " in tag else 0) for tag in tags) + max(0, len(tags) - 1)


def snippet_problem(snippet: Mapping[str, Any]) -> Problem | None:
    """The first thing wrong with the values of a video's snippet."""
    title = snippet.get("title")
    if title is not None and (not title.strip() or len(title) > TITLE_CHARACTERS or _has_angle(title)):
        return Problem(
            "invalidTitle", "The video's title is empty, too long or contains < or >.", "body.snippet.title"
        )
    description = snippet.get("description") or ""
    if len(description.encode()) > DESCRIPTION_BYTES or _has_angle(description):
        return Problem(
            "invalidDescription",
            "The video's description is too long or contains < or >.",
            "body.snippet.description",
        )
    tags = snippet.get("tags") or []
    if tags_length(tags) > TAGS_CHARACTERS or any(_has_angle(tag) or not tag.strip() for tag in tags):
        return Problem("invalidTags", "The video's keywords are not valid.", "body.snippet.tags")
    category = snippet.get("categoryId")
    if category is not None and category not in ASSIGNABLE_CATEGORIES:
        return Problem(
            "invalidCategoryId",
            "The video's category does not exist or cannot be assigned.",
            "body.snippet.categoryId",
        )
    return None


def status_problem(status: Mapping[str, Any], *, was_public: bool) -> Problem | None:
    """The first thing wrong with a video's status. was_public: the video has been public before."""
    at = status.get("publishAt")
    if at is None:
        return None
    message = ""
    try:
        sent_instant(at)
    except ValueError:
        message = "The scheduled publishing time is not a date and time with a zone."
    if status.get("privacyStatus") != "private":
        message = "A publishing time can be set only while the video is private."
    elif was_public:
        message = "A video that has been public cannot be scheduled."
    return Problem("invalidPublishAt", message, "body.status.publishAt") if message else None


def localizations_problem(localizations: Mapping[str, Any], default_language: str | None) -> Problem | None:
    """Translations need to know what they translate from."""
    if localizations and not default_language:
        return Problem(
            "defaultLanguageNotSetError",
            "Localized details need the video's default language.",
            "body.snippet.defaultLanguage",
        )
    for language, words in localizations.items():
        if snippet_problem(words) is not None:
            return Problem(
                "invalidVideoMetadata",
                "A localized title or description is not valid.",
                f"body.localizations.{language}",
            )
    return None


def recording_problem(details: Mapping[str, Any]) -> Problem | None:
    """Where and when a video was recorded has to exist."""
    problem = Problem("invalidRecordingDetails", "The recording details are not valid.", "body.recordingDetails")
    location = details.get("location") or {}
    if not (-90 <= location.get("latitude", 0) <= 90 and -180 <= location.get("longitude", 0) <= 180):
        return problem
    try:
        if "recordingDate" in details:
            sent_instant(details["recordingDate"])
    except ValueError:
        return problem
    return None


def metadata_problem(
    resource: Mapping[str, Any],
    parts: frozenset[str],
    *,
    updating: bool,
    was_public: bool = False,
    default_language: str | None = None,
) -> Problem | None:
    """The first thing wrong with the parts of a video resource that a write names.

    updating: an update of the snippet has to bring title and category, whatever it changes. default_language: what
    the video has already, if the snippet is not written too.
    """
    snippet = resource.get("snippet") or {}
    if "snippet" in parts:
        if updating and not (snippet.get("title") is not None and snippet.get("categoryId")):
            return Problem(
                "invalidVideoMetadata",
                "An update of the snippet needs the title and the category.",
                "body.snippet",
            )
        default_language = snippet.get("defaultLanguage")
        if problem := snippet_problem(snippet):
            return problem
    if "status" in parts and (problem := status_problem(resource.get("status") or {}, was_public=was_public)):
        return problem
    if "recordingDetails" in parts and (problem := recording_problem(resource.get("recordingDetails") or {})):
        return problem
    if "localizations" in parts:
        return localizations_problem(resource.get("localizations") or {}, default_language)
    return None


def written_part(resource: Mapping[str, Any], part: str, *, updating: bool) -> dict[str, Any]:
    """What a part holds after it was written: what was sent, and defaults where nothing was."""
    sent = resource.get(part) or {}
    if part == "localizations":
        return dict(sent)
    kept = {name: sent[name] for name in MUTABLE.get(part, ()) if sent.get(name) is not None}
    if part == "status":
        return {**(REPLACED_STATUS if updating else DEFAULT_STATUS), **kept}
    if part == "snippet":
        defaults = {"title": "unknown", "description": "", "categoryId": DEFAULT_CATEGORY}
        return {**defaults, **kept}
    return kept


def playlist_problem(snippet: Mapping[str, Any]) -> Problem | None:
    """The first thing wrong with a playlist's snippet."""
    title = snippet.get("title")
    if not title or not title.strip():
        return Problem("playlistTitleRequired", "A playlist needs a title.", "body.snippet.title")
    if len(title) > PLAYLIST_TITLE_CHARACTERS or _has_angle(title) or "\u2028" in title:
        return Problem("invalidPlaylistSnippet", "The playlist's title is not valid.", "body.snippet.title")
    if len(snippet.get("description") or "") > PLAYLIST_DESCRIPTION_CHARACTERS:
        return Problem(
            "invalidPlaylistSnippet",
            "The playlist's description is too long.",
            "body.snippet.description",
        )
    return None


def _has_angle(text: str) -> bool:
    return "<" in text or ">" in text
