"""The views that people query: their names, and the query of each, from `shared/warehouse/sql/`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from shared.warehouse.report_types import REPORT_TYPES, ReportType
from shared.warehouse.statements import SQL, made


def _in(folder: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (SQL / folder).glob("*.sql")))


ROWS_THAT_COUNT: Mapping[str, str] = {
    "channel_basic": "channel_basic_a3",
    "channel_reach": "channel_reach_basic_a1",
    "channel_reach_combined": "channel_reach_combined_a1",
    "channel_traffic_source": "channel_traffic_source_a3",
    "channel_device_os": "channel_device_os_a3",
    "channel_playback_location": "channel_playback_location_a3",
    "channel_demographics": "channel_demographics_a1",
}
"""Views of the rows of a report type that count, made from one text."""
BY_DIMENSION: Mapping[str, Any] = tomllib.loads((SQL.parent / "by_dimension.toml").read_text())
MARTS = tuple(sorted((*_in("marts"), *BY_DIMENSION)))
"""Views that answer one question each, and stand on no other of them."""
VIEWS = (
    *("current_reports", *ROWS_THAT_COUNT, "current_analytics", "refused_days", "retention_points"),
    *("code_names", "videos", "owner_metrics", "video_revenue_monthly", "youtube_metrics"),
    *("video_totals", "video_performance"),
    *MARTS,
)
"""Every view, in the order in which they build on one another."""
OVER_OWNERS = _in("over_owners")
"""Views that add up several owners' numbers, which is forbidden unless a setting states why it is allowed."""


def view_text(name: str) -> str:
    """A view's query, with its placeholder for the dataset; `{codes}` is filled from `codes.toml`."""
    if name in ROWS_THAT_COUNT:
        return _rows_that_count(REPORT_TYPES[ROWS_THAT_COUNT[name]])
    if name in BY_DIMENSION:
        return _by_dimension(**BY_DIMENSION[name])
    folder = "marts" if name in MARTS else "over_owners" if name in OVER_OWNERS else "views"
    text = (SQL / folder / f"{name}.sql").read_text()
    return text.replace("{codes}", _codes()) if "{codes}" in text else text


def _rows_that_count(report_type: ReportType) -> str:
    texts = (name for name in report_type.dimensions if name != "channel_id")
    dimensions = ", ".join(f"NULLIF(raw.{name}, '') AS {name}" for name in texts)
    return made("rows_that_count", type=report_type.id, table=report_type.table, dimensions=dimensions)


def _by_dimension(about: str, rows: str, columns: Mapping[str, Mapping[str, str]], query: str = "") -> str:
    """A mart of a video's days by one dimension. query: of Analytics, about days without a report; "" for none."""
    described, named, names, values = [], [], [], []
    for column, of in columns.items():
        code = f"the code that YouTube's report has{', or the word that Analytics has' if 'told' in of else ''}"
        described.append(f"-- {column}: {of.get('says', code)}")
        named.append(f"counted.{column}")
        value = f"JSON_VALUE(dimensions, '$.{of['told']}')" if "told" in of else "CAST(NULL AS STRING)"
        values.append(f"{value} AS {column}")
        if name := of.get("named"):
            described.append(f"-- {name}: what the code means; the code itself where nobody has said")
            named.append(f"IFNULL(MAX({column}_names.name), counted.{column}) AS {name}")
            names.append(
                f"\nLEFT JOIN `{{dataset}}.code_names` AS {column}_names"
                f"\n  ON {column}_names.dimension = '{column}' AND {column}_names.code = counted.{column}"
            )
    nulls = ", ".join("NULL" for _ in columns)
    told = {"values": ", ".join(values), "query": query, "nulls": nulls, "type": ROWS_THAT_COUNT[rows]}
    return made(
        "by_dimension",
        about=about,
        rows=rows,
        dimensions=", ".join(columns),
        described="\n".join(described),
        named=",\n  ".join(named),
        names="".join(names),
        told=made("told_by_dimension", **told).rstrip() if query else "",
    )


def _codes() -> str:
    """Every code and word, with dimension and name, as one JSON text: engines are slow at arrays of literals."""
    declared = tomllib.loads((SQL.parent / "codes.toml").read_text())
    rows = [
        (dimension, said, name)
        for dimension, codes in declared.items()
        for code, (word, name) in codes.items()
        for said in dict.fromkeys((code, word))
    ]
    return json.dumps(rows, ensure_ascii=False)
