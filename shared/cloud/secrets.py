"""Secret Manager, where keys and client secrets live."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.cloud.calls import grpc_client

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient


@cache
def client() -> SecretManagerServiceClient:
    """This process's Secret Manager client (honours SECRET_MANAGER_EMULATOR_HOST)."""
    from google.cloud import secretmanager_v1

    kind = secretmanager_v1.SecretManagerServiceClient
    found: SecretManagerServiceClient = grpc_client(kind, "SECRET_MANAGER_EMULATOR_HOST")
    return found
