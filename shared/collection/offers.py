"""What YouTube offers: asked daily, and told once where it is less or more than we know.

report_types/offered          the report types that it makes
report_types/<report type>    columns that were met in its files and are not declared
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from shared.cloud.firestore import Client, update
from shared.cloud.steps import Change, Docs, Write
from shared.collection.jobs import on
from shared.collection.planner import OFFERED
from shared.data_map import REPORT_TYPES
from shared.monitoring import alerts
from shared.monitoring.log import log
from shared.warehouse.report_types import unknown
from shared.youtube import reporting
from shared.youtube.client import Caller


def look(client: Client, caller: Caller, report_types: Iterable[str], now: datetime) -> None:
    """Ask YouTube, remember it, and alarm. report_types: those that are collected. Raises as `shared/youtube`."""
    offered = reporting.report_types(caller)
    lasting = sorted(each.id for each in offered if each.deprecated_at is None or each.deprecated_at > now)

    def decide(docs: Docs) -> Change[None]:
        stored = docs[OFFERED]
        same = stored is not None and stored.data["ids"] == lasting
        return Change(None, () if same else [Write(OFFERED, {"ids": lasting})])

    update(client, [OFFERED], decide)
    retired = [
        f"{kind} on {on(at)}" if at else f"{kind}, which it no longer has"
        for kind, at in retiring(report_types, offered).items()
    ]
    words = f"YouTube retires report types: {'; '.join(retired)}." if retired else None
    alerts.tell(client, alerts.REPORT_TYPES, words, now)
    new = unknown(lasting)
    words = f"YouTube offers report types that this release does not know: {', '.join(new)}." if new else None
    alerts.tell(client, alerts.NEW_REPORT_TYPES, words, now, severity="WARNING")


def retiring(report_types: Iterable[str], offered: Iterable[reporting.ReportType]) -> dict[str, datetime | None]:
    """Those of some report types that YouTube retires, with the time; None for one that it no longer has."""
    known = {each.id: each.deprecated_at for each in offered}
    return {kind: known.get(kind) for kind in report_types if kind not in known or known[kind] is not None}


def tell_columns(client: Client, report_type: str, columns: Collection[str]) -> None:
    """Log which columns of a report type's files are new, each of them once."""
    path = f"{REPORT_TYPES.path}/{report_type}"

    def decide(docs: Docs) -> Change[list[str]]:
        stored = docs[path]
        told = list(stored.data["columns"]) if stored else []
        new = sorted(set(columns) - set(told))
        return Change(new, [Write(path, {"columns": [*told, *new]})] if new else ())

    for column in update(client, [path], decide):
        log("WARNING", "YouTube reports a new column", report=report_type, column=column)
