"""Access tokens that are fresh, whoever asks and however many ask at once.

Across instances one caller refreshes: it takes a lease on the grant, asks Google, and stores the answer only while
the lease is still its own. A lease has a generation; when its holder dies, the next one takes the next generation,
and a late write of the old one is fenced off. No lock is held while Google is asked, and nobody waits for a token
that is still good. Threads of one process share one flight, and keep a token in memory for a minute at most, so
that a disconnect or a reconnect is noticed within that minute without a read for every call. Who collects in
turns, and looks at their beginning whose connections stand, has tokens of its own (`unstored`), written nowhere.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from shared.clock import Clock
from shared.cloud.firestore import Client, Store
from shared.cloud.steps import Change, Doc, Docs, Write, reading
from shared.data_map import CHANNELS
from shared.errors import Misconfigured, Unavailable, YtempireError
from shared.monitoring import alerts
from shared.monitoring.alerts import ProcessAlerts
from shared.monitoring.log import log
from shared.tokens import accounts, grants, health
from shared.tokens.google_oauth import GoogleOAuth
from shared.tokens.grants import LEASE, MARGIN, Grant, Lease, Step
from shared.tokens.health import Notice, Outcome, Tokens
from shared.vault.secret import Secret
from shared.vault.vault import Vault

_WAIT_SECONDS = 45.0
"""Longer than a lease, so that whoever waits for a dead refresher takes over from it."""


@dataclass(frozen=True)
class AccessToken:
    """A token that may be used now, and when it ends.

    kept: the refresh token by which the next one can be had without reading anything, if that is so.
    """

    secret: Secret
    expires_at: datetime
    kept: Secret | None = None


@dataclass(frozen=True)
class _Look:
    """What a caller does with the grant that it saw; when it takes the lease, the grant is as it stands then.

    version: the document's, with the lease in it.
    """

    step: Step
    grant: Grant
    access_token: Secret
    refresh_token: Secret | None = None
    version: Any = None


@dataclass(frozen=True)
class Refresher:
    """The one way to an access token. owner: a name for this process, unlike any other's."""

    client: Client
    vault: Vault
    google: GoogleOAuth
    clock: Clock
    owner: str
    rng: random.Random
    lease: timedelta = LEASE
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def _store(self) -> Store:
        return Store(self.client, rng=self.rng, sleep=self.sleep)

    @cached_property
    def _alerts(self) -> ProcessAlerts:
        return ProcessAlerts(self.client, self.clock)

    def fresh(self, channel_id: str, *, refused: Secret | None = None, margin: timedelta = MARGIN) -> AccessToken:
        """A token with at least `margin` left, if Google can be had; a shorter one if it cannot.

        Raises NotFound when there is no such connection (any more), ReauthRequired when its owner has to act,
        Unavailable with `retry_at` while Google does not answer, Misconfigured when our OAuth client is wrong.
        """
        end = time.monotonic() + _WAIT_SECONDS
        pause = 0.05
        while time.monotonic() <= end:
            seen = self._look(channel_id, refused, margin)
            if seen.step is Step.USE:
                return AccessToken(seen.access_token, seen.grant.access_expires_at)
            if seen.step is Step.COOL_DOWN:
                words = "Google's sign-in does not answer; asking again after a pause."
                until = seen.grant.cooldown_until
                raise Unavailable(words, reason="coolingDown", retry_at=until, detail=Outcome.UNAVAILABLE)
            if seen.refresh_token and (token := self._refresh(seen, seen.refresh_token)):
                return token
            self.sleep(pause * (0.5 + self.rng.random()))
            pause = min(1.0, pause * 1.5)
        message = "Another refresh of this connection takes too long."
        raise Unavailable(message, reason="refreshBusy", detail=Outcome.UNAVAILABLE)

    def unstored(self, channel_id: str, kept: Secret | None = None) -> AccessToken:
        """A token for this process alone: the stored one while it is good, else one that is not written down.

        It costs a read, where `fresh` writes twice, too; none with `kept`, an earlier answer's. Whatever is wrong
        with the connection, `fresh` finds out and writes down. Raises what that raises.
        """
        if kept is not None and (again := self._refreshed(kept)) is not None:
            return again
        path = grants.path(channel_id)
        doc = self._store.run(reading([path]))[path]
        grant, now = grants.living(channel_id, doc), self.clock()
        step = grants.decide(grant, now, margin=MARGIN, refused=False)
        if step is Step.USE:
            token = self.vault.open(grant.access_token, record=path, field=grants.ACCESS_TOKEN)
            return AccessToken(token, grant.access_expires_at)
        if step is Step.TAKE and not grant.failures:
            stored = self.vault.open(grant.refresh_token, record=path, field=grants.REFRESH_TOKEN)
            if (found := self._refreshed(stored)) is not None:
                return found
        return self.fresh(channel_id)

    def _refreshed(self, kept: Secret) -> AccessToken | None:
        """What Google gives for a refresh token; None for nothing, or another one, which has to be kept."""
        with suppress(YtempireError):
            tokens = self.google.refresh(kept)
            if tokens.refresh_token is None:
                return AccessToken(tokens.access_token, tokens.expires_at, kept)
        return None

    def _look(self, channel_id: str, refused: Secret | None, margin: timedelta) -> _Look:
        """Read the grant and, if it is to be refreshed by this caller, take its lease."""
        path = grants.path(channel_id)

        def looked(docs: Docs) -> Change[_Look]:
            grant, now = grants.living(channel_id, docs[path]), self.clock()
            stored = self.vault.open(grant.access_token, record=path, field=grants.ACCESS_TOKEN)
            step = grants.decide(grant, now, margin=margin, refused=refused is not None and refused == stored)
            if step is not Step.TAKE:
                return Change(_Look(step, grant, stored))
            refresh_token = self.vault.open(grant.refresh_token, record=path, field=grants.REFRESH_TOKEN)
            lease = Lease(self.owner, grant.generation + 1, now + self.lease)
            taken = replace(grant, generation=lease.generation, lease=lease)
            changes = {"generation": lease.generation, "lease": asdict(lease)}
            return Change(_Look(step, taken, stored, refresh_token), [Write(path, changes)])

        updated = self._store.update((path,), looked)
        return replace(updated.result, version=updated.versions.get(path))

    def _refresh(self, seen: _Look, refresh_token: Secret) -> AccessToken | None:
        """Ask Google, under the grant's lease, and store what it says; None when somebody else has taken over."""
        try:
            tokens = self.google.refresh(refresh_token)
        except YtempireError as error:
            if isinstance(error, Misconfigured):
                self._alerts.failed(alerts.OAUTH_CLIENT, error.message)
            if not isinstance(
                error.detail, Outcome
            ):  # it says nothing about the grant: the vault failed, not Google
                self._finish(seen, {"lease": None}, {})
                raise
            if self._settle(seen, error.detail, {}):
                raise
            return None  # it was about a token that is no longer the connection's
        kept = self._settle(seen, Outcome.GOOD, self._sealed(seen.grant, tokens))
        self._alerts.worked(alerts.OAUTH_CLIENT)
        return AccessToken(tokens.access_token, tokens.expires_at) if kept else None

    def _settle(self, seen: _Look, outcome: Outcome, changes: Mapping[str, Any]) -> bool:
        """Store how the refresh ended and say what has to be said; False when it was fenced off."""
        grant, now = seen.grant, self.clock()
        changed, notice = health.after(grant, outcome, now)
        fields = {**changes, **asdict(changed), "lease": None}
        channel: dict[str, Any] = {}
        if changed.state != grant.state:
            channel = {"state": changed.state, "state_reason": changed.state_reason, "state_since": now}
            fields["state_since"] = now
        kept = self._finish(seen, fields, channel)
        if kept and notice is not None:
            reason = changed.state_reason or outcome.value
            log(*_ANNOUNCED[notice], notice=notice.value, channel=grant.channel_id, reason=reason)
        return kept

    def _finish(self, seen: _Look, fields: Mapping[str, Any], channel_fields: Mapping[str, Any]) -> bool:
        """Write while the lease is ours, and the channel with it; False when somebody else has taken over.

        Mostly nobody has written to the grant since its lease was taken, so it is not read again before.
        """
        grant = seen.grant
        path, channel_path = grants.path(grant.channel_id), f"{CHANNELS.path}/{grant.channel_id}"
        taken = Docs({path: Doc({"generation": grant.generation}, seen.version)}, self.clock())
        mirror = [Write(channel_path, channel_fields)] if channel_fields else []
        paths = (path, *(write.path for write in mirror))

        def ours(docs: Docs) -> Change[bool]:
            found = docs[path]
            if found is None or None in docs.values():
                log("NOTICE", "the connection was deleted while it refreshed", channel=grant.channel_id)
                raise grants.not_connected()
            if found.data["generation"] != grant.generation:
                return Change(False)
            return Change(True, [Write(path, fields), *mirror])

        kept = self._store.update(paths, ours, seen=None if mirror else taken).result
        if not kept:
            log("NOTICE", "a late refresh was fenced off", channel=grant.channel_id)
        return kept

    def _sealed(self, grant: Grant, tokens: Tokens) -> dict[str, Any]:
        """The fields of a good answer. A refresh token is stored only when Google sent one."""
        now = self.clock()
        seal = partial(self.vault.seal, record=grants.path(grant.channel_id))
        fields: dict[str, Any] = {
            grants.ACCESS_TOKEN: seal(tokens.access_token, field=grants.ACCESS_TOKEN),
            "access_expires_at": tokens.expires_at,
            "refreshed_at": now,
        }
        if tokens.scopes is not None and tokens.scopes != grant.granted_scopes:
            # The daily probe compares them with what is counted on.
            fields["granted_scopes"] = sorted(tokens.scopes)
        if tokens.refresh_token is not None:
            fields[grants.REFRESH_TOKEN] = seal(tokens.refresh_token, field=grants.REFRESH_TOKEN)
            fields["refresh_issued_at"] = now
            fields["number"] = accounts.number_next(self.client, grant.google_account, grant.user_id)
        if tokens.refresh_expires_at is not None:
            fields["refresh_expires_at"] = tokens.refresh_expires_at
        return fields


