"""A ledger on documents in memory, and a clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.cloud.steps import Commit, Write
from shared.quota.ledger import Ledger
from shared.quota.profile import Profile, adjusted, load
from tests.stands.firestore_in_memory import FirestoreInMemory

NOON = datetime(2026, 11, 22, 20, tzinfo=UTC)
"""Noon in California."""
UPLOAD, THUMBNAIL, CHANNELS = "youtube.videos.insert", "youtube.thumbnails.set", "youtube.channels.list"
UPDATE, DOWNLOAD = "youtube.videos.update", "youtubereporting.media.download"


class Stand:
    """One store, one true time, and ledgers whose clocks may be wrong by a little."""

    def __init__(self, now: datetime = NOON) -> None:
        self.store = FirestoreInMemory()
        self.now = now

    def ledger(
        self,
        profile: str | Profile = "current",
        *limits: str,
        users_max: int = 4,
        skew: timedelta = timedelta(0),
        part: int = 0,
    ) -> Ledger:
        chosen = adjusted(load(profile), limits=limits) if isinstance(profile, str) else profile
        store: Any = self.store

        def clock() -> datetime:
            return self.now + skew

        client: Any = None
        return Ledger(client, chosen, clock, users_max=users_max, store=store, part=part)

    def user(self, name: str, **fields: Any) -> None:
        self.store.answer(Commit((Write(f"users/{name}", fields),)))
