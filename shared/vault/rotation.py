"""Moving everything that is sealed from one key version to the next, while all goes on.

A new version seals from the moment that instances notice it; what older versions sealed is found by the version in
each sealed value, opened and sealed again, one record at a time. So a run that stops half-way loses
nothing and the next one carries on. An old version is disabled, not destroyed, once a count says that nothing uses
it and the new one is old enough that no instance can still hold the old one for sealing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared import data_map
from shared.clock import Clock, parse_instant
from shared.cloud.firestore import CONTENDED, Client, counted, listing, update, where
from shared.cloud.steps import Change, Doc, Docs, Write
from shared.errors import CorruptData, InvalidRequest, Unavailable
from shared.monitoring.log import log
from shared.vault.keyring import Keyring
from shared.vault.vault import KEY_TTL, Vault

_SETTLED = 2 * KEY_TTL
_PAGE = 100


@dataclass(frozen=True)
class Progress:
    """One run. remaining: values still under each older version."""

    current: int
    resealed: int
    remaining: dict[int, int]
    disabled: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.current,
            "resealed": self.resealed,
            "remaining": {str(version): left for version, left in self.remaining.items()},
            "disabled": list(self.disabled),
        }


def rotation_notice(push: Mapping[str, Any]) -> datetime | None:
    """When Secret Manager asked for a rotation, from its Pub/Sub message; None for its other events.

    Raises InvalidRequest for what is no message. Source: cloud.google.com/secret-manager/docs/event-notifications.
    """
    try:
        message = push["message"]
        attributes = message.get("attributes") or {}
        if attributes.get("eventType") != "SECRET_ROTATE":
            return None
        return parse_instant(message["publishTime"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidRequest("This is no rotation notice.", reason="messageUnreadable") from error


@dataclass(frozen=True)
class Rotation:
    """Rotates the vault key."""

    client: Client
    vault: Vault
    keyring: Keyring
    clock: Clock

    def add_version(self, *, asked_at: datetime | None = None) -> int | None:
        """Add a version; None when one was added after `asked_at` (a notice that was delivered twice)."""
        newest = self.keyring.enabled()[-1:]
        if asked_at is not None and newest and newest[0].created_at >= asked_at:
            return None
        added = self.keyring.add()
        log("NOTICE", "vault key rotated", version=added)
        return added

    def run(self, *, until: datetime | None = None) -> Progress:
        """Re-seal what older versions sealed, not beyond `until`; disable versions that nothing uses."""
        enabled = self.keyring.enabled()
        self.vault.forget()
        current = self.vault.current_version()
        older = [version for version in enabled if version.number < current]
        resealed = sum(self._reseal(version.number, until) for version in older)
        remaining = {version.number: self.count(version.number) for version in older}
        disabled: tuple[int, ...] = ()
        # A version added since the list was read is the current one now, and instances still seal with the last.
        if any(version.number == current and self.clock() - version.created_at >= _SETTLED for version in enabled):
            disabled = tuple(number for number, left in remaining.items() if left == 0)
            for number in disabled:
                self.keyring.disable(number)
                log("NOTICE", "vault key version disabled", version=number)
        return Progress(current, resealed, remaining, disabled)

    def count(self, version: int) -> int:
        return sum(counted(self._under(*place, version)) for place in data_map.sealed())

    def _reseal(self, version: int, until: datetime | None) -> int:
        done = 0
        for collection, field in data_map.sealed():
            for snapshot in listing(self._under(collection, field, version).select([field]), page=_PAGE):
                if until is not None and self.clock() >= until:
                    return done
                done += self._reseal_one(f"{collection}/{snapshot.id}", field, version)
        return done

    def _reseal_one(self, record: str, field: str, version: int) -> bool:
        """Seal one value anew; False when somebody else did, or it does not open."""

        def resealed(docs: Docs) -> Change[bool]:
            sealed: Any = (docs[record] or Doc({}, None)).data
            for name in field.split("."):  # it may lead into maps
                sealed = sealed.get(name) if sealed is not None else None
            if sealed is None or sealed["v"] != version:
                return Change(False)
            secret = self.vault.open(sealed, record=record, field=field)
            return Change(True, [Write(record, {field: self.vault.seal(secret, record=record, field=field)})])

        try:
            return update(self.client, (record,), resealed)
        except CorruptData as error:  # its version stays enabled, for whoever looks into it
            log("ERROR", "a sealed value does not open", record=record, field=field, reason=error.reason)
        except Unavailable as error:  # where others were faster each time, the next run finds what is left
            if error.reason != CONTENDED:
                raise
        return False

    def _under(self, collection: str, field: str, version: int) -> Any:
        return where(self.client.collection(collection), (f"{field}.v", "==", version))
