"""Access tokens that are fresh, whoever asks and however many ask at once.

Across instances one caller refreshes: it takes a lease on the grant with a conditional write (the document must
be as it was read), asks Google, and stores the answer only while the lease is still its own. A lease has a
generation; when its holder dies, the next one takes the next generation, and a late write of the old one is fenced
off. No lock is held while Google is asked, and nobody waits for a token that is still good.
"""

from __future__ import annotations

import enum
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.cloud.firestore import committed, patience, put, unchanged
from shared.data_map import CHANNELS
from shared.errors import (
    CorruptData,
    Forbidden,
    Misconfigured,
    NotFound,
    ReauthRequired,
    Unavailable,
    YtempireError,
)
from shared.monitoring import alerts
from shared.monitoring.log import log
from shared.tokens import accounts, grants, health
from shared.tokens.answers import Tokens
from shared.tokens.google_oauth import GoogleOAuth
from shared.tokens.grants import Grant
from shared.tokens.health import Notice, Outcome
from shared.vault.secret import Secret
from shared.vault.vault import Vault

if TYPE_CHECKING:
    from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot

MARGIN = timedelta(minutes=5)
"""A token this close to its end is refreshed before it is handed out."""

LEASE = timedelta(seconds=30)
"""Twice what the token endpoint may take to be reached and to fall silent, so a living refresher keeps its lease;
one that is held up longer is fenced off and goes on with the token that stands."""

_LAST_USE = timedelta(seconds=10)
"""A token with less than this left is not handed out: the call it is for takes time."""

_PATIENCE_SECONDS = 45.0
"""Longer than a lease, so that whoever waits for a dead refresher takes over from it."""

_ATTEMPTS = 8


class Step(enum.Enum):
    """What a caller does with the grant that it has just read."""

    USE = "use"
    TAKE = "take"
    WAIT = "wait"
    COOL_DOWN = "coolDown"


def decide(grant: Grant, now: datetime, *, margin: timedelta, refused: bool) -> Step:
    """Use the stored token, refresh it, wait for whoever does, or leave Google alone for a while.

    refused: Google has just answered 401 to this very token, so its printed end means nothing.
    """
    left = grant.access_expires_at - now
    if left > margin and not refused:
        return Step.USE
    usable = left > _LAST_USE and not refused
    if grant.lease is not None and grant.lease.until > now:
        return Step.USE if usable else Step.WAIT
    if grant.health.cooldown_until is not None and grant.health.cooldown_until > now:
        return Step.USE if usable else Step.COOL_DOWN
    return Step.TAKE


@dataclass(frozen=True)
class AccessToken:
    """A token that may be used now, and when it ends."""

    secret: Secret
    expires_at: datetime


