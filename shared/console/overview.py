"""The network at a glance: channels and what each needs, quota, views per day.

Gathers from Firestore, the quota ledger and the warehouse; decides nothing but the order of things. What cannot be
read is said, and the rest is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.access.channels import Channel
from shared.access.health import REAUTH_REQUIRED
from shared.clock import next_reset

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

CHART_DAYS = 60
OVERDUE = timedelta(hours=25)  # the guide's threshold for a stale channel (section 5.2)


@dataclass(frozen=True, kw_only=True)
class ChannelRow:
    """One channel as people look for it. todo: the one thing to do, or None."""

    channel_id: str
    title: str
    user_id: str
    state: str
    todo: str | None
    missing: Mapping[str, str]
    connected_at: datetime
    last_sync: datetime | None
    overdue: bool
    latest_day: date | None
    days: int


@dataclass(frozen=True, kw_only=True)
class DayTotal:
    """All channels' views on one Pacific day."""

    date: date
    views: int
    engaged_views: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What the warehouse holds: totals a day, and each channel's newest day and number of days."""

    days: tuple[DayTotal, ...]
    channels: Mapping[str, tuple[date, int]]
    reports: int
    rows: int


NOTHING_LOADED = Loaded(days=(), channels={}, reports=0, rows=0)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Everything on the page. problems: what could not be read, in words."""

    as_of: datetime
    resets_at: datetime
    channels: tuple[ChannelRow, ...]
    users: int
    need_attention: int
    quota: tuple[Mapping[str, Any], ...]
    loaded: Loaded
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def overview(
    *,
    channels: Iterable[Channel],
    quota: Iterable[Mapping[str, Any]],
    loaded: Loaded,
    problems: Iterable[str],
    now: datetime,
) -> Overview:
    """Put together what was read; those who need somebody come first."""
    rows = sorted(
        (_row(channel, loaded, now) for channel in channels),
        key=lambda row: (row.todo is None, not row.overdue, row.title.casefold(), row.channel_id),
    )
    return Overview(
        as_of=now,
        resets_at=next_reset(now),
        channels=tuple(rows),
        users=len({row.user_id for row in rows}),
        need_attention=sum(row.todo is not None for row in rows),
        quota=tuple(quota),
        loaded=loaded,
        problems=tuple(problems),
    )


def _row(channel: Channel, loaded: Loaded, now: datetime) -> ChannelRow:
    latest, days = loaded.channels.get(channel.channel_id, (None, 0))
    last_sync = channel.last_sync.get("reports")
    since = last_sync or channel.connected_at
    return ChannelRow(
        channel_id=channel.channel_id,
        title=channel.title,
        user_id=channel.user_id,
        state=channel.state,
        todo=_todo(channel),
        missing={name: found.reason for name, found in channel.capabilities.items() if not found.have},
        connected_at=channel.connected_at,
        last_sync=last_sync,
        overdue=channel.working and now - since >= OVERDUE,
        latest_day=latest,
        days=days,
    )


def _todo(channel: Channel) -> str | None:
    if channel.state == REAUTH_REQUIRED:
        return "Connect this channel again: Google no longer accepts its permission."
    if channel.warnings:
        return f"Connect again soon: {', '.join(sorted(channel.warnings))}."
    return None


def loaded_reports(client: Client, dataset: str) -> Loaded:
    """What the warehouse holds, of the last CHART_DAYS days that have data."""
    name = f"{client.project}.{dataset}"
    days = client.query(
        "SELECT date, SUM(views) AS views, SUM(engaged_views) AS engaged_views, COUNT(*) AS channels "
        f"FROM `{name}.youtube_metrics` GROUP BY date ORDER BY date DESC LIMIT {CHART_DAYS}"
    ).result()
    reports = client.query(
        "SELECT channel_id, MAX(day) AS latest, COUNT(DISTINCT day) AS days, COUNT(*) AS reports, "
        f"SUM(row_count) AS row_count FROM `{name}.current_reports` "
        "WHERE report_type = 'channel_basic_a3' GROUP BY channel_id"
    ).result()
    by_channel = {row["channel_id"]: row for row in reports}
    return Loaded(
        days=tuple(
            DayTotal(
                date=row["date"],
                views=row["views"] or 0,
                engaged_views=row["engaged_views"] or 0,
                channels=row["channels"],
            )
            for row in reversed(list(days))
        ),
        channels={channel: (row["latest"], row["days"]) for channel, row in by_channel.items()},
        reports=sum(row["reports"] for row in by_channel.values()),
        rows=sum(row["row_count"] for row in by_channel.values()),
    )
