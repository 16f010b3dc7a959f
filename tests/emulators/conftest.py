"""What every test on emulators is held to."""

from __future__ import annotations

import pytest

from infra.judges import indexes


@pytest.fixture(autouse=True)
def every_query_has_its_index(monkeypatch):
    """The emulator answers queries that Firestore refuses for want of an index; so each is judged on its way."""
    from google.cloud.firestore_v1.services.firestore import FirestoreClient

    found: set[str] = set()

    def judged(method, query_of):
        send = getattr(FirestoreClient, method)

        def sent(self, request, **options):
            found.update(indexes.problems(query_of(request)))
            return send(self, request=request, **options)

        monkeypatch.setattr(FirestoreClient, method, sent)

    judged("run_query", lambda request: indexes.query_of(request["structured_query"]))
    judged(
        "run_aggregation_query", lambda request: indexes.aggregation_of(request["structured_aggregation_query"])
    )
    yield
    assert not found
