"""Cloud Storage, where videos wait to be uploaded."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.storage import Client


@cache
def client() -> Client:
    """This process's Cloud Storage client (honours STORAGE_EMULATOR_HOST, "http://host:port")."""
    from google.cloud import storage  # noqa: PLC0415 - paid by those who use it

    if not os.environ.get("STORAGE_EMULATOR_HOST"):
        return storage.Client(project=settings().project)
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415

    return storage.Client(project=settings().project, credentials=AnonymousCredentials())
