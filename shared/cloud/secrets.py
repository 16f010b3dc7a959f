"""Secret Manager, where keys and client secrets live."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient


@cache
def client() -> SecretManagerServiceClient:
    """This process's Secret Manager client (honours SECRET_MANAGER_EMULATOR_HOST)."""
    from google.cloud import secretmanager_v1

    host = os.environ.get("SECRET_MANAGER_EMULATOR_HOST")
    if not host:
        return secretmanager_v1.SecretManagerServiceClient()
    import grpc
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    transport = SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel(host))
    return secretmanager_v1.SecretManagerServiceClient(transport=transport)
