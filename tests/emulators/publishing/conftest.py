"""A bench of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.settings import settings
from tests.emulators.publishing.bench import Bench, benched


@pytest.fixture
def bench(firestore_client, tmp_path, monkeypatch) -> Iterator[Bench]:
    settings.cache_clear()
    with benched(firestore_client, tmp_path, monkeypatch) as found:
        yield found
    settings.cache_clear()
