"""The owner's own numbers, such as costs and plans, from a message for `ingest` to rows of `internal_metrics`.

    {"metrics": [{"channel_id": "UC...", "video_id": "...", "date": "2026-11-20",
                  "name": "cost", "value": "120.50", "unit": "USD", "as_of": "2026-11-21T09:00:00Z"}]}

A number about the channel as a whole has no video_id. Sent twice it counts once; a correction has a later as_of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from shared import ids
from shared.clock import format_instant
from shared.fields import Fields

KIND = "internal_metrics"
_COLUMNS = ("channel_id", "video_id", "date", "name", "value", "unit", "as_of")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_UNIT = re.compile(r"[A-Za-z%][A-Za-z0-9_/%]{0,31}")
_NUMBER = re.compile(r"-?[0-9]{1,29}(\.[0-9]{1,9})?")  # as a NUMERIC holds; a text: JSON's numbers are not exact


def rows_from(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a message. Raises InvalidRequest for what is none."""
    items = Fields(message, "metrics").items("metrics")
    return [_row(Fields(each, *_COLUMNS, path=f"metrics[{place}].")) for place, each in enumerate(items)]


def _row(given: Fields) -> dict[str, Any]:
    subject = {
        "channel_id": given.id("channel_id", ids.CHANNEL),
        "video_id": given.id("video_id", ids.VIDEO) if given.has("video_id") else None,
        "date": given.date("date").isoformat(),
        "name": given.match("name", _NAME),
    }
    key = "\n".join(each or "" for each in subject.values())
    return {
        "metric_id": hashlib.sha256(key.encode()).hexdigest()[:24],
        **subject,
        "value": given.match("value", _NUMBER),
        "unit": given.match("unit", _UNIT),
        "as_of": format_instant(given.instant("as_of")),
    }
