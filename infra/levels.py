"""How many numbers of channels each of the guide's levels would answer now, as the demo and a test ask."""

from __future__ import annotations

from shared.warehouse.statements import Statement

LEVELS = Statement(
    "levels",
    {"channels": "ARRAY<STRING>", "since": "DATE", "analytics_since": "TIMESTAMP", "data_since": "TIMESTAMP"},
)
