"""Ending a connection: work stops, tokens and data go, Google is told, and a receipt says what was done.

The order is the promise. First the connection is marked, which stops every refresh and all new work; then what we
hold is deleted, step by step, each noted on the receipt; then Google is asked to revoke; last the channel itself
goes. A run that stopped anywhere is simply run again, and two at once do no harm: a deletion is committed only
while this very connection is still being ended, so what its owner connects anew meanwhile is safe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared import channels, data_map
from shared.access import receipts, users
from shared.access.receipts import Receipt, Receipts
from shared.access.revocation import Revocations
from shared.channels import CHANNELS
from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, update, where
from shared.cloud.steps import PRESENT, Change, Doc, Docs, Write
from shared.data_map import Collection
from shared.errors import Conflict, YtempireError
from shared.monitoring.log import log
from shared.tokens import grants, health
from shared.tokens.grants import not_connected

WAREHOUSE = "warehouse"
ERASE = "erase"
"""The kind of message that asks `ingest` to delete the warehouse's rows of a connection that has ended."""
AUDIT = "auditErasure"
"""The kind of message that asks `ingest` for the rows that such a connection has in spite of it."""
_PAGE = 200

Dispatch = Callable[[str, str], None]
"""Given a receipt and a channel, durably asks for something to be done: rows deleted, Google asked again."""


