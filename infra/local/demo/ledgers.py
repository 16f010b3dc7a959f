"""Our own books, read back: the completeness ledger and the quota ledger, beside Google's count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from infra.local import loopback
from infra.local.stack import Stack
from shared import budget
from shared.collection.completeness import COLLECTION, State

if TYPE_CHECKING:
    from google.cloud.firestore import Client


@dataclass
class ReportCounts:
    """Reports over all channels: every one listed, and where each day's newest stands."""

    listed: int = 0
    loaded: int = 0
    superseded: int = 0
    waiting: int = 0
    failed: int = 0


def report_counts(client: Client) -> ReportCounts:
    """Add up the completeness ledger."""
    counts = ReportCounts()
    for snapshot in client.collection(COLLECTION).stream():
        for entry in (snapshot.to_dict() or {}).get("days", {}).values():
            counts.listed += 1 + len(entry["superseded"])
            counts.superseded += len(entry["superseded"])
            counts.loaded += entry["state"] == State.LOADED
            counts.waiting += entry["state"] == State.LISTED
            counts.failed += entry["state"] == State.FAILED
    return counts


def quota_counts(stack: Stack) -> dict[str, dict[str, int]]:
    """{bucket: {"ours", "google"}} over all days of the run."""
    answer = loopback.http().get(f"{stack.simulator}/control/quota", timeout=30)
    google = answer.raise_for_status().json()
    counts: dict[str, dict[str, int]] = {}
    for day, buckets in google["days"].items():
        ours = budget.ledger().usage(date.fromisoformat(day))
        for bucket, told in buckets.items():
            both = counts.setdefault(bucket, {"ours": 0, "google": 0})
            both["google"] += told["used"]
            both["ours"] += ours[bucket]["used"] if bucket in ours else 0
    return counts
