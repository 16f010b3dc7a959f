"""Builds what the console reads from, who is let in, and its one button."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from shared import channels
from shared.clock import pacific_day, system_clock
from shared.cloud import bigquery, firestore
from shared.cloud.identity import KeySet, TokenVerifier
from shared.collection import chosen, jobs
from shared.console import operations, overview, push
from shared.console.loaded import Loaded, loaded_reports
from shared.console.overview import Filter
from shared.console.page import ISSUER
from shared.console.read import Recent, Sources, known, with_reports
from shared.errors import Misconfigured
from shared.publishing.records import Operations
from shared.settings import settings
from shared.warehouse.statements import Warehouse
from shared.watch import watching
from shared.wiring import quota


def current(only: Filter) -> overview.Overview:
    """The network now. Raises Misconfigured; a source that does not answer is a problem on the page instead."""
    now, kinds = system_clock(), _report_types()
    seen = overview.overview(
        _known()(),
        quota.profile(),
        app_url=settings().app_url,
        now=now,
        report_types=kinds,
        metadata_units=settings().metadata_units,
        only=only,
    )
    return with_reports(seen, lambda ids: jobs.of_channels(firestore.client(), ids, kinds))


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


def _sources() -> Sources:
    client = firestore.client()
    return Sources(
        channels=lambda: channels.list_all(client),
        usage=quota.ledger().usage,
        loaded=_loaded(),
        operations=lambda: operations.stored(Operations(client)),
        subscriptions=lambda: push.stored(client),
        alerts=lambda: watching.wrong_now(client, system_clock()),
        at_risk=lambda: [each for each in jobs.at_risk(client) if each.report_type in _report_types()],
    )


def _report_types() -> tuple[str, ...]:
    return chosen.report_types(firestore.client(), settings())


@cache
def _known() -> Recent[overview.Known]:
    """What the page shows, read after it was asked for: those who look at once share one reading."""
    return Recent(source=lambda: known(_sources()), age=timedelta(0), clock=system_clock)


@cache
def _loaded() -> Recent[Loaded]:
    """What the warehouse holds: a query of BigQuery takes a second and is paid for, and loads come by the hour."""
    return Recent(
        source=lambda: loaded_reports(
            Warehouse(bigquery.client(), settings().dataset), pacific_day(system_clock()), settings().aggregation
        ),
        age=timedelta(minutes=1),
        clock=system_clock,
    )
