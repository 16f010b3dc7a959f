"""Each connected channel as its operator needs it: how it stands, since when, what it lacks, and what is to do.

Codes become sentences here, once, for the page and the JSON alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from shared.channels import Channel, Refusal
from shared.collection.jobs import ALARMING, Job, Risk, on, risk
from shared.console.words import called, words
from shared.tokens.grants import LOST_FOR
from shared.tokens.health import CONNECTED, DISCONNECTING, REAUTH_REQUIRED
from shared.youtube.policy import policy

DELETION_STUCK = timedelta(hours=2)  # an hourly run finishes what a disconnect has left


class Urgency(IntEnum):
    """How soon something has to be done."""

    NOW = 0
    SOON = 1
    OPTIONAL = 2
    NOTHING = 3


@dataclass(frozen=True, kw_only=True)
class Todo:
    """The one thing to do. link: where it is done, or None. code: what to run, or None."""

    urgency: Urgency
    text: str
    link: str | None = None
    code: str | None = None


NOTHING = Todo(urgency=Urgency.NOTHING, text="Nothing")
OURS = Todo(urgency=Urgency.NOTHING, text="Nothing: our operators see to it.")
MEND_CLIENT = Todo(
    urgency=Urgency.NOW, text="Mend our OAuth client, as the alarm says. Its owner has nothing to do."
)

_FINISH_DELETION = Todo(
    urgency=Urgency.NOW,
    text="Its deletion does not end. Start the schedule; if it changes nothing, read refresh_tokens' log.",
    code="gcloud scheduler jobs run refresh-tokens",
)


def todo_for(
    channel: Channel,
    app_url: str,
    now: datetime,
    *,
    overdue: bool,
    gap: Risk | None,
    unticked: Sequence[str],
    mine: bool = False,
) -> Todo:
    """The one thing to do about a connection, of several the most pressing.

    gap: days that are missing and can still come. unticked: the features' names. mine: told to its owner.
    """
    whom = "Connect" if mine else f"Ask {channel.user_id} to connect"
    again = f"{whom} this channel again in the app, choosing “{channel.title}” at Google"
    if channel.state == REAUTH_REQUIRED:
        deleted_at = channel.state_since + LOST_FOR
        text = f"{again}, before {deleted_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC: then all its data is deleted."
        return Todo(urgency=Urgency.NOW, text=text, link=app_url)
    if channel.state == DISCONNECTING:
        return _FINISH_DELETION if now - channel.state_since >= DELETION_STUCK else NOTHING
    if channel.warnings:
        kind, end = min(channel.warnings.items(), key=lambda warning: warning[1])
        why = called("ends", kind)
        before = "soon" if kind == "crowded" else f"before {end:%-d %b %Y}"
        return Todo(urgency=Urgency.SOON, text=f"{again}, {before}: {why}.", link=app_url)
    if any(refusal.until is None for refusal in channel.refusals.values()):
        text = f"{again}, once what YouTube says of it is mended."
        return Todo(urgency=Urgency.NOW, text=text, link=app_url)
    about_reports = _about_reports(overdue and channel.state == CONNECTED, gap)
    if about_reports is not None:
        return about_reports
    names = " and ".join(unticked)
    text = f"For {names}: {again}, and leaving every box ticked."
    return Todo(urgency=Urgency.OPTIONAL, text=text, link=app_url) if unticked else NOTHING


def _about_reports(overdue: bool, gap: Risk | None) -> Todo | None:
    if overdue:
        text = "Its reports are overdue. Start the schedule; if it changes nothing, read collect_reports' log."
        return Todo(urgency=Urgency.NOW, text=text, code="gcloud scheduler jobs run collect-reports")
    if gap is None:
        return None
    days = f"{gap.days} {'day' if gap.days == 1 else 'days'}"
    text = f"Reports of {days} are missing, the first lost on {on(gap.lost_at)}: see its missing days."
    return Todo(urgency=Urgency.SOON, text=text)


OVERDUE = timedelta(hours=25)  # the guide's threshold for a stale channel (section 5.2)

_CLIENT_REFUSED = "Its permission cannot be renewed while our OAuth client does not work."
_REFUSED = "Refused by YouTube"
_SHOWN = ("channel_id", "title", "user_id", "state", "connected_at", "synced_at")


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something that a connection cannot do. reason: why, in words."""

    feature: str
    name: str
    reason: str
    unticked: bool


