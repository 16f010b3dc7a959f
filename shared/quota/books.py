"""Carries the ledger's protocol out on a store, and says in the ledger's words that it cannot be had."""

from __future__ import annotations

from shared.cloud.firestore import Store
from shared.cloud.steps import Result, Steps
from shared.errors import Unavailable
from shared.quota.refusals import CONTENDED


class Books:
    """The ledger's documents."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, steps: Steps[Result]) -> Result:
        """Carry a protocol out to its result. Raises Unavailable when Firestore does not answer."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError  # noqa: PLC0415

        try:
            return self._store.run(steps)
        except (GoogleAPICallError, RetryError) as error:
            raise Unavailable("The quota ledger does not answer.", reason="ledgerUnavailable") from error
        except Unavailable as error:
            raise Unavailable("Too many meet at one quota account.", reason=CONTENDED) from error
