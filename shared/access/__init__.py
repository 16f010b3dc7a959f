"""Who connected which channel, and the keys to it.

    features, return_to        what may be asked, and where a browser may be sent back to
    google_oauth               Google's OAuth endpoints, and what their answers mean
    front, pace                what the app's requests show, and how often they may come
    consent, learn, connect    from a click to a connection
    grants, health, lifetimes  what is stored, what becomes of it, and the deaths that Google announces
    accounts                   how many tokens each Google account has given, of which Google keeps a hundred
    refresh, tokens            access tokens that are fresh, refreshed by one at a time
    upkeep, rotation           what the scheduler does: no grant unrefreshed, no key version left behind
    disconnect, receipts       revoke, delete, prove it

The functions below are this process's own parts, built on first use.
"""

from __future__ import annotations

import json
import os
import random
import threading
import uuid
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from shared.access.google_oauth import GoogleOAuth, OAuthClient
from shared.clock import system_clock
from shared.cloud import firestore, pubsub, queues, secrets
from shared.settings import OAUTH_CLIENT_SECRET, VAULT_KEY_SECRET, settings
from shared.vault.keyring import Keyring
from shared.vault.vault import Vault

if TYPE_CHECKING:
    from shared.access.consent import Consents
    from shared.access.disconnect import Disconnects
    from shared.access.refresh import Refresher
    from shared.access.rotation import Rotation
    from shared.access.tokens import ChannelTokens, SharedTokens
    from shared.access.upkeep import Upkeep

QUEUE = "access"
ERASE = "erase"
"""The kind of message that asks `ingest` to delete the warehouse's rows of a disconnected channel."""

_CLIENT_TTL = timedelta(minutes=5)


@cache
def vault() -> Vault:
    """This process's vault."""
    return Vault(_vault_keys(), system_clock)


def _vault_keys() -> Keyring:
    return Keyring(secrets.client, settings().project, VAULT_KEY_SECRET)


@cache
def google() -> GoogleOAuth:
    """Google's OAuth, for this deployment's client."""
    return GoogleOAuth(settings(), _RegisteredClient(), system_clock)


@cache
def refresher() -> Refresher:
    """This process's way to access tokens."""
    from shared.access.refresh import Refresher  # noqa: PLC0415 - paid by those who call YouTube

    owner = f"{os.environ.get('K_REVISION', 'local')}/{uuid.uuid4().hex[:12]}"
    dice = random.Random()  # noqa: S311 - spreads waiting, guards nothing
    return Refresher(firestore.client(), vault(), google(), system_clock, owner=owner, dice=dice)


@cache
def consents() -> Consents:
    """This process's way to Google's consent page and back."""
    from shared.access.connect import Connector  # noqa: PLC0415 - paid by the functions that connect
    from shared.access.consent import Consents  # noqa: PLC0415
    from shared.access.learn import learner  # noqa: PLC0415
    from shared.access.pace import StartPace  # noqa: PLC0415

    client, dice = firestore.client(), random.Random()  # noqa: S311 - likewise
    return Consents(
        client=client,
        vault=vault(),
        google=google(),
        connector=Connector(client, vault(), settings(), system_clock, dice=dice),
        settings=settings(),
        clock=system_clock,
        pace=StartPace(client, system_clock, dice=dice),
        learn=learner(),
    )


@cache
def _shared_tokens() -> SharedTokens:
    from shared.access.tokens import SharedTokens  # noqa: PLC0415 - likewise

    return SharedTokens(refresher(), system_clock)


@cache
def disconnects() -> Disconnects:
    """This process's way to end connections."""
    from shared.access.disconnect import Disconnects  # noqa: PLC0415 - paid by those who disconnect

    return Disconnects(
        firestore.client(),
        vault(),
        google(),
        system_clock,
        erase_rows=_erase_rows,
        revoke_later=_revoke_later,
    )


@cache
def grant_upkeep() -> Upkeep:
    """What the scheduler has done for grants."""
    from shared.access.upkeep import Upkeep  # noqa: PLC0415 - paid by the scheduler's function

    testing = settings().oauth_publishing == "testing"
    return Upkeep(firestore.client(), refresher(), disconnects(), system_clock, testing)


@cache
def key_rotation() -> Rotation:
    """The vault key's rotation."""
    from shared.access.rotation import Rotation  # noqa: PLC0415 - likewise

    return Rotation(firestore.client(), vault(), _vault_keys(), system_clock)


def _erase_rows(receipt_id: str, channel_id: str) -> None:
    message = json.dumps({"channel_id": channel_id, "receipt": receipt_id}).encode()
    pubsub.publish(pubsub.INGEST_TOPIC, message, {"kind": ERASE})


def _revoke_later(receipt_id: str, _channel_id: str) -> None:
    queues.enqueue(QUEUE, f"revoke {receipt_id}", "refresh_tokens", {"revoke": receipt_id})


def token_source(channel_id: str) -> ChannelTokens:
    """The access token of one channel, fresh whenever it is asked for. Builds nothing until then."""
    from shared.access.tokens import ChannelTokens  # noqa: PLC0415 - likewise

    return ChannelTokens(channel_id, _shared_tokens)


class _RegisteredClient:
    """Our OAuth client, read from Secret Manager and kept for a few minutes, so that a new secret is noticed."""

    def __init__(self) -> None:
        self._keyring = Keyring(secrets.client, settings().project, OAUTH_CLIENT_SECRET)
        self._lock = threading.Lock()
        self._held: tuple[OAuthClient, datetime] | None = None

    def __call__(self) -> OAuthClient:
        with self._lock:
            now = system_clock()
            if self._held is None or self._held[1] <= now:
                self._held = OAuthClient.parse(self._keyring.newest()[1]), now + _CLIENT_TTL
            return self._held[0]
