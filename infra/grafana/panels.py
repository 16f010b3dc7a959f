"""What each panel asks: `dashboards.toml`, and the queries of `sql/` with their shared parts filled in.

In a query `{dataset}` stands for the dataset, `{from}` and `{to}` for the range that is looked at, `{today}` for
the Pacific day at its end, `{owner}` and `{channel}` for what is chosen above the panels, `{chosen}` for both in
rows without a user, and `{calls}`, `{every_call}` and `{synced}` for queries of `sql/parts/`. No query knows
another time, so that its answer can be tested.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from shared.quota.profile import Profile, load
from shared.warehouse.statements import Statement

HERE = Path(__file__).parent
VARIABLES = ("owner", "channel")
ALL = "'all'"
"""What Grafana puts in a variable's place when all are chosen; a value of its own would be quoted again."""

_DAY = "DATE({}, 'America/Los_Angeles')"
_COLUMNS = {"owner": "user_id", "channel": "channel_id"}
_TEXTS = {
    **{name: f"({ALL} IN (${{{name}:singlequote}}) OR {column} IN (${{{name}:singlequote}}))"
       for name, column in _COLUMNS.items()},
    "first_day": _DAY.format("{from}"),
    "reset": "TIMESTAMP({today}, 'America/Los_Angeles')",
    "next_reset": "TIMESTAMP(DATE_ADD({today}, INTERVAL 1 DAY), 'America/Los_Angeles')",
    "today": _DAY.format("{to}"),
    "from": "TIMESTAMP_MILLIS(${__from})",
    "to": "TIMESTAMP_MILLIS(${__to})",
}  # fmt: skip
_OPEN = re.compile(r"(?<!\$)\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. warn: from which value it is yellow and red. width: of 24. runbook: the section about it."""

    query: str
    title: str
    kind: str
    unit: str
    width: int = 12
    warn: tuple[float, float] | None = None
    runbook: str = ""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One dashboard. since: where its range begins. console: the page about the same. total: adds up owners."""

    name: str
    title: str
    about: str
    since: str
    panels: tuple[Panel, ...]
    console: str = ""
    total: bool = False


@cache
def dashboards() -> tuple[Dashboard, ...]:
    """All of them, in order. Raises TypeError for a key that is not known."""
    found = tomllib.loads((HERE / "dashboards.toml").read_text())
    return tuple(
        Dashboard(
            name=name,
            since=table.pop("from"),
            panels=tuple(Panel(**{**each, "warn": tuple(each["warn"]) if "warn" in each else None})
                         for each in table.pop("panels")),
            **table,
        )
        for name, table in found.items()
    )  # fmt: skip


def described(query: str) -> str:
    """What a query's first comment says of it."""
    lines = (HERE / "sql" / f"{query}.sql").read_text().split("\n")
    return " ".join(line.removeprefix("-- ") for line in lines if line.startswith("-- "))


def asked(query: str, profile: Profile) -> str:
    """A query as Grafana has it, its variables and `{dataset}` left open. profile: whose limits hold."""
    text = (HERE / "sql" / f"{query}.sql").read_text()
    while names := set(_OPEN.findall(text)) - {"dataset"}:
        for name in names:
            text = text.replace(f"{{{name}}}", _text(name, profile))
    return "\n".join(line for line in text.strip().split("\n") if not line.startswith("-- "))


def _text(name: str, profile: Profile) -> str:
    if name == "limits":
        rows = (f"STRUCT('{each.name}' AS bucket, {each.limit} AS a_day)" for each in profile.buckets.values())
        return f"[{', '.join(rows)}]"
    return _TEXTS.get(name) or (HERE / "sql" / "parts" / f"{name}.sql").read_text().strip()


def spoken(
    query: str,
    since: datetime,
    until: datetime,
    chosen: Mapping[str, str] | None = None,
    profile: Profile | None = None,
) -> str:
    """A query as it is sent, Grafana's variables filled in. chosen: a variable's quoted values; all where none."""
    text = asked(query, profile or load("current"))
    for name, moment in (("__from", since), ("__to", until)):
        text = text.replace(f"${{{name}}}", str(int(moment.timestamp() * 1000)))
    for name in VARIABLES:
        text = text.replace(f"${{{name}:singlequote}}", (chosen or {}).get(name, ALL))
    return text


@dataclass(frozen=True)
class Asked(Statement):
    """A panel's or a variable's query as it is sent, for the judge of all SQL. total: it may add up owners."""

    sent: str = ""
    total: bool = False

    @property
    def text(self) -> str:
        """As it is sent."""
        return self.sent


def statements(since: datetime, until: datetime) -> Iterator[Asked]:
    """Every query of the panels and of the variables."""
    queries = [(each.query, board.total) for board in dashboards() for each in board.panels]
    for name, total in (*queries, *((f"variables/{each}", False) for each in VARIABLES)):
        yield Asked(f"panel {name}", {}, spoken(name, since, until), total)
