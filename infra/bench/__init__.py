"""Measurements as ratios, in one table: `make bench [ONLY=prefix] [JSON=path]`.

A row is a function in infra/bench/rows/, registered with its unit and the limit that it must hold. It measures and
answers a `Measured`: the value, and, where they mean something, a floor (the same without our work) and a peer
(another way to do it), taken in the same run. Absolute numbers depend on the machine; ratios and limits are what
is looked at. Differences under some 20 % mean nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Judged = Literal["value", "ratio_to_floor", "ratio_to_peer"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured; floor and peer in the same unit as value."""

    value: float
    floor: float | None = None
    peer: float | None = None


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The bound that a row must hold: of its value or of a ratio, from above or from below."""

    bound: float
    of: Judged = "value"
    at_least: bool = False

    def holds(self, judged: float) -> bool:
        """Whether a figure keeps to it."""
        return judged >= self.bound if self.at_least else judged <= self.bound

    def __str__(self) -> str:
        what = {"value": "", "ratio_to_floor": " x floor", "ratio_to_peer": " x peer"}[self.of]
        return f"{'>=' if self.at_least else '<='} {self.bound:g}{what}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table, before it is measured."""

    name: str
    unit: str
    limit: Limit | None
    measure: Callable[[], Measured]
    about: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table, measured. error: why there is no measurement."""

    row: Row
    measured: Measured | None
    error: str | None = None

    @property
    def ratio_to_floor(self) -> float | None:
        """value / floor."""
        return _ratio(self.measured, "floor")

    @property
    def ratio_to_peer(self) -> float | None:
        """value / peer."""
        return _ratio(self.measured, "peer")

    @property
    def holds(self) -> bool:
        """Whether it was measured and keeps to its limit."""
        if self.measured is None:
            return False
        if self.row.limit is None:
            return True
        judged = {
            "value": self.measured.value,
            "ratio_to_floor": self.ratio_to_floor,
            "ratio_to_peer": self.ratio_to_peer,
        }[self.row.limit.of]
        return judged is not None and self.row.limit.holds(judged)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        measured = self.measured
        return {
            "row": self.row.name,
            "value": measured.value if measured else None,
            "unit": self.row.unit,
            "floor": measured.floor if measured else None,
            "ratio_to_floor": self.ratio_to_floor,
            "peer": measured.peer if measured else None,
            "ratio_to_peer": self.ratio_to_peer,
            "limit": self.row.limit.bound if self.row.limit else None,
            "holds": self.holds,
        }


def _ratio(measured: Measured | None, other: Literal["floor", "peer"]) -> float | None:
    if measured is None:
        return None
    against = measured.floor if other == "floor" else measured.peer
    return measured.value / against if against else None


_rows: dict[str, Row] = {}


def row(
    name: str, *, unit: str, limit: Limit | None = None
) -> Callable[[Callable[[], Measured]], Callable[[], Measured]]:
    """Register a measurement under a dotted name (`quota.reserve_rate`). Raises ValueError for a name taken."""

    def register(measure: Callable[[], Measured]) -> Callable[[], Measured]:
        if name in _rows:
            raise ValueError(f"two rows are called {name}")
        about = (measure.__doc__ or "").strip().partition("\n")[0]
        _rows[name] = Row(name=name, unit=unit, limit=limit, measure=measure, about=about)
        return measure

    return register


def all_rows() -> list[Row]:
    """Every row of every module in infra/bench/rows/, by name."""
    package = importlib.import_module("infra.bench.rows")
    for module in pkgutil.iter_modules(package.__path__, "infra.bench.rows."):
        importlib.import_module(module.name)
    return [_rows[name] for name in sorted(_rows)]


def run(which: Row) -> Line:
    """Measure one row; a failure is a line too."""
    try:
        return Line(row=which, measured=which.measure())
    except Exception as error:  # noqa: BLE001 - one broken row must not hide the others
        return Line(row=which, measured=None, error=f"{type(error).__name__}: {error}")
