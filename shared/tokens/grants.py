"""A grant as it is stored: `grants/<channel id>`, sealed tokens and everything about their life.

One grant is one channel, because Google's consent page lets the user pick one. Reading turns a document into a
frozen record; nothing else knows the field names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.data_map import GRANTS
from shared.tokens.health import CONNECTED, Health

COLLECTION = GRANTS.path
ACCESS_TOKEN = "access_token"  # noqa: S105 - names of sealed fields
REFRESH_TOKEN = "refresh_token"  # noqa: S105


def path(channel_id: str) -> str:
    """The record that a grant's tokens are bound to."""
    return f"{COLLECTION}/{channel_id}"


@dataclass(frozen=True)
class Lease:
    """Who may refresh a grant now. A write of an older generation is fenced off."""

    owner: str
    generation: int
    until: datetime


@dataclass(frozen=True)
class Grant:
    """One stored grant. `access_token` and `refresh_token` are sealed maps.

    number: which of its Google account's refresh tokens this one is, counted from 1.
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
    health: Health
    generation: int
    lease: Lease | None
    warnings: Mapping[str, datetime]


def read(channel_id: str, fields: Mapping[str, Any]) -> Grant:
    """A document's fields as a Grant."""
    lease = fields.get("lease")
    return Grant(
        channel_id=channel_id,
        user_id=fields["user_id"],
        google_account=fields.get("google_account"),
        access_token=fields[ACCESS_TOKEN],
        refresh_token=fields[REFRESH_TOKEN],
        number=fields["number"],
        access_expires_at=fields["access_expires_at"],
        refresh_issued_at=fields["refresh_issued_at"],
        refresh_expires_at=fields.get("refresh_expires_at"),
        refreshed_at=fields["refreshed_at"],
        granted_scopes=frozenset(fields["granted_scopes"]),
        requested_scopes=frozenset(fields["requested_scopes"]),
        health=Health(
            state=fields.get("state", CONNECTED),
            reason=fields.get("state_reason", ""),
            failures=fields.get("failures", 0),
            cooldown_until=fields.get("cooldown_until"),
        ),
        generation=fields["generation"],
        lease=Lease(lease["owner"], lease["generation"], lease["until"]) if lease else None,
        warnings=fields.get("warnings", {}),
    )


def lease_fields(owner: str, generation: int, now: datetime, length: timedelta) -> dict[str, Any]:
    """The fields that say: `owner` refreshes this grant until then."""
    return {
        "generation": generation,
        "lease": {"owner": owner, "generation": generation, "until": now + length},
    }


def health_fields(health: Health) -> dict[str, Any]:
    """A grant's health as it is stored."""
    return {
        "state": health.state,
        "state_reason": health.reason,
        "failures": health.failures,
        "cooldown_until": health.cooldown_until,
    }
