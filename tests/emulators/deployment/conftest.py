"""A stand-in for Google Cloud, and a gcloud that knows no other; both start once a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra.rehearsal import surroundings
from infra.rehearsal.cloud import Cloud
from infra.rehearsal.server import environment, serving
from infra.rehearsal.warm import warm


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    """The project that a file's ACTS answer for; a folder, and what changes the environment back."""
    cloud = Cloud(accounts=frozenset(), acts={**surroundings.ACTS, **request.module.ACTS})
    with (
        serving(cloud) as address,
        tempfile.TemporaryDirectory() as folder,
        warm(Path(folder), environment(address, Path(folder) / "gcloud")) as where,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in where.items():
            patch.setenv(name, value)
        yield SimpleNamespace(cloud=cloud, folder=Path(folder), patch=patch)
