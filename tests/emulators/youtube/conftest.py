"""A stand of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulators.youtube.stand import Stand, standing


@pytest.fixture
def stand(firestore_client) -> Iterator[Stand]:
    with standing(firestore_client) as found:
        yield found
