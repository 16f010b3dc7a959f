"""From tokens and a channel to a connection: who may connect what, decided purely, written at once.

Everything that the decision reads is written under the condition that it has not changed since, in one atomic
commit; whoever meets another's write looks again. So five tabs of one user cannot connect a sixth channel, and two
users cannot own one. (A transaction with locks would do the same; see the decision record `consent.md`.)
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import channels, data_map
from shared.access.features import as_fields, capabilities, missing
from shared.channels import Capability
from shared.clock import Clock
from shared.cloud.firestore import committed, patience, put
from shared.errors import Conflict, Forbidden, Unavailable, YtempireError
from shared.settings import Settings
from shared.tokens import grants, health
from shared.tokens.answers import Tokens
from shared.tokens.lifetimes import LOOK_EVERY
from shared.vault.vault import Vault

if TYPE_CHECKING:
    from google.cloud.firestore import Client, DocumentSnapshot

_ATTEMPTS = 12


@dataclass(frozen=True)
class Learnt:
    """The channel that YouTube says the grant is for."""

    channel_id: str
    title: str
    uploads_playlist: str | None


@dataclass(frozen=True)
class Applicant:
    """Who connects, with which tokens, having been asked for which scopes.

    number: the refresh token's, among those of its Google account; None when Google sent none.
    """

    user_id: str
    tokens: Tokens
    number: int | None
    requested: frozenset[str]
    expect_channel: str | None


@dataclass(frozen=True)
class Known:
    """What is stored already. user_channels: the channels of the applicant; users: everybody who has one."""

    user_channels: frozenset[str]
    users: frozenset[str]
    channel: Mapping[str, Any] | None
    grant: grants.Grant | None


@dataclass(frozen=True)
class Connected:
    """A connection that stands."""

    channel_id: str
    title: str
    reconnected: bool
    capabilities: Mapping[str, Capability]

    @property
    def missing(self) -> tuple[str, ...]:
        """The features that were asked for and not given."""
        return missing(self.capabilities)


def refusal(applicant: Applicant, learnt: Learnt, known: Known, settings: Settings) -> YtempireError | None:
    """Why this channel cannot be connected by this user now, or None. Pure."""
    return next(_objections(applicant, learnt, known, settings), None)


def _objections(applicant: Applicant, learnt: Learnt, known: Known, settings: Settings) -> Iterator[YtempireError]:
    if applicant.expect_channel not in {None, learnt.channel_id}:
        yield Conflict("Another channel was chosen than the one to reconnect.", reason="otherChannel")
    if known.channel is not None and known.channel["user_id"] != applicant.user_id:
        yield Conflict("This channel is connected by another user.", reason="channelTaken")
    if known.channel is not None and known.channel["state"] == health.DISCONNECTING:
        yield Conflict("This channel is being disconnected. Try again in a minute.", reason="disconnecting")
    if known.channel is None and applicant.user_id not in known.users and len(known.users) >= settings.users_max:
        yield Forbidden("No more users can connect channels at present.", reason="userLimit")
    if known.channel is None and len(known.user_channels) >= settings.channels_per_user:
        limit = settings.channels_per_user
        yield Forbidden(f"At most {limit} channels can be connected.", reason="channelLimit")
    if applicant.tokens.refresh_token is None and not _stored_token_serves(applicant, known.grant):
        yield Conflict("Google did not send a lasting permission. Connect again.", reason="noRefreshToken")


def _stored_token_serves(applicant: Applicant, grant: grants.Grant | None) -> bool:
    if grant is None or grant.health.state == health.REAUTH_REQUIRED:
        return False
    return grant.google_account == applicant.tokens.google_account


class Connector:
    """Writes connections."""

    def __init__(
        self,
        client: Client,
        vault: Vault,
        settings: Settings,
        clock: Clock,
        *,
        dice: random.Random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._vault = vault
        self._settings = settings
        self._clock = clock
        self._dice = dice
        self._sleep = sleep

    def connect(self, applicant: Applicant, learnt: Learnt) -> Connected:
        """Connect or reconnect. Raises what `refusal` says, with nothing stored."""
        for attempt in range(_ATTEMPTS):
            seen = self._look(applicant.user_id, learnt.channel_id)
            known = _known(learnt.channel_id, seen)
            refused = refusal(applicant, learnt, known, self._settings)
            if refused is not None:
                raise refused
            connected = self._write(applicant, learnt, known, seen)
            if connected is not None:
                return connected
            self._sleep(0.05 * (attempt + 1) * self._dice.random())
        raise Unavailable("Too much happens to this connection at once. Try again.", reason="contended")

    def _look(self, user_id: str, channel_id: str) -> dict[str, DocumentSnapshot[Any]]:
        references = {
            "user": self._client.document(data_map.USERS.path, user_id),
            "users": self._client.document(data_map.ACCESS.path, "users"),
            "channel": self._client.document(channels.COLLECTION, channel_id),
            "grant": self._client.document(grants.COLLECTION, channel_id),
        }
        names = {reference.path: name for name, reference in references.items()}
        return {
            names[found.reference.path]: found
            for found in self._client.get_all(list(references.values()), **patience())
        }

    def _write(
        self,
        applicant: Applicant,
        learnt: Learnt,
        known: Known,
        seen: Mapping[str, DocumentSnapshot[Any]],
    ) -> Connected | None:
        """One commit under the conditions seen; None when one of them no longer holds."""
        from google.cloud.firestore import ArrayUnion  # noqa: PLC0415 - Firestore has imported it already

        now = self._clock()
        requested = applicant.requested | (known.grant.requested_scopes if known.grant else frozenset())
        granted = _granted(applicant, known)
        found = capabilities(granted, requested)
        batch = self._client.batch()
        put(batch, seen["channel"], _channel_fields(applicant, learnt, found, known, now))
        scopes = {"granted_scopes": sorted(granted), "requested_scopes": sorted(requested)}
        put(batch, seen["grant"], self._grant_fields(applicant, learnt.channel_id, known.grant, now) | scopes)
        if learnt.channel_id not in known.user_channels:
            put(batch, seen["user"], {"channels": ArrayUnion([learnt.channel_id])})
        if applicant.user_id not in known.users:
            put(batch, seen["users"], {"connected": ArrayUnion([applicant.user_id])})
        if not committed(batch):
            return None
        return Connected(learnt.channel_id, learnt.title, known.channel is not None, found)

    def _grant_fields(
        self, applicant: Applicant, channel_id: str, before: grants.Grant | None, now: datetime
    ) -> dict[str, Any]:
        tokens, record = applicant.tokens, grants.path(channel_id)
        fields: dict[str, Any] = {
            "user_id": applicant.user_id,
            "google_account": tokens.google_account,
            grants.ACCESS_TOKEN: self._vault.seal(
                tokens.access_token.reveal().encode(), record=record, field=grants.ACCESS_TOKEN
            ),
            "access_expires_at": tokens.expires_at,
            "refreshed_at": now,
            # A newer generation fences off a refresh that is under way with the tokens of before.
            "generation": before.generation + 1 if before else 1,
            "lease": None,
            "warnings": {},
            "state_since": now,
            "next_look": now + LOOK_EVERY,
            **grants.health_fields(health.Health()),
        }
        if tokens.refresh_token is not None:
            fields |= {
                grants.REFRESH_TOKEN: self._vault.seal(
                    tokens.refresh_token.reveal().encode(), record=record, field=grants.REFRESH_TOKEN
                ),
                "number": applicant.number,
                "refresh_issued_at": now,
                "refresh_expires_at": tokens.refresh_expires_at,
            }
        return fields


def _granted(applicant: Applicant, known: Known) -> frozenset[str]:
    # An answer without `scope` grants what was asked (RFC 6749, 5.1).
    granted = applicant.tokens.scopes
    if granted is None:
        granted = applicant.requested
    if applicant.tokens.refresh_token is None and known.grant is not None:
        # The lasting permission stays the stored one, and with it what that one may do.
        return granted & known.grant.granted_scopes
    return granted


def _known(channel_id: str, seen: Mapping[str, DocumentSnapshot[Any]]) -> Known:
    user, users = seen["user"].to_dict() or {}, seen["users"].to_dict() or {}
    grant = seen["grant"].to_dict()
    return Known(
        user_channels=frozenset(user.get("channels", ())),
        users=frozenset(users.get("connected", ())),
        channel=seen["channel"].to_dict(),
        grant=grants.read(channel_id, grant) if grant else None,
    )


def _channel_fields(
    applicant: Applicant, learnt: Learnt, found: Mapping[str, Capability], known: Known, now: datetime
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "user_id": applicant.user_id,
        "google_account": applicant.tokens.google_account,
        "title": learnt.title,
        "uploads_playlist": learnt.uploads_playlist,
        "state": health.CONNECTED,
        "state_reason": "",
        "state_since": now,
        "capabilities": as_fields(found),
        "warnings": {},
    }
    if known.channel is None:
        fields |= {"connected_at": now, "last_sync": {}}
    return fields
