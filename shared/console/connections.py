"""Each connected channel as its operator needs it: how it stands, since when, what it lacks, and what is to do.

Codes become sentences here, once, for the page and the JSON alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from shared.channels import Channel, Refusal
from shared.collection.jobs import ALARMING, Job, Risk, on, risk
from shared.console.words import called, standing, words
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


@dataclass(frozen=True)
class Todo:
    """The one thing to do. link: where it is done, or None. code: what to run, or None."""

    urgency: Urgency
    text: str
    link: str | None = None
    code: str | None = None


NOTHING = Todo(Urgency.NOTHING, "Nothing")
_OURS = Todo(Urgency.NOTHING, "Nothing: our operators see to it.")
_MEND_CLIENT = Todo(Urgency.NOW, "Mend our OAuth client, as the alarm says. Its owner has nothing to do.")
_FINISH_DELETION = Todo(
    Urgency.NOW,
    "Its deletion does not end. Start the schedule; if it changes nothing, read refresh_tokens' log.",
    code="gcloud scheduler jobs run refresh-tokens",
)
_LATE = Todo(
    Urgency.NOW,
    "Its reports are overdue. Start the schedule; if it changes nothing, read collect_reports' log.",
    code="gcloud scheduler jobs run collect-reports",
)


def todo_for(
    channel: Channel, again: str, link: str, now: datetime, *, overdue: bool, gap: Risk | None, unticked: str
) -> Todo:
    """The one thing to do about a connection, of several the most pressing.

    again: the words for connecting it again, at `link`. gap: days that are missing and can still come.
    """
    if channel.state == REAUTH_REQUIRED:
        deleted_at = channel.state_since + LOST_FOR
        text = f"{again}, before {deleted_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC: then all its data is deleted."
        return Todo(Urgency.NOW, text, link)
    if channel.state == DISCONNECTING:
        return _FINISH_DELETION if now - channel.state_since >= DELETION_STUCK else NOTHING
    if channel.warnings:
        kind, end = min(channel.warnings.items(), key=lambda warning: warning[1])
        before = "soon" if kind == "crowded" else f"before {end:%-d %b %Y}"
        return Todo(Urgency.SOON, f"{again}, {before}: {called('ends', kind)}.", link)
    if any(refusal.until is None for refusal in channel.refusals.values()):
        return Todo(Urgency.NOW, f"{again}, once what YouTube says of it is mended.", link)
    return _about_reports(again, link, overdue=overdue and channel.state == CONNECTED, gap=gap, unticked=unticked)


def _about_reports(again: str, link: str, *, overdue: bool, gap: Risk | None, unticked: str) -> Todo:
    if overdue:
        return _LATE
    if gap is None:
        text = f"For {unticked}: {again}, and leaving every box ticked."
        return Todo(Urgency.OPTIONAL, text, link) if unticked else NOTHING
    days = f"{gap.days} {'day' if gap.days == 1 else 'days'}"
    text = f"Reports of {days} are missing, the first lost on {on(gap.lost_at)}: see its missing days."
    return Todo(Urgency.SOON, text)


OVERDUE = timedelta(hours=25)  # the guide's threshold for a stale channel (section 5.2)

_CLIENT_REFUSED = "Its permission cannot be renewed while our OAuth client does not work."
_REFUSED = {"standing": "Refused by YouTube", "tone": "bad"}
_SHOWN = ("channel_id", "title", "user_id", "state", "connected_at", "synced_at")


@dataclass(frozen=True)
class ChannelRow:
    """One channel: what is to be done about it, and the row as the pages show it."""

    todo: Todo
    shown: Mapping[str, Any]

    @property
    def needs_somebody(self) -> bool:
        """Whether something has to be done, now or soon."""
        return self.todo.urgency <= Urgency.SOON


def rows(
    channels: Iterable[Channel],
    *,
    app_url: str,
    now: datetime,
    at_risk: Iterable[Job] = (),
    client_refused: bool = False,
    mine: bool = False,
) -> list[ChannelRow]:
    """All channels, those that need somebody first.

    at_risk: reporting jobs of which days are missing. client_refused: Google refuses our own OAuth client.
    mine: told to their owner, who has nothing to do where we have.
    """
    gaps: dict[str, list[Job]] = {}
    for job in at_risk:
        gaps.setdefault(job.channel_id, []).append(job)

    def row(channel: Channel) -> ChannelRow:
        lacks = {called("features", name): found for name, found in channel.capabilities.items() if not found.have}
        unticked = " and ".join(name.lower() for name, found in lacks.items() if found.reason == "unticked")
        whom = "Connect" if mine else f"Ask {channel.user_id} to connect"
        again = f"{whom} this channel again in the app, choosing “{channel.title}” at Google"
        # One that only publishes has no reports, and one that YouTube refuses is not late.
        expected = channel.working and channel.can("analytics") and "youtubereporting" not in channel.refusals
        overdue = expected and now - (channel.synced_at or channel.connected_at) >= OVERDUE
        gap = risk(gaps.get(channel.channel_id, ()), ALARMING, now=now)
        todo = todo_for(channel, again, app_url, now, overdue=overdue, gap=gap, unticked=unticked)
        why = _why(channel)
        if client_refused and channel.working:
            todo, why = _MEND_CLIENT, _CLIENT_REFUSED
        shown = {
            **{name: getattr(channel, name) for name in _SHOWN},
            **(_REFUSED if channel.working and channel.refusals else standing("states", channel.state)),
            "why": why,
            "since": channel.state_since,
            "lacks": [
                f"No {name.lower()}: {words('lacks').get(found.reason, f'YouTube says {found.reason}')}."
                for name, found in lacks.items()
            ],
            "late": "overdue" if overdue else "",
            "todo": vars(_OURS if mine and (todo.code is not None or todo == _MEND_CLIENT) else todo),
        }
        return ChannelRow(todo, shown)

    def order(one: ChannelRow) -> tuple[Urgency, str, str]:
        return one.todo.urgency, one.shown["title"].casefold(), one.shown["channel_id"]

    return sorted(map(row, channels), key=order)


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