@dataclass(frozen=True, kw_only=True)
class ChannelRow:
    """One channel. standing: its state for people; why: "" when all is well."""

    channel: Channel
    standing: str
    why: str
    missing: tuple[Lack, ...]
    todo: Todo
    overdue: bool

    @property
    def needs_somebody(self) -> bool:
        """Whether something has to be done, now or soon."""
        return self.todo.urgency <= Urgency.SOON

    def as_row(self, *, mine: bool = False) -> dict[str, Any]:
        """The row as the pages show it. mine: to its owner, who has nothing to do where we have."""
        ours = mine and (self.todo.code is not None or self.todo in {MEND_CLIENT, _FINISH_DELETION})
        return {
            **{name: getattr(self.channel, name) for name in _SHOWN},
            "standing": self.standing,
            "why": self.why,
            "since": self.channel.state_since,
            "tone": "bad" if self.standing == _REFUSED else called("tones", self.channel.state),
            "lacks": [f"No {lack.name.lower()}: {lack.reason}." for lack in self.missing],
            "late": "overdue" if self.overdue else "",
            "todo": vars(OURS if ours else self.todo),
        }


def rows(
    channels: Iterable[Channel],
    *,
    app_url: str,
    now: datetime,
    at_risk: Iterable[Job] = (),
    client_refused: bool = False,
    mine: bool = False,
) -> tuple[ChannelRow, ...]:
    """All channels, those that need somebody first.

    at_risk: reporting jobs of which days are missing.
    client_refused: Google refuses our own OAuth client. mine: told to their owner.
    """
    gaps: dict[str, list[Job]] = {}
    for job in at_risk:
        gaps.setdefault(job.channel_id, []).append(job)

    def row(channel: Channel) -> ChannelRow:
        refused = client_refused and channel.working
        missing = _missing(channel)
        overdue = _expected(channel) and now - (channel.synced_at or channel.connected_at) >= OVERDUE
        todo = todo_for(
            channel,
            app_url,
            now,
            overdue=overdue,
            gap=risk(gaps.get(channel.channel_id, ()), ALARMING, now=now),
            unticked=[lack.name.lower() for lack in missing if lack.unticked],
            mine=mine,
        )
        return ChannelRow(
            channel=channel,
            standing=_REFUSED if channel.working and channel.refusals else called("states", channel.state),
            why=_CLIENT_REFUSED if refused else _why(channel),
            missing=missing,
            todo=MEND_CLIENT if refused else todo,
            overdue=overdue,
        )

    def order(one: ChannelRow) -> tuple[Urgency, str, str]:
        return one.todo.urgency, one.channel.title.casefold(), one.channel.channel_id

    return tuple(sorted(map(row, channels), key=order))


def _expected(channel: Channel) -> bool:
    """Whether reports come: one that only publishes has none, and one that YouTube refuses is not late."""
    return channel.working and channel.can("analytics") and "youtubereporting" not in channel.refusals


def _why(channel: Channel) -> str:
    if channel.working and channel.refusals:
        return " ".join(_refused(api, refusal) for api, refusal in sorted(channel.refusals.items()))
    return called("state_reasons", channel.state_reason)


def _refused(api: str, refusal: Refusal) -> str:
    rule = policy().rules.get(refusal.reason)
    says = rule.says if rule else f"YouTube says {refusal.reason}."
    if refusal.until is None:
        return f"{says} YouTube is not asked for {called('asked', api)} until it is connected again."
    return f"{says} YouTube is asked for {called('asked', api)} again from {refusal.until:%-d %b, %H:%M} UTC on."


def _missing(channel: Channel) -> tuple[Lack, ...]:
    return tuple(
        Lack(
            feature=feature,
            name=called("features", feature),
            reason=words("lacks").get(found.reason, f"YouTube says {found.reason}"),
            unticked=found.reason == "unticked",
        )
        for feature, found in channel.capabilities.items()
        if not found.have
    )
