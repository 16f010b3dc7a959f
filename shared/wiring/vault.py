"""Builds the vault over Secret Manager's key."""

from __future__ import annotations

from functools import cache

from shared.clock import system_clock
from shared.cloud import secrets
from shared.settings import VAULT_KEY_SECRET, settings
from shared.vault.keyring import Keyring
from shared.vault.vault import Vault


@cache
def vault() -> Vault:
    return Vault(vault_keys(), system_clock)


def vault_keys() -> Keyring:
    return Keyring(secrets.client, settings().project, VAULT_KEY_SECRET)
