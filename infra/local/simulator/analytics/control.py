"""How answers are written, for whoever tests a reader: control addresses that no Google has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infra.local.simulator.control import control_route
from infra.local.simulator.fields import Asked, one_of

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

NO_ROWS: Mapping[str, Mapping[str, Any]] = {"absent": {}, "empty": {"rows": []}, "null": {"rows": None}}
"""What has been seen in place of `rows` when there are none."""


class Manner:
    """How answers are written. whole_numbers: as `integer` or, as YouTube does at times, as `float` (`12.0`)."""

    def __init__(self, _simulator: Simulator) -> None:
        self.whole_numbers = "integer"
        self.no_rows = "absent"


def _write(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Change how answers are written; `{}` makes them plain again."""
    manner = simulator.room(Manner)
    manner.whole_numbers = asked.get("whole_numbers", "integer")
    manner.no_rows = asked.get("no_rows", "absent")
    return {"whole_numbers": manner.whole_numbers, "no_rows": manner.no_rows}


ROUTES = [
    control_route(
        "POST",
        "/control/analytics",
        _write,
        fields={"whole_numbers": one_of(("integer", "float")), "no_rows": one_of(NO_ROWS)},
    )
]
