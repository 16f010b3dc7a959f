"""What the views that people query say about themselves, in the comment that each of their files begins with.

    -- What each video did on each Pacific day.
    -- Unique: channel_id, date, video_id. Never NULL: channel_id, date. Days: date.
    -- channel_id: the channel
    -- video_id: the video; NULL where YouTube
    --   names none

`Days` is the column of which a filter keeps BigQuery from reading other days; `all` where a view needs every day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from infra.views import MARTS, OVER_OWNERS, view_text

GUIDE = ("youtube_metrics", "video_performance")
QUERIED = (*GUIDE, "videos", "owner_metrics", "video_revenue_monthly", *MARTS, *OVER_OWNERS)
"""The views that people query, in the order in which they are documented; all others are what these stand on."""

_KEYS = re.compile(r"Unique: (.+?)\. Never NULL: (.+?)\. Days: (\w+)(?: \((.+)\))?\.")
_COLUMN = re.compile(r"([a-z_]+): (.+)")


@dataclass(frozen=True, kw_only=True)
class Described:
    """One view in words. days: the column that a filter on days belongs on, "all" for a view of every day.

    why: why it needs every day. columns: what each says, in order.
    """

    name: str
    summary: str
    unique: tuple[str, ...]
    never_null: tuple[str, ...]
    days: str
    why: str | None
    columns: Mapping[str, str]


def described(name: str) -> Described:
    """A view in words. Raises ValueError for one whose comment does not have that form."""
    return read(name, view_text(name))


def read(name: str, text: str) -> Described:
    """What a view's comment says. Raises ValueError when it does not have that form."""
    comment, gap = "\n".join(_comment(text)), "\n  "
    before, found, after = comment.partition("\nUnique: ")
    keys = _KEYS.match(" ".join(("Unique: " + after).split("\n")))
    if not found or keys is None:
        raise ValueError(f"{name}: its comment does not say what is unique, never NULL, and which days it reads")
    lines = after.replace(gap, " ").split("\n")
    columns = [_COLUMN.fullmatch(line) for line in lines]
    return Described(
        name=name,
        summary=before,
        unique=tuple(keys[1].split(", ")),
        never_null=tuple(keys[2].split(", ")),
        days=keys[3],
        why=keys[4],
        columns={match[1]: match[2] for match in columns if match},
    )


def _comment(text: str) -> list[str]:
    lines = text.split("\n")
    ends = next(place for place, line in enumerate(lines) if not line.startswith("-- "))
    return [line.removeprefix("-- ") for line in lines[:ends]]
