"""Google's own client, unmodified but for the endpoint."""

from __future__ import annotations

from typing import Any

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build


def google_client(api: str, version: str, root: str, token: str) -> Any:
    """A service object of google-api-python-client, from the discovery document that ships with it."""
    return build(
        api,
        version,
        credentials=Credentials(token),
        static_discovery=True,
        client_options={"api_endpoint": root},
    )
