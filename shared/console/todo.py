"""The one thing that somebody has to do about a connection, and how soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from shared.channels import Channel
from shared.collection.risk import Risk, on
from shared.tokens.health import CONNECTED, DISCONNECTING, REAUTH_REQUIRED
from shared.tokens.lifetimes import LOST_FOR

DELETION_STUCK = timedelta(hours=2)  # an hourly run finishes what a disconnect has left
_ENDS: Mapping[str, str] = {
    "testing": "Google ends it after seven days while the OAuth client is in testing",
    "timeLimited": "its owner gave the permission for a limited time",
    "unused": "Google ends permissions that are not used for six months",
    "crowded": "its Google account has given almost a hundred permissions since, and Google drops the oldest",
}


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
MEND_CLIENT = Todo(
    urgency=Urgency.NOW, text="Mend our OAuth client, as the alarm says. Its owner has nothing to do."
)

_FINISH_DELETION = Todo(
    urgency=Urgency.NOW,
    text="Its deletion does not end. Start the schedule; if it changes nothing, read refresh_tokens' log.",
    code="gcloud scheduler jobs run refresh-tokens",
)


def todo_for(
    channel: Channel, app_url: str, now: datetime, *, overdue: bool, gap: Risk | None, unticked: Sequence[str]
) -> Todo:
    """The one thing to do about a connection, of several the most pressing.

    gap: days that are missing and can still come. unticked: the features' names.
    """
    again = f"Ask {channel.user_id} to connect this channel again in the app, choosing “{channel.title}” at Google"
    if channel.state == REAUTH_REQUIRED:
        deleted_at = channel.state_since + LOST_FOR
        text = f"{again}, before {deleted_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC: then all its data is deleted."
        return Todo(urgency=Urgency.NOW, text=text, link=app_url)
    if channel.state == DISCONNECTING:
        return _FINISH_DELETION if now - channel.state_since >= DELETION_STUCK else NOTHING
    if channel.warnings:
        kind, end = min(channel.warnings.items(), key=lambda warning: warning[1])
        why = _ENDS.get(kind, kind)
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
        return Todo(urgency=Urgency.NOW, text=text, code="gcloud scheduler jobs run collect-reports-catchup")
    if gap is None:
        return None
    days = f"{gap.days} {'day' if gap.days == 1 else 'days'}"
    text = f"Reports of {days} are missing, the first lost on {on(gap.lost_at)}: see the table of reports."
    return Todo(urgency=Urgency.SOON, text=text, link="/console#reports")
