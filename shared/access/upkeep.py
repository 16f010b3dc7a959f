"""What the scheduler does for every grant once in 20 hours: refresh it, see its announced death coming, and end
what has been lost for a week.

Each grant carries the moment of its next look, so an hourly run reads only what is due. One that Google would not
refresh stays due, so the next run tries it again. A grant whose owner took
the permission back at Google is found here at the latest, within a day; when nobody connects it again for a week,
its data is deleted as if it had been disconnected (YouTube's developer policies, III.E.4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from shared import channels
from shared.access.disconnect import REVOCATIONS, Disconnects
from shared.clock import Clock
from shared.cloud.firestore import committed, patience, put
from shared.errors import Conflict, YtempireError
from shared.monitoring.log import log
from shared.tokens import accounts, grants, health, lifetimes
from shared.tokens.grants import Grant
from shared.tokens.refresh import Refresher

if TYPE_CHECKING:
    from google.cloud.firestore import Client

NEXT_LOOK = "next_look"
_MORE_THAN_ANY_TOKEN = timedelta(days=1)
_SOON = timedelta(minutes=30)
"""Surely before the next hourly run."""
_UNDER_WAY = timedelta(minutes=5)
"""A disconnect younger than this may still be running."""
_ATTEMPTS = 8


@dataclass(frozen=True)
class Upkeep:
    """Looks after grants. testing: the OAuth client is in testing, where grants die after a week."""

    client: Client
    refresher: Refresher
    disconnects: Disconnects
    clock: Clock
    testing: bool

    def run(self, *, most: int = 500, until: datetime | None = None) -> dict[str, int]:
        """Look at what is due, at most `most` grants and not beyond `until`; how many ended how."""
        ended: Counter[str] = Counter(self._go_on())
        for channel_id, fields in self._due(most):
            if until is not None and self.clock() >= until:
                ended["postponed"] += 1
                continue
            try:
                ended[self._look(grants.read(channel_id, fields), fields["state_since"])] += 1
            except YtempireError as error:
                # One grant's trouble is not another's; it is looked at again within the hour.
                log("WARNING", "a grant could not be looked after", channel=channel_id, reason=error.reason)
                self._note(channel_id, {NEXT_LOOK: error.retry_at or self.clock() + _SOON})
                ended[error.reason] += 1
        return dict(ended)

    def _go_on(self) -> dict[str, int]:
        """Finish what an earlier disconnect could not."""
        ended: Counter[str] = Counter()
        for channel in channels.list_all(self.client, states=[health.DISCONNECTING]):
            if self.clock() - channel.state_since > _UNDER_WAY:
                end = partial(self.disconnects.end, as_of=channel.state_since)
                ended[self._attempted(end, channel.channel_id, "disconnected")] += 1
        for waiting in self.client.collection(REVOCATIONS).select([]).stream(**patience()):
            ended[self._attempted(self.disconnects.revoke, waiting.id, "revocationSettled")] += 1
        return dict(ended)

    def _attempted(self, act: Callable[[str], object], subject: str, done: str) -> str:
        try:
            act(subject)
        except YtempireError as error:
            log("WARNING", "a disconnect is still unfinished", subject=subject, reason=error.reason)
            return error.reason
        return done

    def _due(self, most: int) -> list[tuple[str, dict[str, Any]]]:
        from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415 - Firestore is loaded

        query = (
            self.client.collection(grants.COLLECTION)
            .where(filter=FieldFilter(NEXT_LOOK, "<=", self.clock()))
            .order_by(NEXT_LOOK)
            .limit(most)
        )
        return [(found.id, found.to_dict() or {}) for found in query.stream(**patience())]

    def _look(self, grant: Grant, state_since: datetime) -> str:
        now = self.clock()
        if grant.health.state == health.DISCONNECTING:
            self._note(grant.channel_id, {NEXT_LOOK: now + _SOON})
            return "disconnecting"
        if grant.health.state == health.REAUTH_REQUIRED:
            if now - state_since >= lifetimes.LOST_FOR:
                self.disconnects.end(grant.channel_id, as_of=state_since)
                return "disconnected"
            self._note(
                grant.channel_id,
                {NEXT_LOOK: min(now + lifetimes.LOOK_EVERY, state_since + lifetimes.LOST_FOR)},
            )
            return "waiting"
        if _is_recent(grant, now):
            return self._seen(grant.channel_id, "fresh")
        self.refresher.fresh(grant.channel_id, margin=_MORE_THAN_ANY_TOKEN)
        return self._seen(grant.channel_id, "refreshed")

    def _seen(self, channel_id: str, ended: str) -> str:
        """Set a grant's next look and warn of what is coming; how the look ended.

        A warning is logged before it is stored, so a run that dies in between tells it again and never loses it.
        """
        reference = self.client.document(grants.COLLECTION, channel_id)
        told: set[str] = set()
        for _ in range(_ATTEMPTS):
            seen = reference.get(**patience())
            fields, now = seen.to_dict(), self.clock()
            if fields is None or fields["state"] == health.DISCONNECTING:
                return "disconnected"
            grant = grants.read(channel_id, fields)
            tokens = accounts.issued(self.client, grant.google_account, grant.user_id)
            close = lifetimes.warnings(grant, now, testing=self.testing, account_tokens=tokens)
            for kind in sorted(close.keys() - grant.warnings.keys() - told):
                log("WARNING", "a connection is going to end", channel=channel_id, kind=kind, at=close[kind])
                told.add(kind)
            batch = self.client.batch()
            put(batch, seen, {NEXT_LOOK: _next_look(grant, now), "warnings": close})
            if close != grant.warnings:
                batch.update(self.client.document(channels.COLLECTION, channel_id), {"warnings": close})
            if committed(batch):
                return ended if _is_recent(grant, now) else _why_not(grant, now)
        raise Conflict("Something else happens to this connection.", reason="contended")

    def _note(self, channel_id: str, fields: dict[str, Any]) -> None:
        from google.api_core import exceptions  # noqa: PLC0415

        try:
            self.client.document(grants.COLLECTION, channel_id).update(fields, **patience())
        except exceptions.NotFound:
            return  # disconnected meanwhile


def _is_recent(grant: Grant, now: datetime) -> bool:
    return now - grant.refreshed_at <= lifetimes.RECENT


def _next_look(grant: Grant, now: datetime) -> datetime:
    """When a grant is looked at again: one that Google would not refresh just now, as soon as it may be tried."""
    if _is_recent(grant, now):
        return now + lifetimes.LOOK_EVERY
    return max(now, grant.health.cooldown_until or now)


def _why_not(grant: Grant, now: datetime) -> str:
    """Why a grant got no fresh token: Google has just failed, or somebody else is at it."""
    cooling = grant.health.cooldown_until is not None and grant.health.cooldown_until > now
    return "coolingDown" if cooling else "busy"
