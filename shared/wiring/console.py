"""Builds what the console reads from, who is let in, and its one button."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

from shared.clock import Recent, pacific_day, system_clock
from shared.cloud import bigquery, firestore
from shared.cloud.identity import KeySet, TokenVerifier
from shared.collection import planner
from shared.console import parts
from shared.console.page import ISSUER, Seen
from shared.console.read import Ask, Reads, loaded_reports
from shared.errors import Misconfigured
from shared.settings import settings
from shared.warehouse.statements import Warehouse
from shared.wiring import quota


def seen(name: str, query: Mapping[str, str], *, user: str | None = None, viewer: str = "") -> Seen:
    """A page now. user: whose channels alone; None for operators. Raises NotFound or InvalidRequest."""
    ask = Ask(query=query, now=system_clock(), user=user)
    return parts.seen(_reads(), name, ask, viewer=viewer)


def retry(operation: str) -> None:
    """Queue a failed operation again. Raises Conflict or NotFound."""
    from shared.wiring import publishing  # brings YouTube's client, which pages do without

    publishing.submissions().retry(operation)


@cache
def iap_verifier() -> TokenVerifier:
    """Verifies IAP's assertions for this console. Raises Misconfigured while no audience is set."""
    audience = settings().iap_audience
    if not audience:
        raise Misconfigured("settings: YT_IAP_AUDIENCE is missing, so nobody is let in.", reason="settings")
    return TokenVerifier(issuers=frozenset({ISSUER}), audience=audience, keys=KeySet(settings().iap_keys_url))


@cache
def _reads() -> Reads:
    client = firestore.client()
    return Reads(
        client=client,
        warehouse=_warehouse,
        usage=lambda rows: quota.ledger().usage(rows=rows),
        # A query of BigQuery takes a second and is paid for, and loads come by the hour.
        loaded=Recent(
            source=lambda: loaded_reports(_warehouse(), pacific_day(system_clock()), settings().aggregation),
            age=timedelta(minutes=1),
            clock=system_clock,
        ),
        profile=quota.profile(),
        report_types=lambda: planner.report_types(client, settings()),
        app_url=settings().app_url,
    )


def _warehouse() -> Warehouse:
    return Warehouse(bigquery.client(), settings().dataset)
