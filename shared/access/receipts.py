"""What a disconnect did, step by step: `receipts/<id>`, kept for a little over a year.

A receipt says when something was deleted and how much, never what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared import data_map
from shared.clock import Clock, to_the_second
from shared.cloud.calls import call_options
from shared.cloud.firestore import PAGE, Client, listing, update, where
from shared.cloud.steps import PRESENT, Change, Docs, Write
from shared.errors import NotFound
from shared.monitoring.readable import readable
from shared.records import Mapper

PENDING = "pending"
REVOKED = "revoked"
ALREADY_REVOKED = "alreadyRevoked"
KEPT = "keptForOtherChannels"
UNREADABLE = "tokenUnreadable"  # nobody can use it


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """receipt_id: the id of the connection that ended.

    steps: name -> {"at", "count"}; count is None while somebody else still works on it, and "found" is then what
    was there to delete. by: who asked, the user or the scheduler. revocation: one of the words above.
    """

    receipt_id: str
    channel_id: str
    user_id: str
    by: str
    requested_at: datetime
    finished_at: datetime | None = None
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    revocation: str = PENDING
    expires_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "receipt": self.receipt_id,
            "channel_id": self.channel_id,
            "requested_at": to_the_second(self.requested_at),
            "finished_at": to_the_second(self.finished_at),
            "deleted": {name: step["count"] for name, step in self.steps.items()},
            "google": self.revocation,
        }


RECEIPTS = Mapper(Receipt, data_map.RECEIPTS.path, key="receipt_id")
path = RECEIPTS.path
"""A receipt's document."""


def counted(receipt_id: str, step: str, count: int, now: datetime) -> Write:
    """What notes deletions, in the commit that makes them, so that neither happens without the other."""
    return Write(path(receipt_id), {f"steps.{step}.at": now}, add={f"steps.{step}.count": count}, only_if=PRESENT)


@dataclass(frozen=True)
class Receipts:
    """The stored receipts."""

    client: Client
    clock: Clock

    def get(self, receipt_id: str) -> Receipt:
        """One receipt. Raises NotFound."""
        fields = self.client.document(path(receipt_id)).get(**call_options()).to_dict()
        if fields is None:
            raise NotFound("There is no such receipt.")
        return RECEIPTS.read(receipt_id, fields)

    def newest(self, channel_id: str, user_id: str) -> Receipt:
        """The last time that this user disconnected this channel. Raises NotFound."""
        query = where(self.client.collection(RECEIPTS.collection), ("channel_id", "==", channel_id))
        found = (RECEIPTS.read(each.id, each.to_dict()) for each in listing(query))
        own = [receipt for receipt in found if receipt.user_id == user_id]
        if not own:
            raise NotFound("You have not connected this channel.", reason="notConnected")
        return max(own, key=lambda receipt: receipt.requested_at)

    def unconfirmed(self, step: str, *, page: int = PAGE) -> Iterator[Receipt]:
        """Those of which a step was begun and has not been counted. What cannot be read is left out.

        page: how many are read at a time, by somebody who will not read them all.
        """
        open_ones = where(self.client.collection(RECEIPTS.collection), (f"steps.{step}.count", "==", None))
        return readable(RECEIPTS, listing(open_ones, page=page))

    def begin(self, receipt_id: str, step: str) -> None:
        """Note that somebody else has been asked for a step, unless that is noted. Raises NotFound."""
        self._note(receipt_id, step, lambda entry: {} if entry else {"count": None})

    def found(self, receipt_id: str, step: str, count: int) -> None:
        """Note what is about to be deleted, which a run that dies in between could not count again."""
        self._note(receipt_id, step, lambda entry: {"found": max(count, entry.get("found", 0))})

    def confirm(self, receipt_id: str, step: str) -> None:
        """Note that everything that was found has been deleted."""
        self._note(receipt_id, step, lambda entry: {"count": entry.get("found", 0)})

    def _note(self, receipt_id: str, step: str, decide: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        """Change what is said of a step, as decided from what was said. Raises NotFound."""
        at = path(receipt_id)

        def noted(docs: Docs) -> Change[None]:
            found = docs[at]
            if found is None:
                raise NotFound("There is no such receipt.")
            changed = decide(found.data.get("steps", {}).get(step, {}))
            fields = {f"steps.{step}.{name}": value for name, value in changed.items()}
            return Change(None, [Write(at, {f"steps.{step}.at": self.clock(), **fields})] if fields else ())

        update(self.client, [at], noted)
