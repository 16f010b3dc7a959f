"""What came in, how it was answered, and every secret that was ever handed out.

The requests are for people and tests that ask "how often was this called"; they never hold a secret. The issued
secrets are for canary tests alone, which search all output of the system for them.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. at: RFC 3339. part: what it asked for; filters: of what.

    fault: the kind of the injected fault, or empty. mistake: why no client that has read Google's documents sends
    such a request; empty for all others.
    """

    at: str
    method: str
    verb: str
    path: str
    channel: str
    status: int
    part: str = ""
    filters: str = ""
    fault: str = ""
    mistake: str = ""


class Journal:
    """A bounded memory of requests, with counters that never forget."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._mistakes: deque[str] = deque(maxlen=KEPT)
        self.counts: Counter[tuple[str, int]] = Counter()
        self._issued: dict[str, list[str]] = {}

    def record(self, entry: Entry) -> None:
        """Remember a request that was answered (status 0: the connection ended without an answer)."""
        self._entries.append(entry)
        self.counts[entry.method, entry.status] += 1
        if entry.mistake:
            self._mistakes.append(f"{entry.verb} {entry.path}: {entry.mistake}")

    @property
    def mistakes(self) -> list[str]:
        """Requests to addresses that no service has, that break the documents' rules, or that are not simulated.

        Whoever tests a client of ours asks for this list at the end, and it is empty.
        """
        return list(self._mistakes)

    def issued(self, kind: str, secret: str) -> str:
        """Remember a secret that leaves or enters this simulator; answers it unchanged."""
        self._issued.setdefault(kind, []).append(secret)
        return secret

    def secrets(self) -> dict[str, list[str]]:
        """Every secret so far, by kind."""
        return {kind: list(values) for kind, values in self._issued.items()}

    def entries(self, method: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        """The newest requests, oldest first; of one method if one is named."""
        chosen = [entry for entry in self._entries if method is None or entry.method == method]
        return [asdict(entry) for entry in chosen[-limit:]]

    def counters(self) -> dict[str, dict[str, int]]:
        """Requests per method and status since the start."""
        table: dict[str, dict[str, int]] = {}
        for (method, status), count in sorted(self.counts.items()):
            table.setdefault(method, {})[str(status)] = count
        return table

    def forget(self) -> None:
        """Start counting anew. Issued secrets stay known."""
        self._entries.clear()
        self._mistakes.clear()
        self.counts.clear()
