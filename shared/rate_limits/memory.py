"""What a process remembers of rate limits, so that a denial or a quick follow-up need not read Firestore again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.cloud.steps import Doc, Docs

FRESH = timedelta(seconds=2)
"""How long this process may build on what it read or wrote itself, without looking."""
MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A document, and when it was read or written by the server's clock and by ours."""

    doc: Doc | None
    server: datetime
    local: datetime


@dataclass(frozen=True)
class Memory:
    """Documents that were read or written moments ago, and until when what was denied; by path."""

    _seen: dict[str, _Seen] = field(default_factory=dict)
    _denied: dict[str, datetime] = field(default_factory=dict)

    def docs(self, paths: Iterable[str], now: datetime) -> Docs | None:
        """The documents as they were moments ago, as of now by the server's clock; None if they must be read.

        If another process has written since, a commit's condition fails, and the next attempt reads.
        """
        fresh: dict[str, _Seen] = {}
        for path in paths:
            seen = self._seen.get(path)
            if seen is None or not timedelta(0) <= now - seen.local < FRESH:
                return None
            fresh[path] = seen
        at = min(seen.server + (now - seen.local) for seen in fresh.values())
        return Docs({path: seen.doc for path, seen in fresh.items()}, at)

    def remember(self, docs: Mapping[str, Doc | None], *, server: datetime, local: datetime) -> None:
        """Documents as they are now."""
        for known in (self._seen, self._denied):
            if len(known) > MOST:
                known.clear()
        self._seen.update({path: _Seen(doc=doc, server=server, local=local) for path, doc in docs.items()})

    def deny(self, path: str, until: datetime) -> None:
        """Nothing is admitted before."""
        self._denied[path] = until

    def denied_until(self, path: str, now: datetime, window: timedelta) -> datetime | None:
        """Until when nothing is admitted, if that is so now."""
        until = self._denied.get(path)
        # A clock that was set back makes an old denial look endless; no denial lasts longer than its window.
        return until if until is not None and now < until <= now + window else None

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()
        self._denied.clear()
