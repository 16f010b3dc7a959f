"""Asking Google to revoke what a disconnected channel's grant permitted.

A revocation ends everything that the Google account gave this project, so it is asked for with the account's last
channel only; for the others the deleted token is the end. Google failing delays nothing: the token waits, sealed,
in `revocations/<receipt id>` until Google has answered.
Sources: developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke; RFC 7009.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared import data_map
from shared.access import receipts
from shared.access.receipts import Receipts
from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, listing, where
from shared.errors import CorruptData, YtempireError
from shared.records import Mapper
from shared.tokens import accounts, grants, health
from shared.tokens.google_oauth import GoogleOAuth
from shared.vault.vault import Vault

COLLECTION = data_map.REVOCATIONS.path
TOKEN = "token"  # noqa: S105 - a sealed field's name


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """A refresh token that is still to be revoked, sealed, and whose it is."""

    receipt_id: str
    token: Mapping[str, Any]
    user_id: str
    google_account: str | None


REVOCATIONS = Mapper(Revocation, COLLECTION, key="receipt_id")


@dataclass(frozen=True)
class Revocations:
    """What is still to be revoked."""

    client: Client
    vault: Vault
    google: GoogleOAuth
    clock: Clock

    def set_aside(self, channel_id: str, receipt_id: str) -> None:
        """Keep the refresh token of a channel that is being disconnected, if no other needs its permission."""
        stored = self.client.document(grants.path(channel_id)).get(**call_options()).to_dict()
        if stored is None or stored["state"] != health.DISCONNECTING:
            return  # a run came this far before; where somebody has connected again since, that grant is theirs
        record, field, token, word = grants.path(channel_id), grants.REFRESH_TOKEN, None, receipts.KEPT
        try:
            grant = grants.GRANTS.read(channel_id, stored)
            if not self._still_needed(grant.user_id, grant.google_account):
                token = self.vault.open(grant.refresh_token, record=record, field=field)
        except CorruptData:  # it is deleted all the same
            word = receipts.UNREADABLE
        if token is None:
            self.client.document(receipts.path(receipt_id)).update({"revocation": word}, **call_options())
            return
        path = REVOCATIONS.path(receipt_id)
        kept = Revocation(
            receipt_id=receipt_id,
            token=self.vault.seal(token, record=path, field=TOKEN),
            user_id=grant.user_id,
            google_account=grant.google_account,
        )
        self.client.document(path).set(REVOCATIONS.fields(kept), **call_options())

    def waiting(self) -> Iterator[str]:
        """The receipts of what is still to be revoked."""
        return (found.id for found in listing(self.client.collection(COLLECTION).select([])))

    def ask(self, receipt_id: str) -> str:
        """Ask Google to revoke what was set aside; answers the receipt's word.

        An account that has connected a channel again since then is left alone; one that is just connecting is
        seen here, or sees the mark. Raises Unavailable when Google does not answer; ask again later.
        """
        waiting = self.client.document(REVOCATIONS.path(receipt_id))
        stored = waiting.get(**call_options()).to_dict()
        if stored is None:
            return Receipts(self.client, self.clock).get(receipt_id).revocation
        kept = REVOCATIONS.read(receipt_id, stored)
        account = self.client.document(accounts.path(kept.google_account, kept.user_id))
        account.set(accounts.revoking(self.clock()), merge=True, **call_options())
        try:
            needed = self._still_needed(kept.user_id, kept.google_account)
            word = receipts.KEPT if needed else self._ask_google(kept)
        except YtempireError:
            account.set(accounts.not_revoking(), merge=True, **call_options())
            raise
        batch = self.client.batch()
        batch.update(self.client.document(receipts.path(receipt_id)), {"revocation": word})
        batch.delete(waiting)
        if word in {receipts.REVOKED, receipts.ALREADY_REVOKED}:
            batch.delete(account)
        else:
            batch.set(account, accounts.not_revoking(), merge=True)
        batch.commit(**call_options())
        return word

    def _ask_google(self, kept: Revocation) -> str:
        try:
            token = self.vault.open(kept.token, record=REVOCATIONS.path(kept.receipt_id), field=TOKEN)
        except CorruptData:
            return receipts.UNREADABLE
        return receipts.REVOKED if self.google.revoke(token) else receipts.ALREADY_REVOKED

    def _still_needed(self, user_id: str, account: str | None) -> bool:
        """Whether a connected channel lives on the same permission of the same Google account.

        A channel of the same user whose account is unknown may be on the same one.
        """
        mine = self._grants_of("user_id", user_id)
        same = [grant for grant in mine if account is None or grant.get("google_account") in {None, account}]
        same += self._grants_of("google_account", account) if account is not None else []
        return any(grant.get("state") != health.DISCONNECTING for grant in same)

    def _grants_of(self, field: str, value: str) -> list[dict[str, Any]]:
        query = where(self.client.collection(data_map.GRANTS.path), (field, "==", value))
        return [each.to_dict() or {} for each in listing(query.select(["state", "google_account"]))]
