"""BigQuery, where facts live."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@cache
def client() -> Client:
    """This process's BigQuery client (honours BIGQUERY_EMULATOR_HOST)."""
    from google.cloud import bigquery  # noqa: PLC0415 - paid by those who use it

    host = os.environ.get("BIGQUERY_EMULATOR_HOST")
    if not host:
        return bigquery.Client(project=settings().project)
    from google.api_core.client_options import ClientOptions  # noqa: PLC0415
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415

    return bigquery.Client(
        project=settings().project,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://{host}"),
    )
