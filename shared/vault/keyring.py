"""The vault key's versions, as Secret Manager keeps them.

Errors are translated here: a Secret Manager that does not answer is Unavailable (ask again), a version that is
disabled, destroyed or forbidden is Misconfigured (an operator has to act).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.cloud.calls import TIMEOUT, call_options
from shared.errors import CorruptData, Misconfigured, Unavailable

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

_NEW_KEY_BYTES = 32


@dataclass(frozen=True)
class KeyVersion:
    """One enabled version and when it was added."""

    number: int
    created_at: datetime


class Keyring:
    """One secret of one project. client: asked for on first use, so that nothing is built at import."""

    def __init__(self, client: Callable[[], SecretManagerServiceClient], project: str, secret: str) -> None:
        self._client = client
        self._secret = f"projects/{project}/secrets/{secret}"

    def newest(self) -> tuple[int, bytes]:
        """Number and payload of the newest version. Raises Misconfigured when that one is disabled."""
        return self._access("latest")

    def version(self, number: int) -> bytes:
        """The payload of one version. Raises Misconfigured when it is disabled or destroyed."""
        return self._access(str(number))[1]

    def enabled(self) -> list[KeyVersion]:
        """The enabled versions, oldest first."""
        with _translated(self._secret):
            listed = self._client().list_secret_versions(parent=self._secret, timeout=TIMEOUT)
            found = [
                KeyVersion(_number(item.name), datetime.fromtimestamp(item.create_time.timestamp(), UTC))
                for item in listed
                if item.state.name == "ENABLED"
            ]
        return sorted(found, key=lambda version: version.number)

    def add(self) -> int:
        """Add a version with a fresh key; answers its number."""
        with _translated(self._secret):
            asked = {"parent": self._secret, "payload": {"data": os.urandom(_NEW_KEY_BYTES)}}
            added = self._client().add_secret_version(request=asked, timeout=TIMEOUT)
        return _number(added.name)

    def disable(self, number: int) -> None:
        """Disable a version. It stays restorable until somebody destroys it."""
        with _translated(self._secret):
            self._client().disable_secret_version(name=f"{self._secret}/versions/{number}", timeout=TIMEOUT)

    def _access(self, version: str) -> tuple[int, bytes]:
        with _translated(self._secret):
            name = f"{self._secret}/versions/{version}"
            answer = self._client().access_secret_version(name=name, **call_options())
        return _number(answer.name), bytes(answer.payload.data)


@contextmanager
def _translated(secret: str) -> Iterator[None]:
    from google.api_core import exceptions

    name = secret.rsplit("/", 1)[-1]
    try:
        yield
    except exceptions.NotFound as error:
        raise Misconfigured(f"The secret {name} has no such version.", reason="secretMissing") from error
    except (exceptions.ServerError, exceptions.TooManyRequests, exceptions.RetryError) as error:
        raise Unavailable("Secret Manager does not answer.", reason="secretsUnavailable") from error
    except exceptions.GoogleAPICallError as error:  # disabled, destroyed, forbidden
        raise Misconfigured(f"The secret {name} cannot be used.", reason="secretUnusable") from error


def _number(name: str) -> int:
    match = re.search(r"/versions/(\d+)$", name)
    if match is None:
        raise CorruptData("Secret Manager answered a version without a number.")
    return int(match.group(1))
