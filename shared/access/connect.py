"""From tokens and a channel to a connection: who may connect what, decided purely, written at once.

What the decision reads has not changed when it is written, in one atomic commit. So five tabs of one user cannot
connect a sixth channel, and two users cannot own one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import channels
from shared.access import users
from shared.access.features import capabilities, missing
from shared.channels import CHANNELS, PROBED_EVERY, Channel
from shared.cloud.firestore import Client, update
from shared.cloud.steps import PRESENT, Change, Docs, Write
from shared.errors import Conflict, Forbidden
from shared.settings import Settings
from shared.tokens import accounts, grants, health
from shared.tokens.grants import GRANTS, LOOK_EVERY, Grant
from shared.tokens.health import Tokens
from shared.vault.vault import Vault

if TYPE_CHECKING:
    from shared.youtube import data


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
    """What is stored already.

    user_channels: the channels of the applicant. users: everybody who has one. revoked: whether the permission
    behind the applicant's token has been withdrawn since Google gave it.
    """

    user_channels: frozenset[str]
    users: frozenset[str]
    channel: Channel | None
    grant: Grant | None
    revoked: bool = False


@dataclass(frozen=True)
class Connected:
    """A connection that stands, as the result page tells it. missing: features asked for and not given."""

    channel_id: str
    title: str
    reconnected: bool
    missing: Sequence[str]


def check(applicant: Applicant, learnt: data.Channel, known: Known, settings: Settings) -> None:
    """Raises why the channel that the grant is for cannot be connected by this user now. Pure."""
    if applicant.expect_channel not in {None, learnt.id}:
        raise Conflict("Another channel was chosen than the one to reconnect.", reason="otherChannel")
    if known.channel is not None and known.channel.user_id != applicant.user_id:
        raise Conflict("This channel is connected by another user.", reason="channelTaken")
    if known.channel is not None and known.channel.state == health.DISCONNECTING:
        raise Conflict("This channel is being disconnected. Try again in a minute.", reason="disconnecting")
    if known.revoked:
        message = "This Google account's permission has just been withdrawn. Connect again."
        raise Conflict(message, reason="revokedMeanwhile")
    if known.channel is None and applicant.user_id not in known.users and len(known.users) >= settings.users_max:
        raise Forbidden("No more users can connect channels at present.", reason="userLimit")
    if known.channel is None and len(known.user_channels) >= settings.channels_per_user:
        limit = settings.channels_per_user
        raise Forbidden(f"At most {limit} channels can be connected.", reason="channelLimit")
    living = known.grant if known.grant and known.grant.state != health.REAUTH_REQUIRED else None
    serves = living is not None and living.google_account == applicant.tokens.google_account
    if applicant.tokens.refresh_token is None and not serves:
        raise Conflict("Google did not send a lasting permission. Connect again.", reason="noRefreshToken")


def connect(
    applicant: Applicant,
    learnt: data.Channel,
    consent: str,
    *,
    client: Client,
    vault: Vault,
    settings: Settings,
    now: datetime,
) -> Connected:
    """Connect or reconnect. Raises what `check` says, with nothing stored.

    consent: the document that keeps the outcome for the result page. It is written with the connection, so what
    the page says is so.
    """
    channel_id, user_id, given = learnt.id, applicant.user_id, applicant.tokens
    channel_path, grant_path = channels.path(channel_id), grants.path(channel_id)
    account_path = accounts.path(given.google_account, user_id)
    sent = {grants.ACCESS_TOKEN: given.access_token, grants.REFRESH_TOKEN: given.refresh_token}
    sealed = {
        field: vault.seal(token, record=grant_path, field=field)
        for field, token in sent.items()
        if token is not None
    }

    def connected(docs: Docs) -> Change[Connected]:
        there, grant_there = docs[channel_path], docs[grant_path]
        known = Known(
            user_channels=users.channels_of(docs, user_id),
            users=users.connected(docs),
            channel=CHANNELS.read(channel_id, there.data) if there else None,
            grant=GRANTS.read(channel_id, grant_there.data) if grant_there else None,
            revoked=accounts.revoked(docs[account_path], applicant.number, now),
        )
        check(applicant, learnt, known, settings)
        grant = _grant(applicant, channel_id, sealed, known.grant, now)
        channel = _channel(learnt, grant, known.channel)
        # One of now is our own write, whose answer was lost.
        before = known.channel is not None and known.channel.connected_at < now
        made = Connected(channel_id, learnt.title, before, missing(channel.capabilities))
        writes = [
            Write(channel_path, CHANNELS.fields(channel)),
            Write(grant_path, GRANTS.fields(grant)),
            *users.with_channel(docs, user_id, channel_id),
            *accounts.connected(account_path, docs[account_path], now),
            Write(consent, {"outcome": vars(made)}, only_if=PRESENT),
        ]
        return Change(made, writes)

    paths = (channel_path, grant_path, users.path(user_id), users.EVERYBODY, account_path)
    return update(client, paths, connected)


def _grant(
    applicant: Applicant, channel_id: str, sealed: Mapping[str, Any], before: Grant | None, now: datetime
) -> Grant:
    """The grant as it is from now on. Without a refresh token the stored one stays; `check` has allowed it."""
    tokens = applicant.tokens
    fields: dict[str, Any] = {
        **asdict(health.Health()),
        **sealed,
        "user_id": applicant.user_id,
        "google_account": tokens.google_account,
        "access_expires_at": tokens.expires_at,
        "refreshed_at": now,
        "granted_scopes": _granted(applicant, before),
        "requested_scopes": applicant.requested | (before.requested_scopes if before else frozenset()),
        # A newer generation fences off a refresh that is under way with the tokens of before.
        "generation": before.generation + 1 if before else 1,
        "lease": None,
        "warnings": {},
        "state_since": now,
        "next_look": now + LOOK_EVERY,
    }
    if tokens.refresh_token is not None:
        fields |= {"number": applicant.number, "refresh_issued_at": now}
        fields |= {"refresh_expires_at": tokens.refresh_expires_at}
    return replace(before, **fields) if before else Grant(channel_id=channel_id, **fields)


def _granted(applicant: Applicant, before: Grant | None) -> frozenset[str]:
    # An answer without `scope` grants what was asked (RFC 6749, 5.1).
    granted = applicant.requested if applicant.tokens.scopes is None else applicant.tokens.scopes
    if applicant.tokens.refresh_token is None and before is not None:
        # The lasting permission stays the stored one, and with it what that one may do.
        return granted & before.granted_scopes
    return granted


def _channel(learnt: data.Channel, grant: Grant, before: Channel | None) -> Channel:
    can = capabilities(grant.granted_scopes, grant.requested_scopes)
    return Channel(
        channel_id=learnt.id,
        user_id=grant.user_id,
        google_account=grant.google_account,
        title=learnt.title,
        uploads_playlist=learnt.uploads_playlist,
        state=grant.state,
        state_since=grant.state_since,
        capabilities=can,
        connected_at=before.connected_at if before else grant.state_since,
        synced_at=before.synced_at if before else None,
        videos_read=before.videos_read if before else None,
        collect_at=grant.state_since if can["analytics"].have else None,
        analytics_at=grant.state_since,
        probe_at=grant.state_since + PROBED_EVERY,
    )
