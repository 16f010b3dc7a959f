"""The report types of the YouTube Reporting API that a channel owner gets, as `report_types.toml` declares them.

Columns are found by the header's names, because the order in real files differs from the documentation's. A
column that is not declared is kept in `extra`. One that is declared and absent is NULL and told; when it is
needed, the file is unreadable.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest

INTEGER, FLOAT, STRING, DATE = "INTEGER", "FLOAT", "STRING", "DATE"
_DECLARED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


@dataclass(frozen=True)
class ReportType:
    """One report type: its id, and its columns beside `date`; a row is known by its date and dimensions.

    needed: the columns without which a file is not loaded.
    """

    id: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    needed: frozenset[str]

    @property
    def table(self) -> str:
        return f"report_{self.id}"

    @cached_property
    def columns(self) -> dict[str, str]:
        """Column name to BigQuery type, in the raw table's order."""
        return {
            "date": DATE,
            **dict.fromkeys(self.dimensions, STRING),
            **{metric: metric_type(metric) for metric in self.metrics},
        }

    @property
    def weights(self) -> dict[str, str]:
        """The metrics that do not add up over rows, with the one that weighs each; "" where the file has none."""
        averages = _DECLARED["metrics"]["averages"]
        return {metric: averages[metric] for metric in self.metrics if metric in averages}


def metric_type(metric: str) -> str:
    """A metric's BigQuery type: counts are integers; times, rates, shares and averages are not."""
    return INTEGER if metric in _DECLARED["metrics"]["counts"] else FLOAT


def _spelled_out(names: Iterable[str], groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Names, with those of a group in its place."""
    for name in names:
        yield from _spelled_out(groups[name], groups) if name in groups else (name,)


def _report_type(type_id: str, declared: Mapping[str, Any]) -> ReportType:
    groups = _DECLARED["groups"]
    dimensions, metrics = (tuple(_spelled_out(declared[key], groups)) for key in ("dimensions", "metrics"))
    needed = {*_spelled_out(("always_needed", *declared["needed"]), groups)} & {"date", *dimensions, *metrics}
    return ReportType(type_id, dimensions, metrics, frozenset(needed))


FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(f"{family}_{version}" for version in declared["versions"])
    for family, declared in _DECLARED["families"].items()
}
"""Each family's report types, the newest last."""
REPORT_TYPES: dict[str, ReportType] = {
    type_id: _report_type(type_id, _DECLARED["families"][family])
    for family, type_ids in FAMILIES.items()
    for type_id in type_ids
}
PROFILES: dict[str, tuple[str, ...]] = {
    profile: tuple(_spelled_out(families, _DECLARED["profiles"]))
    for profile, families in _DECLARED["profiles"].items()
}
"""What a profile collects: families, the most valuable first."""


def report_type(type_id: str) -> ReportType:
    """The report type with an id. Raises InvalidRequest for one that this warehouse does not hold."""
    if type_id not in REPORT_TYPES:
        raise InvalidRequest(f"There is no table for the report type {type_id!r}.", reason="reportType")
    return REPORT_TYPES[type_id]


def newest(chosen: Iterable[str], offered: Collection[str]) -> tuple[str, ...]:
    """The report types of some families: of each the newest that YouTube offers, or else the first that we knew.

    What is chosen by its id stays as it is.
    """
    return tuple(
        next((each for each in reversed(type_ids) if each in offered), type_ids[0])
        for type_ids in (FAMILIES.get(each, (each,)) for each in chosen)
    )


def unknown(offered: Iterable[str]) -> list[str]:
    """Those of some report types that are of no known family, or newer than every version that we know."""
    known = {family: _version(type_ids[-1])[1] for family, type_ids in FAMILIES.items()}
    return [each for each in offered if _version(each)[1] > known.get(_version(each)[0], 0)]


def _version(type_id: str) -> tuple[str, int]:
    """A report type's family, and which version of it this is: channel_basic, 3."""
    found = re.fullmatch(r"(.+)_a(\d{1,4})", type_id)
    return (found[1], int(found[2])) if found else (type_id, 1)
