"""What a disconnect did, step by step: `receipts/<id>`, kept for a little over a year.

A receipt says when something was deleted and how much, never what it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.cloud.firestore import patience
from shared.data_map import RECEIPTS
from shared.errors import NotFound

if TYPE_CHECKING:
    from google.cloud.firestore import Client, DocumentReference, WriteBatch

COLLECTION = RECEIPTS.path

PENDING = "pending"
REVOKED = "revoked"
ALREADY_REVOKED = "alreadyRevoked"
KEPT = "keptForOtherChannels"
UNREADABLE = "tokenUnreadable"


@dataclass(frozen=True)
class Receipt:
    """steps: name -> {"at", "count"}; count is None while somebody else still works on it.

    revocation: pending, revoked, alreadyRevoked, keptForOtherChannels, tokenUnreadable (nobody can use it then).
    """

    receipt_id: str
    channel_id: str
    user_id: str
    requested_at: datetime
    finished_at: datetime | None
    steps: Mapping[str, Mapping[str, Any]]
    revocation: str

    def as_json(self) -> dict[str, Any]:
        """For the app."""
        finished = self.finished_at
        return {
            "receipt": self.receipt_id,
            "channel_id": self.channel_id,
            "requested_at": self.requested_at.isoformat(timespec="seconds"),
            "finished_at": finished.isoformat(timespec="seconds") if finished else None,
            "deleted": {name: step["count"] for name, step in self.steps.items()},
            "google": self.revocation,
        }


def name_of(channel_id: str, connected_at: datetime) -> str:
    """A receipt's id: the same for the same connection, so that two requests share one."""
    return hashlib.sha256(f"{channel_id}@{connected_at.isoformat()}".encode()).hexdigest()[:24]


def opening(channel_id: str, user_id: str, by: str, now: datetime) -> dict[str, Any]:
    """The fields of a receipt on which nothing is noted yet."""
    return {
        "channel_id": channel_id,
        "user_id": user_id,
        "by": by,
        "requested_at": now,
        "finished_at": None,
        "steps": {},
        "revocation": PENDING,
        "expires_at": RECEIPTS.expiry(now),
    }


@dataclass(frozen=True)
class Receipts:
    """The stored receipts."""

    client: Client
    clock: Clock

    def reference(self, receipt_id: str) -> DocumentReference:
        """A receipt's document."""
        found: DocumentReference = self.client.document(COLLECTION, receipt_id)
        return found

    def get(self, receipt_id: str) -> Receipt:
        """One receipt. Raises NotFound."""
        fields = self.reference(receipt_id).get(**patience()).to_dict()
        if fields is None:
            raise NotFound("There is no such receipt.")
        return _read(receipt_id, fields)

    def newest(self, channel_id: str, user_id: str) -> Receipt:
        """The last time that this user disconnected this channel. Raises NotFound."""
        from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415 - Firestore is loaded

        query = self.client.collection(COLLECTION).where(filter=FieldFilter("channel_id", "==", channel_id))
        found = [_read(each.id, each.to_dict() or {}) for each in query.stream(**patience())]
        own = [receipt for receipt in found if receipt.user_id == user_id]
        if not own:
            raise NotFound("You have not connected this channel.", reason="notConnected")
        return max(own, key=lambda receipt: receipt.requested_at)

    def add(self, batch: WriteBatch, receipt_id: str, step: str, count: int) -> None:
        """Have a batch note what it deletes, so that neither happens without the other."""
        from google.cloud.firestore import Increment  # noqa: PLC0415 - likewise

        done = {f"steps.{step}.at": self.clock(), f"steps.{step}.count": Increment(count)}
        batch.update(self.reference(receipt_id), done)

    def note(self, receipt_id: str, step: str, count: int | None) -> None:
        """Note a step; what a run before has counted stays."""
        steps = self.get(receipt_id).steps
        if not steps.get(step, {}).get("count"):
            entry = {"at": self.clock(), "count": count}
            self.reference(receipt_id).update({f"steps.{step}": entry}, **patience())

    def note_revocation(self, receipt_id: str, word: str) -> None:
        """Note how Google answered, or why it is not asked."""
        self.reference(receipt_id).update({"revocation": word}, **patience())


def _read(receipt_id: str, fields: Mapping[str, Any]) -> Receipt:
    return Receipt(
        receipt_id=receipt_id,
        channel_id=fields["channel_id"],
        user_id=fields["user_id"],
        requested_at=fields["requested_at"],
        finished_at=fields["finished_at"],
        steps=fields["steps"],
        revocation=fields["revocation"],
    )
