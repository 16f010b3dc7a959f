"""Everything on the page, put together; which channels are listed. It decides nothing but the order of things."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from shared.channels import WORKING, Channel
from shared.clock import next_reset
from shared.collection.expectation import AT_RISK
from shared.collection.jobs import Job
from shared.collection.metadata_plan import Outlook, outlook
from shared.collection.refused import API
from shared.collection.risk import Risk, risk
from shared.console import alarms, connections, operations, push, quota
from shared.console.alarms import AlarmRow
from shared.console.connections import ChannelRow
from shared.console.loaded import NOTHING_LOADED, Loaded
from shared.console.operations import OpenWork
from shared.console.push import PushSummary
from shared.console.quota import BucketRow
from shared.console.reports import ReportsRow
from shared.monitoring.alerts import OAUTH_CLIENT, Alert
from shared.publishing.operation import Operation
from shared.quota.profile import Profile
from shared.quota.usage import Usage

PAGE = 100
"""Channels of one page. Ten thousand on one page would be nearly seven megabytes."""
ATTENTION = "attention"
"""The filter for channels that need somebody, whatever their state."""


@dataclass(frozen=True)
class Filter:
    """Which channels to list. state: one state or ATTENTION, None for all; after: how many to leave out first."""

    state: str | None = None
    user: str | None = None
    after: int = 0

    def __bool__(self) -> bool:
        return self.state is not None or self.user is not None

    def takes(self, row: ChannelRow) -> bool:
        """Whether a channel is of this state and user."""
        in_state = self.state in {None, row.state} or (self.state == ATTENTION and row.needs_somebody)
        return in_state and self.user in {None, row.user_id}

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Filter:
        """The filter in an address's query; the form's empty fields ask for nothing."""
        after = query.get("after", "")
        return cls(
            state=query.get("state") or None,
            user=query.get("user") or None,
            after=int(after) if after.isdecimal() and len(after) < 10 else 0,
        )


@dataclass(frozen=True, kw_only=True)
class Page:
    """Where one page stands in the channels that its filter takes. matching: how many those are.

    previous, next: the `after` of the pages beside it; None where there is none.
    """

    filter: Filter
    matching: int
    previous: int | None
    next: int | None


def page_of(rows: Sequence[ChannelRow], only: Filter) -> tuple[tuple[ChannelRow, ...], Page]:
    """The rows of the page that a filter asks for, and where it stands."""
    taken = tuple(row for row in rows if only.takes(row))
    end = only.after + PAGE
    return taken[only.after : end], Page(
        filter=only,
        matching=len(taken),
        previous=max(0, only.after - PAGE) if only.after else None,
        next=end if end < len(taken) else None,
    )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What could be read. channels: None when they could not be; problems: what could not be, in words.

    at_risk: reporting jobs of which days are missing.
    """

    channels: tuple[Channel, ...] | None = ()
    usage: Mapping[str, Usage] = field(default_factory=dict)
    loaded: Loaded = NOTHING_LOADED
    operations: tuple[Operation, ...] = ()
    subscriptions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    at_risk: tuple[Job, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The network now. channels: one page of those that the filter takes; reports: of these channels, by type.

    Everything else counts all of them. videos: how far their first import is, and when it ends. at_risk: missing
    days that can still come, None when there are none.
    available: whether the connections could be read, without which there is little to show.
    """

    as_of: datetime
    available: bool
    resets_at: datetime
    problems: tuple[str, ...]
    alarms: tuple[AlarmRow, ...]
    total_channels: int
    users: tuple[str, ...]
    need_attention: int
    channels: tuple[ChannelRow, ...]
    page: Page
    quota: tuple[BucketRow, ...]
    operations: OpenWork
    push: PushSummary
    loaded: Loaded
    videos: Outlook
    at_risk: Risk | None
    reports: tuple[ReportsRow, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same for programs: instants as RFC 3339 in UTC, days as dates, everything else as it is."""
        plain: dict[str, Any] = _plain(asdict(self))
        del plain["loaded"]["channels"]  # the listed channels' rows say it
        return plain


def overview(
    known: Known,
    profile: Profile,
    *,
    app_url: str,
    now: datetime,
    report_types: Collection[str],
    metadata_units: int,
    only: Filter,
) -> Overview:
    """The overview at `now`."""
    refused = any(alert.key == OAUTH_CLIENT for alert in known.alerts)
    everything = connections.rows(
        known.channels or (),
        known.loaded,
        app_url=app_url,
        now=now,
        report_types=report_types,
        at_risk=known.at_risk,
        client_refused=refused,
    )
    titles = {row.channel_id: row.title for row in everything}
    working = {row.channel_id: row.title for row in everything if row.state in WORKING}
    channels, page = page_of(everything, only)
    return Overview(
        as_of=now,
        available=known.channels is not None,
        resets_at=next_reset(now),
        problems=known.problems,
        alarms=alarms.rows(known.alerts),
        total_channels=len(everything),
        users=tuple(sorted({row.user_id for row in everything})),
        need_attention=sum(row.needs_somebody for row in everything),
        channels=channels,
        page=page,
        quota=quota.rows(known.usage, profile, now=now),
        operations=operations.open_work(known.operations, titles),
        push=push.summary(known.subscriptions, working, now=now),
        loaded=known.loaded,
        videos=outlook([each for each in known.channels or () if each.may_ask(API, now)], metadata_units, now),
        at_risk=risk(known.at_risk, AT_RISK, now=now),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
