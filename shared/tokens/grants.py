"""A grant as it is stored: `grants/<channel id>`, sealed tokens and everything about their life.

One grant is one channel, because Google's consent page lets the user pick one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared import data_map
from shared.records import Mapper
from shared.tokens.health import CONNECTED, Health

ACCESS_TOKEN = "access_token"  # noqa: S105 - names of sealed fields
REFRESH_TOKEN = "refresh_token"  # noqa: S105


@dataclass(frozen=True)
class Lease:
    """Who may refresh a grant now. A write of an older generation is fenced off."""

    owner: str
    generation: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One stored grant. `access_token` and `refresh_token` are sealed maps.

    number: which of its Google account's refresh tokens this one is, counted from 1. state to cooldown_until: its
    health. next_look: when the scheduler looks at it again.
    """

    channel_id: str
    user_id: str
    google_account: str | None
    access_token: Mapping[str, Any]
    refresh_token: Mapping[str, Any]
    number: int
    access_expires_at: datetime
    refresh_issued_at: datetime
    refresh_expires_at: datetime | None
    refreshed_at: datetime
    granted_scopes: frozenset[str]
    requested_scopes: frozenset[str]
    state: str = CONNECTED
    state_reason: str = ""
    failures: int = 0
    cooldown_until: datetime | None = None
    state_since: datetime
    next_look: datetime
    generation: int
    lease: Lease | None = None
    warnings: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def health(self) -> Health:
        """Its state, why, and how many refreshes in a row failed."""
        return Health(self.state, self.state_reason, self.failures, self.cooldown_until)


GRANTS = Mapper(Grant, data_map.GRANTS.path, key="channel_id")


def path(channel_id: str) -> str:
    """A grant's document, which is also the record that its tokens are bound to."""
    return f"{data_map.GRANTS.path}/{channel_id}"
