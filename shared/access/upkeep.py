"""What the scheduler does for grants: refresh each every 20 hours, warn of its end, end what is lost for a week.

Each grant carries the moment of its next look, so an hourly run reads only what is due. One that Google would not
refresh stays due, so the next run tries it again. A grant whose owner took the permission back at Google is found
here at the latest, within a day; when nobody connects it again for a week, its data is deleted as if it had been
disconnected (YouTube's developer policies, III.E.4).
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared import channels, data_map
from shared.access.disconnect import WAREHOUSE, Disconnects
from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, note, update, where
from shared.cloud.steps import PRESENT, Change, Docs, Write
from shared.errors import YtempireError
from shared.monitoring.log import log
from shared.tokens import accounts, grants, health
from shared.tokens.grants import GRANTS, Grant
from shared.tokens.refresh import Refresher

_MORE_THAN_ANY_TOKEN = timedelta(days=1)
_SOON = timedelta(minutes=30)
"""Surely before the next hourly run."""
_UNDER_WAY = timedelta(minutes=5)
"""A disconnect, or the erasure that it asked for, may be running when it is younger than this."""


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
        now = self.clock()
        # What is left of disconnects comes first and has half of the time, so that nothing stuck takes all of it.
        half = until and now + (until - now) / 2
        ended = Counter(self._attempted(act, subject, word, until=half) for act, subject, word in self._left())
        due = where(self.client.collection(data_map.GRANTS.path), ("next_look", "<=", self.clock()))
        for found in list(due.order_by("next_look").limit(most).stream(**call_options())):
            looked_after = partial(self._looked_after, found.to_dict() or {})
            ended[self._attempted(looked_after, found.id, until=until)] += 1
        return dict(ended)

    def _left(self) -> Iterator[tuple[Callable[[str], object], str, str]]:
        """What earlier disconnects could not finish: what to do, for which channel or receipt, and its word."""
        for channel in channels.list_all(self.client, states=[health.DISCONNECTING]):
            if self.clock() - channel.state_since > _UNDER_WAY:
                yield partial(self.disconnects.end, as_of=channel.state_since), channel.channel_id, "disconnected"
        for receipt_id in self.disconnects.revocations.waiting():
            yield self.disconnects.revocations.ask, receipt_id, "revocationSettled"
        for receipt in self.disconnects.receipts.unconfirmed(WAREHOUSE):
            worked_on = receipt.steps[WAREHOUSE].get("at")
            if not isinstance(worked_on, datetime) or self.clock() - worked_on > _UNDER_WAY:
                erase = partial(self.disconnects.erase_rows, receipt.receipt_id)
                yield erase, receipt.channel_id, "erasureAskedAgain"

    def _attempted(
        self, act: Callable[[str], object], subject: str, word: str = "", *, until: datetime | None
    ) -> str:
        """How it ended: `word`, or what `act` says. Whatever goes wrong is this subject's trouble alone."""
        if until is not None and self.clock() >= until:
            return "postponed"
        try:
            ended = act(subject)
            return word or str(ended)
        except YtempireError as error:
            log("WARNING", "upkeep has to be tried again", subject=subject, reason=error.reason)
            return error.reason
        except Exception as error:  # noqa: BLE001 - everybody else's upkeep goes on
            stack = traceback.format_exc()
            log("ERROR", "upkeep failed", subject=subject, error=type(error).__name__, stack=stack)
            return "internal"

    def _looked_after(self, fields: Mapping[str, Any], channel_id: str) -> str:
        """Look at a grant; at one with which something is wrong, again within the hour."""
        try:
            return self._look(GRANTS.read(channel_id, fields))
        except Exception as error:
            retry_at = error.retry_at if isinstance(error, YtempireError) else None
            self._look_again(channel_id, retry_at or self.clock() + _SOON)
            raise

    def _look(self, grant: Grant) -> str:
        now = self.clock()
        if grant.state == health.DISCONNECTING:
            self._look_again(grant.channel_id, now + _SOON)
            return "disconnecting"
        if grant.state == health.REAUTH_REQUIRED:
            lost_at = grant.state_since + grants.LOST_FOR
            if now >= lost_at:
                self.disconnects.end(grant.channel_id, as_of=grant.state_since)
                return "disconnected"
            self._look_again(grant.channel_id, min(now + grants.LOOK_EVERY, lost_at))
            return "waiting"
        if _is_recent(grant, now):
            return self._seen(grant, "fresh")
        self.refresher.fresh(grant.channel_id, margin=_MORE_THAN_ANY_TOKEN)
        return self._seen(grant, "refreshed")

    def _seen(self, before: Grant, ended: str) -> str:
        """Set a grant's next look and warn of what is coming; how the look ended."""
        path, channel_path = grants.path(before.channel_id), channels.path(before.channel_id)
        account_path = accounts.path(before.google_account, before.user_id)
        told: set[str] = set()

        def seen(docs: Docs) -> Change[str]:
            found, now = docs[path], self.clock()
            if found is None or found.data["state"] == health.DISCONNECTING:
                return Change("disconnected")
            grant = GRANTS.read(before.channel_id, found.data)
            close = grants.warnings(
                grant, now, testing=self.testing, account_tokens=accounts.issued(docs[account_path])
            )
            # Told before it is stored, so that a run that dies in between tells it again and never loses it.
            for kind in sorted(close.keys() - grant.warnings.keys() - told):
                log("WARNING", "a connection is going to end", channel=grant.channel_id, kind=kind, at=close[kind])
                told.add(kind)
            recent, cooled = _is_recent(grant, now), max(now, grant.cooldown_until or now)
            # One that Google would not refresh just now is due as soon as it may be tried.
            next_look = now + grants.LOOK_EVERY if recent else cooled
            writes = [Write(path, {"next_look": next_look, "warnings": close})]
            if close != grant.warnings:
                writes.append(Write(channel_path, {"warnings": close}, only_if=PRESENT))
            # Else Google has just failed, or somebody else is at it.
            return Change(ended if recent else "coolingDown" if cooled > now else "busy", writes)

        return update(self.client, (path, account_path), seen)

    def _look_again(self, channel_id: str, at: datetime) -> None:
        note(self.client, grants.path(channel_id), {"next_look": at})


def _is_recent(grant: Grant, now: datetime) -> bool:
    return now - grant.refreshed_at <= grants.RECENT
