"""The vault's key is rotated while everything goes on; at the end nothing uses the old version."""

from __future__ import annotations

from typing import Any

from infra.local import loopback
from infra.local.demo import control
from infra.local.stack import Stack
from shared.settings import VAULT_KEY_SECRET


def rotate(stack: Stack) -> dict[str, Any]:
    """What an operator's command does: add a version, and begin to seal everything anew.

    Secret Manager tells its topic of each new version, which is no notice to rotate.
    """
    told: dict[str, Any] = control.call(stack, "refresh_tokens", "scheduler", rotate=True)
    control.publish(stack, "vault-rotation", attributes={"eventType": "SECRET_VERSION_ADD"})
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
