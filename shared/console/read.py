"""The console's composition root: real clients, one overview."""

from __future__ import annotations

from typing import Any

from shared import budget
from shared.access import channels
from shared.clock import system_clock
from shared.cloud import bigquery, firestore
from shared.console.overview import NOTHING_LOADED, Loaded, Overview, loaded_reports, overview
from shared.errors import YtempireError
from shared.monitoring.log import log
from shared.settings import settings


def current() -> Overview:
    """The network now. A warehouse or ledger that does not answer is a problem on the page, not an error."""
    problems: list[str] = []
    return overview(
        channels=channels.list_all(firestore.client()),
        quota=_quota(problems),
        loaded=_loaded(problems),
        problems=problems,
        now=system_clock(),
    )


def _quota(problems: list[str]) -> list[dict[str, Any]]:
    try:
        return [{"bucket": name, **usage} for name, usage in budget.ledger().usage().items()]
    except YtempireError as error:
        problems.append(f"The quota ledger cannot be read: {error.message}")
        return []


def _loaded(problems: list[str]) -> Loaded:
    from google.api_core.exceptions import GoogleAPIError, NotFound  # noqa: PLC0415 - loaded with BigQuery anyway

    try:
        return loaded_reports(bigquery.client(), settings().dataset)
    except NotFound:
        return NOTHING_LOADED  # the first load makes the tables
    except GoogleAPIError as error:
        log("ERROR", "the warehouse cannot be read", error=type(error).__name__)
        problems.append("The warehouse does not answer. What it holds is not shown.")
        return NOTHING_LOADED
