"""Seconds to protocol messages and back."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration  # type: ignore[attr-defined]
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[attr-defined]


def timestamp(seconds: float) -> Timestamp:
    """An instant, truncated to the microsecond as the services do."""
    micros = int(seconds * 1_000_000)
    return Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def instant(message: Timestamp) -> float:
    """Seconds since the epoch."""
    return float(message.seconds + message.nanos / 1e9)


def duration(seconds: float) -> Duration:
    """A length of time, to the millisecond."""
    millis = round(seconds * 1000)
    return Duration(seconds=millis // 1000, nanos=millis % 1000 * 1_000_000)


def span(message: Duration) -> float:
    """A length of time in seconds."""
    return float(message.seconds + message.nanos / 1e9)
