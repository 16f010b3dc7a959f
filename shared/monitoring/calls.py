"""The call log: one structured record for every request that was sent to YouTube.

Cloud Logging keeps them, a log sink carries them to the warehouse (`youtube_api_calls`). Nothing secret has a
field here: no token, no URL with a query, no upload session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from shared.monitoring.log import log

MESSAGE = "youtube call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request and what became of it.

    endpoint: the method's id in the discovery document. cost: units charged to `bucket`. outcome: success or
    error. status: the HTTP status, None when no answer came. reason: the policy table's row, None on success.
    given: Google's own word, where it is another. detail: its own sentence, cleaned, or what broke. known: False
    when the reason has no row. attempt: 2 for the one replay after a token was renewed. latency_ms: from sending
    to the last byte read. received: body bytes.
    """

    endpoint: str
    bucket: str
    cost: int
    outcome: str
    status: int | None
    reason: str | None
    given: str | None
    detail: str
    known: bool
    latency_ms: float
    attempt: int
    received: int
    account: str
    channel: str | None
    operation: str | None


CallLog = Callable[[Call], None]


def record(call: Call) -> None:
    """Write a call to the log; unknown reasons are warnings, so that somebody adds a row."""
    severity = "INFO" if call.known else "WARNING"
    log(severity, MESSAGE, **asdict(call))
