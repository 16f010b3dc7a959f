"""Firestore, where state lives."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from shared.cloud.loading import swiftly
from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.firestore import Client


@cache
def client() -> Client:
    """This process's Firestore client (honours FIRESTORE_EMULATOR_HOST)."""
    with swiftly():
        from google.cloud import firestore  # noqa: PLC0415 - paid by those who use it

    return firestore.Client(project=settings().project)


@cache
def _patience() -> dict[str, Any]:
    from google.api_core import exceptions  # noqa: PLC0415 - Firestore has imported it already
    from google.api_core.retry import Retry, if_exception_type  # noqa: PLC0415

    retry = Retry(
        predicate=if_exception_type(exceptions.ServiceUnavailable), initial=0.1, maximum=1.0, timeout=5.0
    )
    return {"retry": retry, "timeout": 5.0}


def patience() -> dict[str, Any]:
    """`retry` and `timeout` for one call while somebody waits: `document.get(**patience())`.

    The library's own would wait for minutes, longer than a function lives. After some five seconds the call raises
    what `shared.entry` answers as 503.
    """
    return _patience()
