"""Our OAuth client: the id and the secret under which Google knows this deployment."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import Misconfigured
from shared.vault.keyring import Keyring
from shared.vault.secret import Secret

_TTL = timedelta(minutes=5)


@dataclass(frozen=True)
class OAuthClient:
    """Our registration at Google."""

    client_id: str
    client_secret: Secret

    @classmethod
    def parse(cls, payload: bytes) -> OAuthClient:
        """From the secret's JSON: {"client_id", "client_secret"}, or Google's download with "web" around it."""
        try:
            document = json.loads(payload)
            document = document.get("web", document)
            return cls(str(document["client_id"]), Secret(str(document["client_secret"])))
        except (ValueError, KeyError, TypeError, AttributeError):
            # From None: the original error would carry the payload.
            raise Misconfigured(
                'The OAuth client\'s secret is not JSON with "client_id" and "client_secret".',
                reason="oauthClientSecret",
            ) from None


class StoredClient:
    """Reads our OAuth client from Secret Manager, again every few minutes, so that a new secret is noticed."""

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[OAuthClient, datetime] | None = None

    def __call__(self) -> OAuthClient:
        """The client. Raises what the keyring raises, and Misconfigured for a secret that is no client."""
        with self._lock:
            now = self._clock()
            if self._held is None or self._held[1] <= now:
                self._held = OAuthClient.parse(self._keyring.newest()[1]), now + _TTL
            return self._held[0]
