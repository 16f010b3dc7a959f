"""The clients that speak gRPC: where they find their service, how long a call may take, what of it is repeated.

BigQuery's HTTP client has a recipe of its own kind, in `bigquery`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

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


def grpc_client(kind: Any, emulator: str) -> Any:
    """A client of a kind, of Google's service, or of the emulator whose "host:port" a variable says."""
    host = os.environ.get(emulator)
    if not host:
        return kind()
    import grpc

    return kind(transport=kind.get_transport_class("grpc")(channel=grpc.insecure_channel(host)))


@cache
def secret_manager() -> SecretManagerServiceClient:
    """This process's client of Secret Manager, where keys and client secrets live."""
    from google.cloud import secretmanager_v1

    kind = secretmanager_v1.SecretManagerServiceClient
    return grpc_client(kind, "SECRET_MANAGER_EMULATOR_HOST")  # type: ignore[no-any-return]
