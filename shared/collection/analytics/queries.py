"""The queries of the Analytics API that are asked, as `queries.toml` declares them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from shared.youtube import analytics
from shared.youtube.client import Caller

ANALYTICS, REVENUE = "analytics", "revenue"
"""Features of a connection, as `shared.access.features` names them."""


class Window(StrEnum):
    """Which days one query is about."""

    DAYS = "days"
    MONTH = "month"
    VIDEO = "video"


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query, by YouTube's own names; what the other fields mean stands at the head of `queries.toml`.

    sort: the metric by which a list of videos descends. most: how many rows it may have.
    """

    name: str
    window: Window
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    restated: int
    every: int
    value: int
    needs: str = ANALYTICS
    sort: str | None = None
    most: int | None = None
    history: bool = False

    def ask(self, caller: Caller, start: date, end: date, video: str | None = None) -> analytics.Table:
        """What YouTube answers about some days, money in USD. Raises as `analytics.query`."""
        return analytics.query(
            caller,
            start=start,
            end=end,
            metrics=self.metrics,
            dimensions=self.dimensions,
            filters={"video": video} if video else None,
            sort=[f"-{self.sort}"] if self.sort else (),
            currency="USD" if self.needs == REVENUE else None,
            max_results=self.most,
        )


@cache
def queries() -> Mapping[str, Query]:
    """All queries by name, read once."""
    declared = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: query_of(name, fields) for name, fields in declared.items()}


def query_of(name: str, fields: Mapping[str, Any]) -> Query:
    values: dict[str, Any] = {
        each: tuple(value) if isinstance(value, list) else value for each, value in fields.items()
    }
    return Query(**{**values, "name": name, "window": Window(fields["window"])})
