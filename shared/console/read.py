"""The console's composition root: real clients, one overview.

Each source is read by itself, all at once: the page waits for the slowest, and what does not answer is said on it
while the rest is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from shared import channels
from shared.clock import system_clock
from shared.cloud import bigquery, firestore
from shared.console import operations, push
from shared.console.connections import Filter
from shared.console.loaded import NOTHING_LOADED, Loaded, loaded_reports
from shared.console.overview import Known, Overview, overview
from shared.errors import YtempireError
from shared.monitoring import alerts
from shared.monitoring.log import log
from shared.publishing.records import Operations
from shared.settings import settings
from shared.wiring import quota

Found = TypeVar("Found")


def current(only: Filter) -> Overview:
    """The network now. Raises Misconfigured; a source that does not answer is a problem on the page instead."""
    now, client = system_clock(), firestore.client()
    with ThreadPoolExecutor(6) as pool:
        connected = Asked(pool, "The connections", lambda: tuple(channels.list_all(client)))
        usage = Asked(pool, "The quota ledger", quota.ledger().usage)
        loaded = Asked(pool, "The warehouse", _loaded)
        work = Asked(pool, "The operations", lambda: tuple(operations.stored(Operations(client))))
        subscriptions = Asked(pool, "The push subscriptions", lambda: push.stored(client))
        alarms = Asked(pool, "The alerts", lambda: alerts.firing(client))
    known = Known(
        channels=connected.found,
        usage=usage.found or {},
        loaded=loaded.found or NOTHING_LOADED,
        operations=work.found or (),
        subscriptions=subscriptions.found or {},
        alerts=alarms.found or (),
        problems=tuple(
            each.problem for each in (connected, usage, loaded, work, subscriptions, alarms) if each.problem
        ),
    )
    chosen = settings()
    return overview(
        known, quota.profile(), app_url=chosen.app_url, now=now, report_types=chosen.report_types, only=only
    )


class Asked(Generic[Found]):
    """A source that is being read."""

    def __init__(self, pool: ThreadPoolExecutor, name: str, read: Callable[[], Found]) -> None:
        self._answer = pool.submit(_read, name, read)

    @property
    def found(self) -> Found | None:
        """What it said; None when it did not answer."""
        return self._answer.result()[0]

    @property
    def problem(self) -> str:
        """Why there is nothing, in words; "" when there is."""
        return self._answer.result()[1]


def _read(name: str, read: Callable[[], Found]) -> tuple[Found | None, str]:
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415 - loaded with any client

    try:
        return read(), ""
    except YtempireError as error:
        log("ERROR", "a source of the console cannot be read", source=name, reason=error.reason)
        return None, f"{name} cannot be read: {error.message}"
    except (GoogleAPIError, OSError) as error:  # BigQuery's HTTP client raises its own kind of OSError
        log("ERROR", "a source of the console cannot be read", source=name, error=type(error).__name__)
        return None, f"{name} cannot be read ({type(error).__name__}). What it holds is not shown."


def _loaded() -> Loaded:
    from google.api_core.exceptions import NotFound  # noqa: PLC0415

    try:
        return loaded_reports(bigquery.client(), settings().dataset)
    except NotFound:
        return NOTHING_LOADED  # the first load makes the tables
