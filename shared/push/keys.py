"""Addresses and secrets of subscriptions, derived from one key: a notification is judged without a look-up.

The key is a secret of Secret Manager that Cloud Run puts into the environment. While it changes it holds the new
one in front of the old one, separated by a comma: the first is what the hub is asked with, all are believed.
Source: RFC 5869, 3.2 (one derived secret for each purpose and subject); HMAC-SHA256 as the derivation.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from shared.errors import Misconfigured, NotFound
from shared.settings import HUB_KEY_SECRET

VARIABLE = HUB_KEY_SECRET.upper().replace("-", "_")
"""The environment variable that holds it, in base64."""
_BYTES = 32
_MOST = 3  # each costs a forged request some microseconds


class NotSubscribed(NotFound):
    """An address that we have given to nobody; whoever guesses many is in Cloud Run's request log."""

    logged = False

    def __init__(self) -> None:
        super().__init__("There is no such subscription.")


@dataclass(frozen=True)
class HubKeys:
    """The keys, the newest first."""

    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def version(self) -> str:
        """Another one when the newest key is another; no secret."""
        return _derived(self.keys[0], "version", "").hex()[:12]

    def token(self, channel_id: str) -> str:
        """What makes a channel's callback address unguessable, from the newest key."""
        return _token(self.keys[0], channel_id)

    def secret(self, channel_id: str) -> str:
        """What the hub is to sign a channel's notifications with, from the newest key."""
        return _secret(self.keys[0], channel_id)

    def secrets(self, channel_id: str, token: str) -> list[bytes]:
        """All that may have signed what arrives at an address. Raises NotSubscribed for one that is not ours."""
        given = token.encode()
        # Each is compared, in constant time.
        ours = [hmac.compare_digest(_token(key, channel_id).encode(), given) for key in self.keys]
        if not any(ours):
            raise NotSubscribed
        return [_secret(key, channel_id).encode() for key in self.keys]


def from_environment(environ: Mapping[str, str] = os.environ) -> HubKeys:
    """This deployment's keys. Raises Misconfigured."""
    try:
        keys = tuple(base64.b64decode(each.strip(), validate=True) for each in environ[VARIABLE].split(","))
    except (KeyError, binascii.Error) as error:
        words = f"The secret {HUB_KEY_SECRET} is missing or no base64."
        raise Misconfigured(words, reason="secretUnusable") from error
    if len(keys) > _MOST or any(len(key) < _BYTES for key in keys):
        message = f"The secret {HUB_KEY_SECRET} must be up to {_MOST} keys of at least {_BYTES} bytes."
        raise Misconfigured(message, reason="secretUnusable")
    return HubKeys(keys)


@lru_cache(maxsize=1_024)  # some 200 bytes each; every request needs the same two of its channel
def _token(key: bytes, channel_id: str) -> str:
    return base64.urlsafe_b64encode(_derived(key, "address", channel_id)).decode().rstrip("=")


@lru_cache(maxsize=1_024)
def _secret(key: bytes, channel_id: str) -> str:
    return _derived(key, "secret", channel_id).hex()


def _derived(key: bytes, purpose: str, channel_id: str) -> bytes:
    return hmac.digest(key, f"{purpose} {channel_id}".encode(), "sha256")
