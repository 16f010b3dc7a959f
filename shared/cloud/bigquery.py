"""BigQuery, where facts live."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery.table import RowIterator

TIMEOUT = 20.0
"""Seconds for one request that nobody watches; the library's own are ten minutes, more than a function lives."""
WORK = 120.0
"""Seconds for a statement that BigQuery has taken on."""


@cache
def client() -> Client:
    """This process's BigQuery client (honours BIGQUERY_EMULATOR_HOST)."""
    from google.cloud import bigquery

    host = os.environ.get("BIGQUERY_EMULATOR_HOST")
    if not host:
        return bigquery.Client(project=settings().project)
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials

    return bigquery.Client(
        project=settings().project,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://{host}"),
    )


def call_options(seconds: float = TIMEOUT) -> dict[str, Any]:
    """`retry` and `timeout` for one request: `client.create_table(table, **call_options())`.

    When they are over the request raises what `shared.entry` answers as 503.
    """
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    return {"retry": DEFAULT_RETRY.with_timeout(seconds), "timeout": seconds}


def ask(client: Client, query: str, *parameters: Any, seconds: float = TIMEOUT, work: float = WORK) -> RowIterator:
    """What a statement answers, its rows or how many it changed; `parameters` are BigQuery's.

    seconds: how long an unreachable BigQuery is waited for. work: how long a statement may run. One request for a
    statement that is done at once; a job that is created, polled and read would take three.
    Raises google.api_core's errors, TimeoutError for a statement that takes too long.
    """
    from google.cloud.bigquery import QueryJobConfig
    from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY

    options = call_options(seconds)
    return client.query_and_wait(
        query,
        job_config=QueryJobConfig(query_parameters=parameters),
        retry=options["retry"],
        job_retry=DEFAULT_JOB_RETRY.with_timeout(seconds),
        api_timeout=options["timeout"],
        wait_timeout=work,
    )