_ANNOUNCED = {
    Notice.RECONNECT: ("ERROR", "connection lost: its owner has to connect the channel again"),
    Notice.TROUBLED: ("WARNING", "connection troubled: refreshes keep failing; it will be tried on"),
    Notice.RECOVERED: ("NOTICE", "connection recovered"),
    Notice.OPERATOR: ("CRITICAL", "Google refuses our OAuth client; no connection can refresh"),
}
"""Alerting reads these records."""
LOOK_AGAIN = timedelta(minutes=1)


class SharedTokens:
    """The tokens that this process holds. Safe for threads.

    own: they are nobody else's, and for so long no connection is looked at again; who asks has to know by itself
    which connections have ended.
    """

    def __init__(self, refresher: Refresher, clock: Clock, *, own: timedelta | None = None) -> None:
        self._refresher, self._clock, self._own = refresher, clock, own
        self._held: dict[str, tuple[AccessToken, datetime]] = {}
        self._flights: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def token(self, channel_id: str, refused: str | None = None) -> str:
        """A token to send now. refused: one that Google has just refused. Raises what `Refresher.fresh` raises."""
        denied = None if refused is None else Secret(refused)
        with self._lock:
            flight = self._flights[channel_id]
        with flight:
            now, kept = self._clock(), None
            held, looked_at = self._held.pop(channel_id, (None, now))
            if held is not None and now - looked_at <= (self._own or LOOK_AGAIN):
                if held.expires_at - now > MARGIN and held.secret != denied:
                    self._held[channel_id] = (held, looked_at)
                    return held.secret.reveal()
                kept = held.kept
            if self._own and denied is None:
                found = self._refresher.unstored(channel_id, kept)
            else:
                found = self._refresher.fresh(channel_id, refused=denied)
            looked_now = kept is None or found.kept is not kept
            self._held[channel_id] = (found, now if looked_now else looked_at)
            return found.secret.reveal()
