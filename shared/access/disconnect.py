"""Ending a connection: work stops, tokens and data go, Google is told, and a receipt says what was done.

The order is the promise. First the connection is marked, which stops every refresh and all new work; then what we
hold is deleted, step by step, each noted on the receipt; then Google is asked to revoke; last the channel itself
goes. A run that stopped anywhere is simply run again, and two at once do no harm: a deletion is committed only
while this very connection is still being ended, so what its owner connects anew meanwhile is safe.
Google failing delays nothing: the token waits, sealed, in `revocations` until Google has answered.

A revocation ends everything that the Google account gave this project, so it is asked for with the account's last
channel only; for the others the deleted token is the end.
Sources: developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke; RFC 7009.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import channels, data_map
from shared.access import receipts
from shared.access.receipts import Receipt, Receipts
from shared.clock import Clock
from shared.cloud.firestore import committed, patience, put, unchanged
from shared.data_map import Collection
from shared.errors import Conflict, CorruptData, NotFound, YtempireError
from shared.monitoring.log import log
from shared.tokens import accounts, grants, health
from shared.tokens.google_oauth import GoogleOAuth
from shared.vault.secret import Secret
from shared.vault.vault import Vault

if TYPE_CHECKING:
    from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot, WriteBatch

REVOCATIONS = data_map.REVOCATIONS.path
TOKEN = "token"  # noqa: S105 - a sealed field's name
WAREHOUSE = "warehouse"
ERASE = "erase"
"""The kind of message that asks `ingest` to delete the warehouse's rows of a disconnected channel."""
_PAGE = 200
_ATTEMPTS = 8


Handover = Callable[[str, str], None]
"""Given a receipt and a channel, durably asks for something to be done: rows deleted, Google asked again."""


