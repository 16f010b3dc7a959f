"""What tests of collecting share: channels whose figures are asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulators.collection.figures import Figures, ready


@pytest.fixture
def figures(firestore_client, bigquery_client, dataset) -> Iterator[Figures]:
    with ready(firestore_client, bigquery_client, dataset) as found:
        yield found
