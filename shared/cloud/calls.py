"""How long one call to Google Cloud may take, and what of it is worth repeating at once: the one recipe for gRPC.

BigQuery's HTTP client has a recipe of its own kind, in `bigquery`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

TIMEOUT = 5.0
"""Seconds for one call, and for its repetitions in all: what does not answer must be noticed soon."""


@cache
def call_options(timeout: float = TIMEOUT) -> dict[str, Any]:
    """`retry` and `timeout` for one call that does no harm when repeated: `document.get(**call_options())`.

    The libraries' own would wait for minutes, longer than a function lives. When the time is over the call raises
    what `shared.entry` answers as 503.
    """
    from google.api_core import exceptions
    from google.api_core.retry import Retry, if_exception_type

    again = if_exception_type(exceptions.ServiceUnavailable, exceptions.InternalServerError)
    return {"retry": Retry(predicate=again, initial=0.1, maximum=1.0, timeout=timeout), "timeout": timeout}