@dataclass(frozen=True)
class Disconnects:
    """Ends connections.

    erase_rows: asks for the warehouse's rows to go. revoke_later: asks for another try at Google.
    """

    client: Client
    vault: Vault
    google: GoogleOAuth
    clock: Clock
    erase_rows: Handover
    revoke_later: Handover

    @property
    def receipts(self) -> Receipts:
        """What was done before."""
        return Receipts(self.client, self.clock)

    def disconnect(self, channel_id: str, user_id: str) -> Receipt:
        """End a user's connection; asked again, the same receipt.

        Raises NotFound for a channel that this user has not connected.
        """
        fields = self._channel(channel_id).to_dict()
        if fields is None or fields["user_id"] != user_id:
            return self.receipts.newest(channel_id, user_id)
        return self.end(channel_id, by="user")

    def end(self, channel_id: str, *, by: str = "lost", as_of: datetime | None = None) -> Receipt:
        """End a connection whoever owns it, or go on with an end that stopped half-way.

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

    def _delete_all(self, channel_id: str, receipt_id: str) -> None:
        self._set_token_aside(channel_id, receipt_id)
        for kind in data_map.erased():
            self._erase(kind, channel_id, receipt_id)
        self.receipts.note(receipt_id, WAREHOUSE, None)  # before the request: its answer may come at once
        self.erase_rows(receipt_id, channel_id)
        self._revoke_now_or_later(receipt_id, channel_id)
        self._forget_channel(channel_id, receipt_id)

    def revoke(self, receipt_id: str) -> str:
        """Ask Google to revoke what a disconnect set aside; answers the receipt's word.

        An account that has connected a channel again since then is left alone. Raises Unavailable when Google does
        not answer; ask again later.
        """
        reference = self.client.document(REVOCATIONS, receipt_id)
        fields = reference.get(**patience()).to_dict()
        if fields is None:
            return self.receipts.get(receipt_id).revocation
        word = receipts.KEPT if self._others(fields) else self._ask_google(receipt_id, fields)
        batch = self.client.batch()
        batch.update(self.receipts.reference(receipt_id), {"revocation": word})
        batch.delete(reference)
        if word in {receipts.REVOKED, receipts.ALREADY_REVOKED}:
            batch.delete(accounts.reference(self.client, fields["google_account"], fields["user_id"]))
        batch.commit(**patience())
        return word

    def _ask_google(self, receipt_id: str, fields: Mapping[str, Any]) -> str:
        try:
            token = self.vault.open(fields[TOKEN], record=f"{REVOCATIONS}/{receipt_id}", field=TOKEN)
        except CorruptData:
            return receipts.UNREADABLE
        return receipts.REVOKED if self.google.revoke(Secret(token.decode())) else receipts.ALREADY_REVOKED

    def _mark(self, channel_id: str, by: str, as_of: datetime | None = None) -> str:
        """Stop all work of a channel and open a receipt, in one commit."""
        for _ in range(_ATTEMPTS):
            snapshot = self._channel(channel_id)
            fields = snapshot.to_dict()
            if fields is None:
                raise NotFound("This channel is not connected.", reason="notConnected")
            if as_of is not None and fields["state_since"] > as_of:
                raise Conflict("This connection has changed meanwhile.", reason="changedMeanwhile")
            receipt_id = receipts.name_of(channel_id, fields["connected_at"])
            if fields["state"] == health.DISCONNECTING:
                return receipt_id
            if self._marked(snapshot, fields["user_id"], receipt_id, by):
                return receipt_id
        raise Conflict("Something else happens to this channel. Try again.", reason="contended")

    def _marked(self, snapshot: DocumentSnapshot[Any], user_id: str, receipt_id: str, by: str) -> bool:
        from google.cloud.firestore import Increment  # noqa: PLC0415 - paid by those who disconnect

        now = self.clock()
        state = {"state": health.DISCONNECTING, "state_reason": by, "state_since": now}
        batch = self.client.batch()
        put(batch, snapshot, state)
        grant = self.client.document(grants.COLLECTION, snapshot.id)
        if grant.get(**patience()).exists:
            # A newer generation fences off a refresh that is under way.
            batch.update(grant, {**state, "generation": Increment(1), "lease": None, "next_look": now})
        batch.set(self.receipts.reference(receipt_id), receipts.opening(snapshot.id, user_id, by, now))
        return committed(batch)

    def _set_token_aside(self, channel_id: str, receipt_id: str) -> None:
        """Keep the refresh token for the revocation, if this is the last channel of its Google account."""
        fields = self.client.document(grants.COLLECTION, channel_id).get(**patience()).to_dict()
        if fields is None or fields["state"] != health.DISCONNECTING:
            return  # a run came this far before; where somebody has connected again since, that grant is theirs
        if self._others(fields):
            self.receipts.note_revocation(receipt_id, receipts.KEPT)
            return
        try:
            token = self.vault.open(
                fields[grants.REFRESH_TOKEN], record=grants.path(channel_id), field=grants.REFRESH_TOKEN
            )
        except CorruptData:
            self.receipts.note_revocation(receipt_id, receipts.UNREADABLE)
            return
        set_aside = {
            TOKEN: self.vault.seal(token, record=f"{REVOCATIONS}/{receipt_id}", field=TOKEN),
            "user_id": fields["user_id"],
            "google_account": fields.get("google_account"),
            "set_aside_at": self.clock(),
        }
        self.client.document(REVOCATIONS, receipt_id).set(set_aside, **patience())

    def _others(self, holder: Mapping[str, Any]) -> bool:
        """Whether a connected channel lives on the same permission of the same Google account.

        A channel of the same user whose account is unknown may be on the same one.
        """
        account = holder.get("google_account")
        mine = self._grants_of("user_id", holder["user_id"])
        same = [grant for grant in mine if account is None or grant.get("google_account") in {None, account}]
        same += self._grants_of("google_account", account) if account is not None else []
        return any(grant["state"] != health.DISCONNECTING for grant in same)

    def _grants_of(self, field: str, value: str) -> list[dict[str, Any]]:
        from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415

        found = self.client.collection(grants.COLLECTION).where(filter=FieldFilter(field, "==", value))
        return [each.to_dict() or {} for each in found.select(["state", "google_account"]).stream(**patience())]

    def _erase(self, kind: Collection, channel_id: str, receipt_id: str) -> None:
        """Delete one kind of a channel's data; each page and its number of documents on the receipt at once."""
        still_there = self.client.write_option(exists=True)  # or two runs at once would both count it
        done = False
        while not done:
            page = self._stored(kind, channel_id)
            batch = self.client.batch()
            for reference in page:
                batch.delete(reference, option=still_there)
            self.receipts.add(batch, receipt_id, kind.erased_as, len(page))
            done = self._committed_while_ending(batch, channel_id, receipt_id) and len(page) < _PAGE

    def _stored(self, kind: Collection, channel_id: str) -> list[DocumentReference]:
        from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415

        collection = self.client.collection(kind.path)
        if kind.channel == data_map.ID:
            found = collection.document(channel_id).get([], **patience())
            return [found.reference] if found.exists else []
        matching = collection.where(filter=FieldFilter(kind.channel, "==", channel_id)).select([]).limit(_PAGE)
        return [each.reference for each in matching.stream(**patience())]

    def _committed_while_ending(self, batch: WriteBatch, channel_id: str, receipt_id: str) -> bool:
        """Commit, if this end of this connection is still under way in that very moment; False to look again.

        Raises _EndedElsewhere when another run has ended it: whatever stands there now is a new connection's.
        """
        put(batch, self._ending(channel_id, receipt_id), {"state": health.DISCONNECTING})
        return committed(batch)

    def _ending(self, channel_id: str, receipt_id: str) -> DocumentSnapshot[Any]:
        channel = self._channel(channel_id)
        fields = channel.to_dict()
        if (
            fields is None
            or fields["state"] != health.DISCONNECTING
            or receipts.name_of(channel_id, fields["connected_at"]) != receipt_id
        ):
            raise _EndedElsewhere
        return channel

    def _revoke_now_or_later(self, receipt_id: str, channel_id: str) -> None:
        try:
            self.revoke(receipt_id)
        except YtempireError as error:
            log("WARNING", "Google did not revoke yet", channel=channel_id, reason=error.reason)
            self.revoke_later(receipt_id, channel_id)

    def _forget_channel(self, channel_id: str, receipt_id: str) -> None:
        """Remove the channel, its place among its user's, and with the last one the user's seat."""
        from google.cloud.firestore import ArrayRemove  # noqa: PLC0415

        for _ in range(_ATTEMPTS):
            channel = self._ending(channel_id, receipt_id)
            user_id = channel.get("user_id")
            user = self.client.document(data_map.USERS.path, user_id).get(**patience())
            batch = self.client.batch()
            batch.delete(channel.reference, option=unchanged(channel.update_time))
            if user.exists:
                put(batch, user, {"channels": ArrayRemove([channel_id])})
            if set((user.to_dict() or {}).get("channels", [])) <= {channel_id}:
                seats = self.client.document(data_map.ACCESS.path, "users")
                batch.set(seats, {"connected": ArrayRemove([user_id])}, merge=True)
            batch.update(self.receipts.reference(receipt_id), {"finished_at": self.clock()})
            if committed(batch):
                return
        raise Conflict("Something else happens to this channel. Try again.", reason="contended")

    def _channel(self, channel_id: str) -> DocumentSnapshot[Any]:
        found: DocumentSnapshot[Any] = self.client.document(channels.COLLECTION, channel_id).get(**patience())
        return found


class _EndedElsewhere(Exception):
    """What was to be ended has ended; a connection that stands there now is another one."""
