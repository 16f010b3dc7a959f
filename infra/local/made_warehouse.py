"""The warehouse as a deployment makes it, made once and copied: the emulator takes seconds to make its views.

What was made is kept in `.local` for as long as the declarations, the views and the emulator are the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from pathlib import Path

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from infra import warehouse
from infra.deployment import ROOT, deployment
from infra.local import emulators
from infra.local.process import LOOPBACK, free_ports
from infra.views import OVER_OWNERS, VIEWS, view_text
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import TABLES

LOCAL = ROOT / ".local"
MAKERS = ("infra/warehouse.py", "infra/local/quick_bigquery.py", "infra/requirements/bigquery-emulator.txt")


def copied(to: Path, *, project: str, dataset: str, aggregation: str) -> None:
    """Put the emulator's data with a whole and empty warehouse into a new folder.

    aggregation: why owners' numbers may be added up, as `infra.warehouse.make` takes it. Raises PartFailed or
    Missing when it has to be made and cannot be.
    """
    location = deployment().warehouse_location
    views = [view_text(name) for name in (*VIEWS, *OVER_OWNERS)]
    makers = [(ROOT / each).read_text() for each in MAKERS]
    made_of = repr((project, dataset, aggregation, location, TABLES, views, makers))
    kept = LOCAL / f"warehouse-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
    with (LOCAL / "warehouse.lock").open("w") as alone:  # of stacks that start at once one makes it
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not kept.is_dir():
            for older in LOCAL.glob("warehouse-*"):
                shutil.rmtree(older)
            with tempfile.TemporaryDirectory(dir=LOCAL) as folder:
                fresh = Path(folder) / "data"
                fresh.mkdir()
                _make(fresh, project, dataset, location, aggregation)
                fresh.rename(kept)
        shutil.copytree(kept, to)


def _make(data: Path, project: str, dataset: str, location: str, aggregation: str) -> None:
    port, grpc_port = free_ports(2)
    with emulators.bigquery(port, grpc_port, project, data.with_name("log"), data=data).running():
        client = bigquery.Client(
            project=project,
            credentials=AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=f"http://{LOOPBACK}:{port}"),
        )
        warehouse.make(Warehouse(client, dataset), location, aggregation)
