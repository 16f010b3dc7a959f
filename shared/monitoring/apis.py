"""Tells the operator when one of YouTube's APIs takes no calls of this project, and when it does again.

The Data, Analytics and Reporting APIs are enabled each for itself, and so is the alert about each: it ends with
the next call that the same API answers, whichever process makes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.errors import YtempireError
from shared.monitoring import alerts
from shared.monitoring.log import log

if TYPE_CHECKING:
    from google.cloud.firestore import Client

APIS = ("youtube", "youtubeAnalytics", "youtubereporting")
"""The first word of their methods' ids."""
LOOK_EVERY = timedelta(minutes=5)
"""How long after a success a process takes it that no alert fires for the API."""


def key(api: str) -> str:
    """The alert about an API."""
    return f"youtubeApi:{api}"


class ApiAlerts:
    """The alerts about the APIs, as calls of one process show how they stand. Safe for threads."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._answered: dict[str, datetime] = {}

    def refused(self, api: str, message: str) -> None:
        """An API has said that it takes no call of this project."""
        self._answered.pop(api, None)
        self._tell(api, message)

    def answered(self, api: str) -> None:
        """An API has done what it was asked. One read in five minutes."""
        now, last = self._clock(), self._answered.get(api)
        if last is None or not timedelta(0) <= now - last < LOOK_EVERY:
            self._answered[api] = now
            self._tell(api, None)

    def _tell(self, api: str, message: str | None) -> None:
        """Fire or resolve. What YouTube did must not be undone by an alert that cannot be written."""
        from google.api_core import exceptions

        try:
            if message is None:
                alerts.resolve(self._client, key(api), self._clock())
            else:
                alerts.fire(self._client, key(api), message, self._clock())
        except (exceptions.GoogleAPICallError, exceptions.RetryError, YtempireError) as error:
            self._answered.pop(api, None)
            log("WARNING", "an alert could not be changed", api=api, error=type(error).__name__)
