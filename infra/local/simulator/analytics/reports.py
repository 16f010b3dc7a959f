"""The documented reports of the Analytics API, read from `reports.toml`: what may stand together in a query."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Values = Mapping[str, tuple[str, ...]]
"""What a query's filters ask for, by name."""


@dataclass(frozen=True)
class Choice:
    """Alternatives, and how many of them a query names."""

    names: frozenset[str]
    least: int
    most: int

    def met(self, asked: Collection[str]) -> bool:
        """Whether a query names as many as it may."""
        return self.least <= len(self.names.intersection(asked)) <= self.most


@dataclass(frozen=True)
class Report:
    """One report. values: patterns that its filters keep. top: a ranking of so many rows, by one of sort."""

    name: str
    dimensions: tuple[Choice, ...]
    filters: tuple[Choice, ...]
    metrics: frozenset[str]
    values: Mapping[str, str]
    top: int | None
    sort: frozenset[str]
    not_simulated: frozenset[str]

    def has(self, dimensions: Collection[str], filters: Values, metrics: Collection[str]) -> bool:
        """Whether these stand together in this report."""
        return (
            self.metrics.issuperset(metrics)
            and _allowed(self.dimensions, dimensions)
            and _allowed(self.filters, filters)
            and all(keeps(self.values[name], filters[name]) for name in self.values.keys() & filters.keys())
        )

    def ranks(self, sort: Collection[tuple[str, bool]], first: int, most: int | None) -> bool:
        """Whether it takes that sort (name, whether it descends) and that many rows: of a ranking not all."""
        if self.top is None:
            return True
        descending = all(descends and name in self.sort for name, descends in sort)
        return bool(sort) and descending and most is not None and first + most <= self.top + 1


@dataclass(frozen=True)
class Table:
    """All that the file says."""

    reports: tuple[Report, ...]
    dimensions: frozenset[str]
    filters: frozenset[str]
    metrics: frozenset[str]
    money: frozenset[str]
    values: Mapping[str, str]
    not_simulated: frozenset[str]
    currencies: Mapping[str, float]
    other_currencies: frozenset[str]


def keeps(pattern: str, values: Iterable[str]) -> bool:
    """Whether a filter's values are of a form."""
    return re.fullmatch(pattern, ",".join(values)) is not None


@cache
def table() -> Table:
    """The file, read once."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    reports = tuple(_report(item, raw["lists"]) for item in raw["report"])
    known = {kind: frozenset(names) for kind, names in raw["known"].items()}
    return Table(
        reports=reports,
        dimensions=known["dimensions"] | _names(report.dimensions for report in reports),
        filters=known["filters"] | _names(report.filters for report in reports),
        metrics=known["metrics"].union(*(report.metrics for report in reports)),
        money=_listed(["@money"], raw["lists"]),
        values=raw["values"],
        not_simulated=frozenset(raw["not_simulated"]["names"]),
        currencies=raw["currencies"],
        other_currencies=frozenset(raw["other_currencies"]["names"].split()),
    )


def _allowed(choices: Iterable[Choice], asked: Collection[str]) -> bool:
    return all(choice.met(asked) for choice in choices) and _names([choices]).issuperset(asked)


def _names(of: Iterable[Iterable[Choice]]) -> frozenset[str]:
    return frozenset(name for choices in of for choice in choices for name in choice.names)


def _report(raw: Mapping[str, Any], lists: Mapping[str, list[str]]) -> Report:
    return Report(
        name=raw["name"],
        dimensions=tuple(_choices(raw.get("dimensions", {}))),
        filters=tuple(_choices(raw.get("filters", {}))),
        metrics=_listed(raw["metrics"], lists) - set(raw.get("without", ())),
        values=raw.get("values", {}),
        top=raw.get("top"),
        sort=_listed(raw.get("sort", ()), lists),
        not_simulated=frozenset(raw.get("not_simulated", ())),
    )


def _choices(raw: Mapping[str, list[str]]) -> Iterator[Choice]:
    for word, groups in raw.items():
        for group in groups:
            names = frozenset(group.split("|"))
            least, most = {
                "all": (1, 1),
                "any": (0, 1),
                "one": (1, 1),
                "at_most_one": (0, 1),
                "some": (1, len(names)),
            }[word]
            yield Choice(names, least, most)


def _listed(names: Iterable[str], lists: Mapping[str, list[str]]) -> frozenset[str]:
    """Names, those behind an @ replaced by the list of that name."""
    found: set[str] = set()
    for name in names:
        found |= _listed(lists[name[1:]], lists) if name.startswith("@") else {name}
    return frozenset(found)
