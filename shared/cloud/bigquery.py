"""BigQuery, where facts live."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.errors import RateLimited, Unavailable
from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery.table import RowIterator

TIMEOUT = 20.0
"""Seconds for one request that nobody watches; the library's own are ten minutes, more than a function lives."""
WORK = 120.0
"""Seconds for a statement that BigQuery has taken on."""


@cache
def client(project: str = "") -> Client:
    """This process's BigQuery client, for its own project or another (honours BIGQUERY_EMULATOR_HOST)."""
    from google.cloud import bigquery

    project = project or settings().project
    host = os.environ.get("BIGQUERY_EMULATOR_HOST")
    if not host:
        return bigquery.Client(project=project)
    from google.auth.credentials import AnonymousCredentials

    there = {"api_endpoint": f"http://{host}"}
    return bigquery.Client(project=project, credentials=AnonymousCredentials(), client_options=there)


def call_options(seconds: float = TIMEOUT) -> dict[str, Any]:
    """`retry` and `timeout` for one request: `client.create_table(table, **call_options())`.

    A BigQuery that asks to be left alone for a while is not asked again here, unlike by the library's own. When
    they are over the request raises what `shared.entry` answers as 503.
    """
    import requests
    from google.api_core import exceptions
    from google.api_core.retry import Retry, if_exception_type

    passing = if_exception_type(
        *(exceptions.InternalServerError, exceptions.BadGateway, exceptions.ServiceUnavailable),
        *(requests.exceptions.ConnectionError, requests.exceptions.Timeout, ConnectionError),
    )
    return {"retry": Retry(predicate=passing, initial=0.5, maximum=5.0, timeout=seconds), "timeout": seconds}


_WAITS = {
    "rateLimitExceeded": timedelta(minutes=1),
    "jobRateLimitExceeded": timedelta(minutes=1),
    "quotaExceeded": timedelta(minutes=15),  # a day's quota comes back bit by bit
}
"""How long to leave BigQuery alone, by the reason of its refusal."""
_QUEUE_FULL = "Too many DML statements outstanding"  # said with resourcesExceeded, which has other meanings


@contextmanager
def answering(clock: Clock) -> Iterator[None]:
    """Raise RateLimited, with a time, when BigQuery asks to be left alone; Unavailable when it does not answer.

    Source: cloud.google.com/bigquery/docs/error-messages; the full queue's words from googleapis/nodejs-bigquery
    issue 843.
    """
    import requests
    from google.api_core import exceptions
    from google.resumable_media import InvalidResponse

    try:
        yield
    except InvalidResponse as error:
        with answering(clock):
            raise exceptions.from_http_response(error.response) from error
    except exceptions.GoogleAPICallError as error:
        wait = _wait(error)
        if wait is None:
            raise
        words = f"BigQuery takes no more for now: {error.message}"
        raise RateLimited(words, reason="warehouseBusy", retry_at=clock() + wait) from error
    except requests.exceptions.RequestException as error:  # an OSError: whoever reads files would take it for his
        raise Unavailable("BigQuery does not answer.", reason="warehouseUnavailable") from error


def _wait(error: Any) -> timedelta | None:
    told = [said for said in error.errors if isinstance(said, dict)]  # another service's errors are no texts
    waits = [_WAITS[said["reason"]] for said in told if said.get("reason") in _WAITS]
    if not waits and (error.code == 429 or _QUEUE_FULL in error.message):
        waits = [_WAITS["rateLimitExceeded"]]
    return max(waits, default=None)


def ask(
    client: Client, query: str, *parameters: Any, seconds: float = TIMEOUT, work: float = WORK, **bounds: int
) -> RowIterator:
    """What a statement answers, its rows or how many it changed; `parameters` are BigQuery's.

    seconds: how long an unreachable BigQuery is waited for. work: how long a statement may run. bounds: what
    BigQuery's job configuration has, as `maximum_bytes_billed`. One request for a statement that is done at once;
    a job that is created, polled and read would take three.
    Raises google.api_core's errors, TimeoutError for a statement that takes too long.
    """
    from google.cloud.bigquery import QueryJobConfig

    options = call_options(seconds)
    return client.query_and_wait(
        query,
        job_config=QueryJobConfig(query_parameters=parameters, **bounds),
        retry=options["retry"],
        job_retry=None,  # type: ignore[arg-type] # documented; a message that is delivered again repeats it
        api_timeout=options["timeout"],
        wait_timeout=work,
    )


def dry_run(client: Client, query: str, *parameters: Any) -> int:
    """How many bytes a statement would read, without putting it. Raises google.api_core's errors."""
    from google.cloud.bigquery import QueryJobConfig

    config = QueryJobConfig(query_parameters=parameters, dry_run=True, use_query_cache=False)
    return int(client.query(query, job_config=config, job_retry=None, **call_options()).total_bytes_processed or 0)