class Refresher:
    """The one way to an access token. owner: a name for this process, unlike any other's."""

    def __init__(
        self,
        client: Client,
        vault: Vault,
        google: GoogleOAuth,
        clock: Clock,
        *,
        owner: str,
        dice: random.Random,
        lease: timedelta = LEASE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._vault = vault
        self._google = google
        self._clock = clock
        self._owner = owner
        self._takes = itertools.count()
        self._dice = dice
        self._lease = lease
        self._sleep = sleep

    def fresh(self, channel_id: str, *, refused: Secret | None = None, margin: timedelta = MARGIN) -> AccessToken:
        """A token with at least `margin` left, if Google can be had; a shorter one if it cannot.

        Raises NotFound when there is no such connection (any more), ReauthRequired when its owner has to act,
        Unavailable with `retry_at` while Google does not answer, Misconfigured when our OAuth client is wrong.
        """
        end = time.monotonic() + _PATIENCE_SECONDS
        pause = 0.05
        while True:
            snapshot = self._ref(channel_id).get(**patience())
            grant = _living(channel_id, snapshot)
            stored = self._open(grant)
            now = self._clock()
            step = decide(grant, now, margin=margin, refused=refused is not None and refused == stored)
            if step is Step.USE:
                return AccessToken(stored, grant.access_expires_at)
            if step is Step.COOL_DOWN:
                raise Unavailable(
                    "Google's sign-in does not answer; asking again after a pause.",
                    reason="coolingDown",
                    retry_at=grant.health.cooldown_until,
                )
            if step is Step.TAKE:
                token = self._take(grant, snapshot)
                if token is not None:
                    return token
            if time.monotonic() > end:
                raise Unavailable("Another refresh of this connection takes too long.", reason="refreshBusy")
            self._sleep(pause * (0.5 + self._dice.random()))
            pause = min(1.0, pause * 1.5)

    def _take(self, grant: Grant, snapshot: DocumentSnapshot[Any]) -> AccessToken | None:
        """Refresh under a lease; None when somebody else was faster or took over."""
        refresh_token = self._vault.open(
            grant.refresh_token, record=grants.path(grant.channel_id), field=grants.REFRESH_TOKEN
        )
        generation = grant.generation + 1
        written = self._lease_taken(snapshot, generation)
        if written is None:
            return None
        try:
            tokens = self._google.refresh(Secret(refresh_token.decode()))
        except YtempireError as error:
            if isinstance(error, Misconfigured):
                alerts.fire(self._client, alerts.OAUTH_CLIENT, error.message, self._clock())
            outcome = _outcome(error)
            if outcome is None:
                self._finish(grant, generation, written, {"lease": None}, None)
                raise
            if not self._settle(grant, generation, written, outcome, {}):
                return None  # it was about a token that is no longer the connection's
            raise self._explained(error, outcome) from error
        kept = self._settle(grant, generation, written, Outcome.REFRESHED, self._sealed(grant, tokens))
        alerts.resolve(self._client, alerts.OAUTH_CLIENT, self._clock())
        return AccessToken(tokens.access_token, tokens.expires_at) if kept else None

    def _lease_taken(self, snapshot: DocumentSnapshot[Any], generation: int) -> datetime | None:
        """Take the lease; answers when that was written, or None when somebody else was faster."""
        me = f"{self._owner}/{next(self._takes)}"
        batch = self._client.batch()
        put(batch, snapshot, grants.lease_fields(me, generation, self._clock(), self._lease))
        if committed(batch) and batch.write_results:
            written: datetime = batch.write_results[0].update_time
            return written
        found = snapshot.reference.get(["lease"], **patience())
        lease = (found.to_dict() or {}).get("lease") or {}
        return found.update_time if lease.get("owner") == me else None  # ours: only the answer was lost

    def _settle(
        self, grant: Grant, generation: int, written: datetime, outcome: Outcome, changes: dict[str, Any]
    ) -> bool:
        """Store how the refresh ended and say what has to be said; False when it was fenced off."""
        now = self._clock()
        changed, notice = health.after(grant.health, outcome, now)
        fields = {**changes, **grants.health_fields(changed), "lease": None}
        mirror = None
        if changed.state != grant.health.state:
            mirror = {"state": changed.state, "state_reason": changed.reason, "state_since": now}
            fields["state_since"] = now
        kept = self._finish(grant, generation, written, fields, mirror)
        if kept and notice is not None:
            announce(notice, grant.channel_id, changed.reason or outcome.value)
        return kept

    def _finish(
        self,
        grant: Grant,
        generation: int,
        written: datetime,
        fields: dict[str, Any],
        mirror: dict[str, Any] | None,
    ) -> bool:
        """Write while the lease is ours, and the channel with it. Whoever wrote something else meanwhile (a
        rotation, a warning) only makes us look again; a newer generation or a disconnect ends it."""
        grant_ref = self._ref(grant.channel_id)
        channel_ref = self._client.document(CHANNELS.path, grant.channel_id)
        for attempt in range(_ATTEMPTS):
            batch = self._client.batch()
            batch.update(grant_ref, fields, option=unchanged(written))
            if mirror is not None:
                batch.update(channel_ref, mirror)
            if committed(batch):
                return True
            self._sleep(0.02 * (attempt + 1) * self._dice.random())
            found = grant_ref.get(**patience())
            if not found.exists or not channel_ref.get([], **patience()).exists:
                log("NOTICE", "the connection was deleted while it refreshed", channel=grant.channel_id)
                raise _not_connected()
            if found.get("generation") != generation:
                log("NOTICE", "a late refresh was fenced off", channel=grant.channel_id)
                return False
            written = found.update_time
        raise Unavailable("Too much happens to this connection at once.", reason="refreshBusy")

    def _sealed(self, grant: Grant, tokens: Tokens) -> dict[str, Any]:
        """The fields of a good answer. A refresh token is stored only when Google sent one."""
        now = self._clock()
        record = grants.path(grant.channel_id)

        def seal(secret: Secret, field: str) -> dict[str, Any]:
            return self._vault.seal(secret.reveal().encode(), record=record, field=field)

        fields: dict[str, Any] = {
            grants.ACCESS_TOKEN: seal(tokens.access_token, grants.ACCESS_TOKEN),
            "access_expires_at": tokens.expires_at,
            "refreshed_at": now,
        }
        if tokens.refresh_token is not None:
            fields[grants.REFRESH_TOKEN] = seal(tokens.refresh_token, grants.REFRESH_TOKEN)
            fields["refresh_issued_at"] = now
            fields["number"] = accounts.number_next(self._client, grant.google_account, grant.user_id)
        if tokens.refresh_expires_at is not None:
            fields["refresh_expires_at"] = tokens.refresh_expires_at
        return fields

    def _open(self, grant: Grant) -> Secret:
        plain = self._vault.open(
            grant.access_token, record=grants.path(grant.channel_id), field=grants.ACCESS_TOKEN
        )
        return Secret(plain.decode())

    def _explained(self, error: YtempireError, outcome: Outcome) -> YtempireError:
        if outcome is Outcome.GRANT_DEAD:
            return reauth_required()
        return error

    def _ref(self, channel_id: str) -> DocumentReference:
        reference: DocumentReference = self._client.document(grants.COLLECTION, channel_id)
        return reference


def announce(notice: Notice, channel_id: str, reason: str) -> None:
    """One structured record per notice; alerting reads them."""
    severity, message = {
        Notice.RECONNECT: ("ERROR", "connection lost: its owner has to connect the channel again"),
        Notice.TROUBLED: ("WARNING", "connection troubled: refreshes keep failing; it will be tried on"),
        Notice.RECOVERED: ("NOTICE", "connection recovered"),
        Notice.OPERATOR: ("CRITICAL", "Google refuses our OAuth client; no connection can refresh"),
    }[notice]
    log(severity, message, notice=notice.value, channel=channel_id, reason=reason)


def reauth_required() -> ReauthRequired:
    """The error that stops a connection's work."""
    return ReauthRequired("Google no longer accepts this connection. Its owner has to connect the channel again.")


def _not_connected() -> NotFound:
    return NotFound("This channel is not connected.", reason="notConnected")


def _living(channel_id: str, snapshot: DocumentSnapshot[Any]) -> Grant:
    fields = snapshot.to_dict() if snapshot.exists else None
    if fields is None:
        raise _not_connected()
    grant = grants.read(channel_id, fields)
    if grant.health.state == health.DISCONNECTING:
        raise NotFound("This channel is being disconnected.", reason="notConnected")
    if grant.health.state == health.REAUTH_REQUIRED:
        raise reauth_required()
    return grant


def _outcome(error: YtempireError) -> Outcome | None:
    """What an error says about the grant; None when it says nothing (the vault failed, not Google)."""
    if isinstance(error, ReauthRequired):
        return Outcome.GRANT_DEAD
    if isinstance(error, Misconfigured) and error.reason == "oauthClient":
        return Outcome.CLIENT_WRONG
    if isinstance(error, Forbidden):
        return Outcome.REFUSED
    if isinstance(error, CorruptData) or (
        isinstance(error, Unavailable) and error.reason == Outcome.UNAVAILABLE.value
    ):
        return Outcome.UNAVAILABLE
    return None
