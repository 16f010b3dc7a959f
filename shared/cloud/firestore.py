"""Firestore, where state lives."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.firestore import Client


@cache
def client() -> Client:
    """This process's Firestore client (honours FIRESTORE_EMULATOR_HOST)."""
    from google.cloud import firestore  # noqa: PLC0415 - paid by those who use it

    return firestore.Client(project=settings().project)
