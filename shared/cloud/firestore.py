"""Firestore, where state lives, and the way in which it is changed: look, decide, write if nothing has changed.

Firestore's own transactions lock what they read; this is the same promise without locks, and those who meet look
again. One round:

    seen = reference.get(**patience())
    batch = client.batch()
    put(batch, seen, decide(seen.to_dict()))
    if not committed(batch):
        ...                     # somebody was faster: look again, decide anew, and end after some rounds
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.settings import settings

if TYPE_CHECKING:
    from datetime import datetime

    from google.cloud.firestore import Client, DocumentSnapshot, WriteBatch


@cache
def client() -> Client:
    """This process's Firestore client (honours FIRESTORE_EMULATOR_HOST)."""
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


def unchanged(update_time: datetime) -> Any:
    """The `option` of a write that happens only while its document is as it was at that update."""
    from google.cloud.firestore import Client  # noqa: PLC0415 - Firestore is loaded by then

    return Client.write_option(last_update_time=update_time)


def put(batch: WriteBatch, seen: DocumentSnapshot[Any], fields: Mapping[str, Any]) -> None:
    """Write fields of a document as it was seen: change it if it is unchanged, create it if it is still absent."""
    if seen.exists:
        batch.update(seen.reference, dict(fields), option=unchanged(seen.update_time))
    else:
        batch.create(seen.reference, dict(fields))


def committed(batch: WriteBatch) -> bool:
    """Do all of a batch's writes at once, or none and answer False when one condition no longer holds.

    False is also what a writer hears whose writes were done and whose answer got lost, because `patience` sends
    them again and they meet themselves. So who looks again must know his own writes, or lose nothing by repeating.
    Raises what `patience` says when Firestore does not answer; the writes may be done or not.
    """
    from google.api_core import exceptions  # noqa: PLC0415 - Firestore has imported it already

    try:
        batch.commit(**patience())
    except (exceptions.FailedPrecondition, exceptions.NotFound, exceptions.Conflict):
        return False  # Conflict: AlreadyExists and Aborted
    return True
