"""Tells the operator in time of report types that YouTube retires."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from shared.collection.risk import on
from shared.monitoring import alerts
from shared.youtube import reporting
from shared.youtube.client import Caller

if TYPE_CHECKING:
    from google.cloud.firestore import Client


def retiring(report_types: Iterable[str], offered: Iterable[reporting.ReportType]) -> dict[str, datetime | None]:
    """Those of some report types that YouTube retires, with the time; None for one that it no longer has."""
    known = {each.id: each.deprecated_at for each in offered}
    return {kind: known.get(kind) for kind in report_types if kind not in known or known[kind] is not None}


def tell(client: Client, caller: Caller, report_types: Iterable[str], now: datetime) -> None:
    """Look up which of the collected report types are retired, and alarm. Raises `shared/youtube`'s errors."""
    found = retiring(report_types, reporting.report_types(caller))
    if found:
        alerts.fire(client, alerts.REPORT_TYPES, _words(found), now)
    else:
        alerts.resolve(client, alerts.REPORT_TYPES, now)


def _words(found: dict[str, datetime | None]) -> str:
    told = (f"{kind} on {on(at)}" if at else f"{kind}, which it no longer has" for kind, at in found.items())
    return f"YouTube retires report types: {'; '.join(told)}."
