"""The vault's key is rotated while everything goes on; at the end nothing uses the old version."""

from __future__ import annotations

from typing import Any

from infra.local import loopback
from infra.local.stack import Stack
from shared.settings import VAULT_KEY_SECRET

FUNCTION = "refresh_tokens"


def rotate(stack: Stack) -> dict[str, Any]:
    """What an operator's command does: add a version, and begin to seal everything anew."""
    answer = loopback.http().post(
        stack.url(FUNCTION),
        json={"rotate": True},
        headers={"Authorization": f"Bearer {stack.service_token('scheduler', FUNCTION)}"},
        timeout=300,
    )
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def leftovers(stack: Stack) -> list[str]:
    """What still speaks for the old version after the scheduled run; nothing, when the rotation is complete."""
    run = stack.trigger("refresh-tokens")
    problems = [] if run["status"] == 200 else [f"refresh-tokens answered {run['status']}: {run.get('body')}"]
    answer = loopback.http().get(f"{stack.tasks_control}/secrets", timeout=30)
    versions = next(
        secret["versions"]
        for secret in answer.raise_for_status().json()["secrets"]
        if VAULT_KEY_SECRET in secret["name"]
    )
    states = {version["version"]: version["state"] for version in versions}
    if states != {1: "DISABLED", 2: "ENABLED"}:
        problems.append(f"after the rotation the vault key's versions are {states}")
    return problems
