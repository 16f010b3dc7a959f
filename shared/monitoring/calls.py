"""The call log: of every request to YouTube one structured record, and one row of `youtube_api_calls`.

The record is written at once. Rows wait in the process for the end of the request or event that made the calls
(`shared.entry`), or for a full buffer, and go to Pub/Sub in one message, from where `ingest` fetches them. A row
that cannot be published is in its record. Nothing secret has a field here: no token, no URL with a query.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clock import format_instant, pacific_day
from shared.monitoring.log import log

MESSAGE = "youtube call"
BUFFERED = 500  # rows that a process holds at most: a message of some 250 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request and what became of it.

    call_id: this request's alone. created_at: when it was sent. endpoint: the method's id in the discovery
    document. quota_cost: units charged to `bucket`. status: success or error. http_status: None when no answer
    came. reason: the policy table's row, None on success. given: Google's own word, where it is another. detail:
    its own sentence, cleaned, or what broke. known: False when the reason has no row. attempt: 2 for the one
    replay after a token was renewed. response_time_ms: from sending to the last byte read. received: body bytes.
    feature: which part of the product asked.
    """

    call_id: str
    created_at: datetime
    endpoint: str
    bucket: str
    quota_cost: int
    status: str
    http_status: int | None
    reason: str | None
    given: str | None
    detail: str
    known: bool
    response_time_ms: float
    attempt: int
    received: int
    user_id: str
    channel_id: str | None
    operation_id: str | None
    feature: str

    def fields(self, *left_out: str) -> dict[str, Any]:
        """Its fields by name; `dataclasses.asdict` would copy each value, slowly."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in left_out}

    def row(self) -> dict[str, Any]:
        """The call as a row of the warehouse."""
        at = {"created_at": format_instant(self.created_at), "date": pacific_day(self.created_at).isoformat()}
        return self.fields("given", "detail", "known", "received") | at


CallLog = Callable[[Call], None]


def record(call: Call) -> None:
    """Write a call to the log; unknown reasons are warnings, so that somebody adds a row."""
    log("INFO" if call.known else "WARNING", MESSAGE, **call.fields())


class Calls:
    """One process's calls. publish: hands rows over, durably. Safe for threads."""

    def __init__(self, publish: Callable[[Sequence[Mapping[str, Any]]], object]) -> None:
        self._publish = publish
        self._rows: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def record(self, call: Call) -> None:
        """Log a call, and keep its row until there is a reason to hand all over."""
        record(call)
        with self._lock:
            self._rows.append(call.row())
            full = len(self._rows) >= BUFFERED
        if full:
            self.flush()

    def flush(self) -> None:
        """Hand over what is kept. Never raises: what YouTube did must not be undone by its log."""
        with self._lock:
            rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            self._publish(rows)
        except Exception as error:  # noqa: BLE001 - whatever it is, the records are written
            log("ERROR", "rows of calls were not published", count=len(rows), error=type(error).__name__)
