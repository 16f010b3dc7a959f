"""Builds the vault, and what reads Secret Manager's keys."""

from __future__ import annotations

from functools import cache

from shared.clock import system_clock
from shared.cloud.calls import secret_manager
from shared.settings import VAULT_KEY_SECRET, settings
from shared.vault.keyring import Keyring
from shared.vault.vault import Vault


@cache
def vault() -> Vault:
    return Vault(keyring(VAULT_KEY_SECRET), system_clock)


def keyring(secret: str) -> Keyring:
    """The versions of a secret of this project."""
    return Keyring(secret_manager, settings().project, secret)
