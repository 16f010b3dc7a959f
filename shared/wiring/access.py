"""Builds what connections need: Google's OAuth, consent, tokens, disconnect, upkeep, key rotation."""

from __future__ import annotations

import os
import random
import uuid
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from shared.clock import Recent, system_clock
from shared.cloud import firestore, pubsub, queues
from shared.errors import ReauthRequired, Unavailable
from shared.monitoring.log import log
from shared.settings import OAUTH_CLIENT_SECRET, VAULT_KEY_SECRET, settings
from shared.tokens.google_oauth import CLIENT_AGE, GoogleOAuth, OAuthClient
from shared.tokens.health import Tokens
from shared.wiring.vault import keyring, vault

if TYPE_CHECKING:
    from shared.access.consent import Consents
    from shared.access.disconnect import Disconnects
    from shared.access.upkeep import Upkeep
    from shared.tokens.refresh import Refresher, SharedTokens
    from shared.vault.rotation import Rotation
    from shared.youtube.client import TokenSource
    from shared.youtube.data import Channel

QUEUE = "access"


@cache
def google() -> GoogleOAuth:
    keys = keyring(OAUTH_CLIENT_SECRET)
    client = Recent(source=lambda: OAuthClient.parse(keys.newest()[1]), age=CLIENT_AGE, clock=system_clock)
    return GoogleOAuth(settings(), client, system_clock)


@cache
def refresher() -> Refresher:
    from shared.tokens.refresh import Refresher

    owner = f"{os.environ.get('K_REVISION', 'local')}/{uuid.uuid4().hex[:12]}"
    rng = random.Random()  # noqa: S311 - spreads waiting, guards nothing
    return Refresher(firestore.client(), vault(), google(), system_clock, owner=owner, rng=rng)


@cache
def consents() -> Consents:
    from shared.access.consent import STARTS, Consents
    from shared.rate_limits.limiter import RateLimiter

    client = firestore.client()
    return Consents(
        client=client,
        vault=vault(),
        google=google(),
        settings=settings(),
        clock=system_clock,
        limiter=RateLimiter(client, (STARTS,), system_clock),
        learn=_learn,
    )


def _learn(tokens: Tokens, user_id: str) -> Channel:
    """The channel that fresh tokens are for; its user pays for the call."""
    from shared.quota.profile import Priority
    from shared.wiring import youtube
    from shared.youtube.client import Context
    from shared.youtube.data import my_channel

    context = Context(account=user_id, priority=Priority.HIGH, feature="access")  # somebody waits for the answer

    def token(refused: str | None) -> str:
        if refused is not None:
            words = "Google does not accept the token that it has just issued."
            raise ReauthRequired(words, reason="codeRefused")
        return tokens.access_token.reveal()

    return my_channel(youtube.caller(context, token))


@cache
def _tokens(own: timedelta | None) -> SharedTokens:
    from shared.tokens.refresh import SharedTokens

    return SharedTokens(refresher(), system_clock, own=own)


@cache
def disconnects() -> Disconnects:
    from shared.access.disconnect import Disconnects
    from shared.access.revocation import Revocations

    return Disconnects(
        firestore.client(),
        Revocations(firestore.client(), vault(), google(), system_clock),
        system_clock,
        erase_rows=_erase_rows,
        revoke_later=_revoke_later,
        forget_shared=_forget_shared,
    )


def _forget_shared(receipt_id: str, channel_id: str) -> None:
    from shared.collection import places
    from shared.collection.statistics import state

    places.forget(firestore.client(), channel_id, receipt_id)
    state.forget(firestore.client(), channel_id)


@cache
def grant_upkeep() -> Upkeep:
    from shared.access.upkeep import Upkeep

    testing = settings().oauth_publishing == "testing"
    return Upkeep(firestore.client(), refresher(), disconnects(), system_clock, testing)


@cache
def key_rotation() -> Rotation:
    from shared.vault.rotation import Rotation

    return Rotation(firestore.client(), vault(), keyring(VAULT_KEY_SECRET), system_clock)


def _erase_rows(receipt_id: str, channel_id: str) -> None:
    from shared.access.disconnect import ERASE

    pubsub.to_ingest(ERASE, {"channel_id": channel_id, "receipt": receipt_id})
    try:
        queues.enqueue("collect", f"unsubscribe {receipt_id}", "renew_subscriptions", {"channel": channel_id})
    except Unavailable as error:  # the subscription ends with its lease
        log("WARNING", "the end of a subscription was not queued", channel=channel_id, reason=error.reason)


def _revoke_later(receipt_id: str, _channel_id: str) -> None:
    queues.enqueue(QUEUE, f"revoke {receipt_id}", "refresh_tokens", {"revoke": receipt_id})


def token_source(channel_id: str, *, own: timedelta | None = None) -> TokenSource:
    """A channel's access token, fresh whenever it is asked for; builds nothing before. own: see `SharedTokens`."""
    return lambda refused: _tokens(own).token(channel_id, refused)