@dataclass(frozen=True)
class Disconnects:
    """Ends connections.

    erase_rows: asks for the warehouse's rows to go. revoke_later: asks for another try at Google. forget_shared:
    takes a channel out of documents that it shares with others.
    """

    client: Client
    revocations: Revocations
    clock: Clock
    erase_rows: Dispatch
    revoke_later: Dispatch
    forget_shared: Dispatch

    @property
    def receipts(self) -> Receipts:
        """What was done before."""
        return Receipts(self.client, self.clock)

    def disconnect(self, channel_id: str, user_id: str) -> Receipt:
        """End a user's connection; asked again, the same receipt.

        Raises NotFound for a channel that this user has not connected.
        """
        fields = self.client.document(channels.path(channel_id)).get(**call_options()).to_dict()
        if fields is None or fields["user_id"] != user_id:
            return self.receipts.newest(channel_id, user_id)
        return self.end(channel_id, by="user")

    def end(self, channel_id: str, *, by: str = "lost", as_of: datetime | None = None) -> Receipt:
        """End a connection whoever owns it, or finish an end that stopped half-way.

        as_of: since when it is in the state for which it ends. Raises Conflict when that has changed meanwhile,
        NotFound for a channel that is not connected.
        """
        receipt_id = self._mark(channel_id, by, as_of)
        try:
            self._delete_all(channel_id, receipt_id)
        except _EndedElsewhere:
            log("NOTICE", "another run has disconnected this channel", channel=channel_id, receipt=receipt_id)
        else:
            log("NOTICE", "channel disconnected", channel=channel_id, receipt=receipt_id, by=by)
        return self.receipts.get(receipt_id)

    def _mark(self, channel_id: str, by: str, as_of: datetime | None = None) -> str:
        """Stop all work of a channel and open a receipt, in one commit."""
        path, grant_path = channels.path(channel_id), grants.path(channel_id)

        def marked(docs: Docs) -> Change[str]:
            found = docs[path]
            if found is None:
                raise not_connected()
            channel = CHANNELS.read(channel_id, found.data)
            if as_of is not None and channel.state_since > as_of:
                raise Conflict("This connection has changed meanwhile.", reason="changedMeanwhile")
            now = self.clock()
            receipt = Receipt(
                receipt_id=channels.connection_of(channel_id, channel.connected_at),
                channel_id=channel_id,
                user_id=channel.user_id,
                by=by,
                requested_at=now,
                expires_at=data_map.RECEIPTS.expiry(now),
            )
            if channel.state == health.DISCONNECTING:
                return Change(receipt.receipt_id)
            writes = _marks(channel_id, docs[grant_path], by, now)
            opened = Write(receipts.path(receipt.receipt_id), receipts.RECEIPTS.fields(receipt))
            return Change(receipt.receipt_id, [*writes, opened])

        return update(self.client, (path, grant_path), marked)

    def _delete_all(self, channel_id: str, receipt_id: str) -> None:
        self.revocations.set_aside(channel_id, receipt_id)
        # First: whoever still finds it there writes before what follows.
        self.forget_shared(receipt_id, channel_id)
        for kind in data_map.erased():
            while self._erase_page(kind, channel_id, receipt_id):
                pass  # this run or another has just deleted a page, so there is an end
        self.receipts.begin(receipt_id, WAREHOUSE)  # before the request: its answer may come at once
        self.erase_rows(receipt_id, channel_id)
        try:
            self.revocations.ask(receipt_id)
        except YtempireError as error:
            log("WARNING", "Google did not revoke yet", channel=channel_id, reason=error.reason)
            self.revoke_later(receipt_id, channel_id)
        self._forget_channel(channel_id, receipt_id)

    def _erase_page(self, kind: Collection, channel_id: str, receipt_id: str) -> bool:
        """Delete a page, with its number of documents on the receipt; whether there may be another."""
        path = channels.path(channel_id)
        # Seen before the page: while this version stands, no other run has deleted any of it.
        version = self.client.document(path).get([], **call_options()).update_time
        page = self._stored(kind, channel_id)
        writes = [
            Write(path, {"state": health.DISCONNECTING}),
            *(Write(each, delete=True) for each in page),
            receipts.counted(receipt_id, kind.erased_as, len(page), self.clock()),
        ]

        def erased(docs: Docs) -> Change[bool]:
            if _ending(channel_id, docs[path], receipt_id).version != version:
                return Change(True)
            return Change(len(page) == _PAGE, writes)

        return update(self.client, (path,), erased)

    def _stored(self, kind: Collection, channel_id: str) -> list[str]:
        """The documents of one kind that a channel has, a page at most."""
        collection = self.client.collection(kind.path)
        if kind.channel == data_map.ID:
            found = collection.document(channel_id).get([], **call_options())
            return [found.reference.path] if found.exists else []
        matching = where(collection, (kind.channel, "==", channel_id)).select([]).limit(_PAGE)
        return [each.reference.path for each in matching.stream(**call_options())]

    def _forget_channel(self, channel_id: str, receipt_id: str) -> None:
        """Delete the channel, take it from its user, and with the last one the user from those connected."""
        user_id = self.receipts.get(receipt_id).user_id
        path, user_path = channels.path(channel_id), users.path(user_id)

        def forgotten(docs: Docs) -> Change[None]:
            _ending(channel_id, docs[path], receipt_id)
            finished = Write(receipts.path(receipt_id), {"finished_at": self.clock()}, only_if=PRESENT)
            return Change(None, [*users.without(docs, user_id, channel_id), Write(path, delete=True), finished])

        update(self.client, (path, user_path, users.EVERYBODY), forgotten)


def _marks(channel_id: str, grant: Doc | None, by: str, now: datetime) -> list[Write]:
    """What marks a channel, and its grant if there is one, as being disconnected."""
    state = {"state": health.DISCONNECTING, "state_reason": by, "state_since": now}
    marks = [Write(channels.path(channel_id), state)]
    if grant is not None:
        # A newer generation fences off a refresh that is under way.
        before = grant.data.get("generation")
        generation = before + 1 if isinstance(before, int) else 1
        fenced = {**state, "generation": generation, "lease": None, "next_look": now}
        marks.append(Write(grants.path(channel_id), fenced))
    return marks


def _ending(channel_id: str, found: Doc | None, receipt_id: str) -> Doc:
    """The channel, if it is the receipt's connection that is being ended. Raises _EndedElsewhere."""
    if (
        found is None
        or found.data["state"] != health.DISCONNECTING
        or channels.connection_of(channel_id, found.data["connected_at"]) != receipt_id
    ):
        raise _EndedElsewhere
    return found


class _EndedElsewhere(Exception):
    """What was to be ended has ended; a connection that stands there now is another one."""
