"""The digest of a report's rows in plain Python, as `row_digests.sql` has BigQuery make it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from shared.warehouse.report_types import FLOAT, ReportType


def digest_of(report_type: ReportType, rows: Iterable[Mapping[str, Any]]) -> str:
    """The SHA-256 of the rows' SHA-256s in their order."""
    kinds = {"load_id": "STRING", "report_id": "STRING", **report_type.columns, "extra": "JSON"}
    texts = ([_cell(row.get(name), kind) for name, kind in kinds.items()] for row in rows)
    return _hex("".join(sorted(_hex(_json(each)) for each in texts)))


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == FLOAT:
        return f"{value:.17e}"
    return _json(value) if kind == "JSON" else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()
