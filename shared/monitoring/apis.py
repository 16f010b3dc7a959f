"""Tells the operator when one of YouTube's APIs takes no calls of this project, and when it does again.

The Data, Analytics and Reporting APIs are enabled each for itself, and so is the alert about each: it ends with
the next call that the same API answers, whichever process makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.monitoring.alerts import ProcessAlerts

if TYPE_CHECKING:
    from google.cloud.firestore import Client

APIS = ("youtube", "youtubeAnalytics", "youtubereporting")
"""The first word of their methods' ids."""


def key(api: str) -> str:
    """The alert about an API."""
    return f"youtubeApi:{api}"


class ApiAlerts:
    """The alerts about the APIs, as calls of one process show how they stand. Safe for threads."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._alerts = ProcessAlerts(client, clock)

    def refused(self, api: str, message: str) -> None:
        """An API has said that it takes no call of this project."""
        self._alerts.failed(key(api), message)

    def answered(self, api: str) -> None:
        """An API has done what it was asked."""
        self._alerts.worked(key(api))
