"""One channel's access token, as callers of YouTube ask for it; threads of one process share one flight.

Implements the `TokenSource` that `shared.youtube` asks for. A token is kept in memory for a minute at most, so
that a disconnect or a reconnect is noticed within that minute without a read for every call.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.tokens.decision import MARGIN
from shared.tokens.refresh import AccessToken, Refresher
from shared.vault.secret import Secret

LOOK_AGAIN = timedelta(minutes=1)


class SharedTokens:
    """The tokens that this process holds. Safe for threads."""

    def __init__(self, refresher: Refresher, clock: Clock) -> None:
        self._refresher = refresher
        self._clock = clock
        self._held: dict[str, tuple[AccessToken, datetime]] = {}
        self._flights: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def token(self, channel_id: str, *, refused: Secret | None = None) -> Secret:
        """A token to send now. Raises what `Refresher.fresh` raises."""
        with self._lock:
            flight = self._flights[channel_id]
        with flight:
            held = self._still_good(channel_id)
            if held is not None and held.secret != refused:
                return held.secret
            self._held.pop(channel_id, None)
            token = self._refresher.fresh(channel_id, refused=refused)
            self._held[channel_id] = (token, self._clock())
            return token.secret

    def _still_good(self, channel_id: str) -> AccessToken | None:
        held, looked_at = self._held.get(channel_id, (None, None))
        now = self._clock()
        if held is None or looked_at is None or now - looked_at > LOOK_AGAIN:
            return None
        return held if held.expires_at - now > MARGIN else None


@dataclass(frozen=True)
class ChannelTokens:
    """The token source of one channel."""

    channel_id: str
    shared: Callable[[], SharedTokens]

    def access_token(self) -> str:
        """A token to send now. Raises NotFound, ReauthRequired, Unavailable, Misconfigured."""
        return self.shared().token(self.channel_id).reveal()

    def renew(self, refused: str) -> str:
        """Another token than the one that Google has just refused; the same errors."""
        return self.shared().token(self.channel_id, refused=Secret(refused)).reveal()
