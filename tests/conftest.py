"""What every test may ask for. Emulators start once a session, on free ports, and end with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import emulators
from infra.local.process import LOOPBACK, free_port


@pytest.fixture(scope="session")
def firestore_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Firestore emulator's host:port."""
    port = free_port()
    part = emulators.firestore(port, tmp_path_factory.mktemp("firestore") / "log")
    part.start()
    try:
        part.wait_ready()
        yield f"{LOOPBACK}:{port}"
    finally:
        part.stop()


@pytest.fixture
def firestore_client(firestore_emulator: str, monkeypatch: pytest.MonkeyPatch):
    """A Firestore client on a project of its own, so that tests do not meet."""
    from google.cloud import firestore

    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)
    return firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A folder for logs and files of parts that a test starts."""
    return tmp_path


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The BigQuery emulator's host:port."""
    port = free_port()
    log = tmp_path_factory.mktemp("bigquery") / "log"
    part = emulators.bigquery(port, free_port(), "test", log)
    part.start()
    try:
        part.wait_ready()
        yield f"{LOOPBACK}:{port}"
    finally:
        part.stop()


@pytest.fixture
def bigquery_client(bigquery_emulator: str):
    """A BigQuery client; a test takes a dataset name of its own, so that tests do not meet."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    return bigquery.Client(
        project="test",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://{bigquery_emulator}"),
    )


@pytest.fixture
def dataset() -> str:
    """A dataset name that no other test uses."""
    return f"test_{uuid.uuid4().hex[:12]}"
