"""Runs the ledger's protocols, and says in the ledger's words that it does not answer."""

from __future__ import annotations

from shared.cloud.firestore import Store
from shared.cloud.steps import Result, Steps
from shared.errors import Unavailable
from shared.quota.refusals import CONTENDED


def run(store: Store, steps: Steps[Result]) -> Result:
    """A protocol's result. Raises Unavailable when Firestore does not answer, or too many met there."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    try:
        return store.run(steps)
    except (GoogleAPICallError, RetryError) as error:
        raise Unavailable("The quota ledger does not answer.", reason="ledgerUnavailable") from error
    except Unavailable as error:
        raise Unavailable("Too many meet at one quota account.", reason=CONTENDED) from error
