"""Secrets and their versions, as Secret Manager keeps them: numbered, in three states, never renumbered.

Payloads live here and leave only through `access`; nothing in this module prints them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import google_crc32c

from infra.local.cloud_emulator.refusal import invalid, not_found, precondition

LARGEST_PAYLOAD = 64 * 1024
LATEST = "latest"


class State(IntEnum):
    """A version's state, numbered as in the protocol."""

    ENABLED = 1
    DISABLED = 2
    DESTROYED = 3


@dataclass(kw_only=True)
class Version:
    """One version. `data` is gone once destroyed."""

    number: int
    created_at: float
    data: bytes = field(repr=False)
    checksum: int
    checksum_given: bool
    state: State = State.ENABLED
    destroyed_at: float | None = None
    revision: int = 1

    def move(self, state: State, now: float) -> None:
        """Enable, disable or destroy. A destroyed version refuses everything with FAILED_PRECONDITION."""
        if self.state == State.DESTROYED:
            raise precondition("The secret version is in the DESTROYED state and cannot leave it.")
        if state == State.DESTROYED:
            self.data, self.destroyed_at = b"", now
        self.state = state
        self.revision += 1


@dataclass(kw_only=True)
class Secret:
    """One secret. settings: the protocol's fields that are kept and given back as they came."""

    name: str
    serial: int
    created_at: float
    settings: Any
    versions: list[Version] = field(default_factory=list)
    accesses: Counter[int] = field(default_factory=Counter)
    revision: int = 1

    def add(self, data: bytes, checksum: int | None, now: float) -> Version:
        """A new enabled version. Refuses empty and large payloads, and a checksum that does not fit."""
        if not data:
            raise invalid("SecretPayload.data must not be empty.")
        if len(data) > LARGEST_PAYLOAD:
            raise invalid(f"SecretPayload.data is larger than {LARGEST_PAYLOAD} bytes.")
        actual = int(google_crc32c.value(data))
        if checksum is not None and checksum != actual:
            raise invalid("SecretPayload.data_crc32c does not match the checksum of the received data.")
        version = Version(
            number=len(self.versions) + 1,
            created_at=now,
            data=data,
            checksum=actual,
            checksum_given=checksum is not None,
        )
        self.versions.append(version)
        return version

    def version(self, text: str, aliases: Mapping[str, int]) -> Version:
        """A version by number, alias or `latest` (the newest, whatever its state). Refuses with NOT_FOUND."""
        if text == LATEST:
            number = len(self.versions)
        elif text.isdecimal():
            number = int(text)
        else:
            number = aliases.get(text, 0)
        if not 1 <= number <= len(self.versions):
            raise not_found(f"Secret Version [{self.name}/versions/{text}] not found.")
        return self.versions[number - 1]

    def access(self, version: Version) -> bytes:
        """The payload, counted. Refuses a version that is not enabled with FAILED_PRECONDITION."""
        if version.state != State.ENABLED:
            raise precondition(
                f"Secret Version [{self.name}/versions/{version.number}] is in {version.state.name} state."
            )
        self.accesses[version.number] += 1
        return version.data
