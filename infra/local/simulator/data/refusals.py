"""The refusals that several methods of the Data API share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.simulator.data.rules import Problem
from infra.local.simulator.errors import GoogleError, not_simulated

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Call


def refuse_unknown(call: Call, known: frozenset[str]) -> None:
    """Raise 501 for a parameter that would change the answer at YouTube and change nothing here."""
    for name, value in call.params.items():
        if name not in known and value != call.method.parameters[name].default:
            raise not_simulated(f"the parameter {name}")


def refuse(problem: Problem, domain: str = "youtube.video") -> GoogleError:
    """The 400 for something wrong with a resource that was sent."""
    return GoogleError(
        400,
        problem.reason,
        problem.message,
        domain=domain,
        location=problem.location,
        location_type="other",
    )


def not_found(what: str, domain: str, location: str) -> GoogleError:
    """The 404 for a video, playlist or item that is not there."""
    message = f"The {what} identified with the request cannot be found."
    kind = "other" if location.startswith("body.") else "parameter"
    return GoogleError(404, f"{what}NotFound", message, domain=domain, location=location, location_type=kind)
