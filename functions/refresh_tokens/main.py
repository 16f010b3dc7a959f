"""Scheduler, hourly: no grant unrefreshed for a day, no key version left behind, no disconnect left half-done.

Cloud Tasks sends {"revoke": receipt} to ask Google again; an operator {"rotate": true} to rotate the vault key.
Secret Manager's rotation notice arrives as a Pub/Sub push and does the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import functions_framework
from flask import Request

from shared import entry, ids
from shared.clock import system_clock
from shared.fields import Fields
from shared.vault.rotation import rotation_notice
from shared.wiring.access import disconnects, grant_upkeep, key_rotation

_TIME = timedelta(seconds=480)  # of the 540 that the function may take; a third is the key rotation's


@functions_framework.http
@entry.answers_json
def refresh_tokens(request: Request) -> dict[str, Any]:
    """What was done, in numbers."""
    body = entry.json_body(request)
    until = system_clock() + _TIME
    if "message" in body:
        asked_at = rotation_notice(body)
        if asked_at is None:
            return {"ignored": True}
        key_rotation().add_version(asked_at=asked_at)
        return {"vault": key_rotation().run(until=until).as_json()}
    asked = Fields(body, "revoke", "rotate")
    if asked.only() == "revoke":
        return {"google": disconnects().revocations.ask(asked.id("revoke", ids.RECEIPT))}
    if asked.flag("rotate", default=False):
        key_rotation().add_version()
        return {"vault": key_rotation().run(until=until).as_json()}
    return entry.each_done(
        {
            "grants": lambda: grant_upkeep().run(until=until - _TIME / 3),
            "vault": lambda: key_rotation().run(until=until).as_json(),
        }
    )
