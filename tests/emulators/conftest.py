"""What every test on emulators is held to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from infra.judges import indexes


@pytest.fixture
def reads(firestore_client, monkeypatch) -> Callable[..., int]:
    """How many reads Firestore has billed since this was last asked: one a document, and one an empty query.

    Of all collections, or of some.
    """
    api, billed = firestore_client._firestore_api, Counter[str]()

    def collection(answer: Any) -> str | None:
        found = getattr(answer, "document", None) or getattr(answer, "found", None)
        name = found.name if found else getattr(answer, "missing", None)
        if name:
            return str(name).split("/documents/")[1].split("/")[0]
        return "" if getattr(answer, "result", None) else None

    def counting(call: Callable[..., Iterable[Any]]) -> Callable[..., Iterable[Any]]:
        def counted(*given: Any, **more: Any) -> Iterable[Any]:
            answers = list(call(*given, **more))
            names = [name for name in map(collection, answers) if name is not None]
            billed.update(names or [""])
            return iter(answers)

        return counted

    for name in ("run_query", "run_aggregation_query", "batch_get_documents"):
        monkeypatch.setattr(api, name, counting(getattr(api, name)))

    def asked(*collections: str) -> int:
        found = sum(billed[name] for name in collections or tuple(billed))
        billed.clear()
        return found

    return asked


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
