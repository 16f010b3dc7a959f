"""The warehouse as a deployment makes it, made once and copied: the emulator takes seconds to make its views.

What was made is kept in `.local` for as long as the declarations, the views and the emulator are the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from pprint import pformat

from infra import warehouse
from infra.deployment import ROOT, deployment
from infra.local import emulators
from infra.local.process import LOOPBACK, free_ports
from infra.views import OVER_OWNERS, VIEWS, view_text
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import TABLES

LOCAL = ROOT / ".local"
MAKERS = ("infra/warehouse.py", "infra/local/quick_bigquery.py", "infra/requirements/bigquery-emulator.txt")


KEPT = 4  # the stack's and the tests', of two states of the tree


def copied(to: Path, *, project: str, dataset: str, aggregation: str) -> None:
    """Put the emulator's data with a whole and empty warehouse into a new folder.

    aggregation: why owners' numbers may be added up, as `infra.warehouse.make` takes it. Raises PartFailed or
    Missing when it has to be made and cannot be.
    """
    kept = place(project, dataset, aggregation)
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "warehouse.lock").open("w") as alone:  # of stacks that start at once one makes it
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not kept.is_dir():
            with tempfile.TemporaryDirectory(dir=LOCAL) as folder:
                fresh = Path(folder) / "data"
                fresh.mkdir()
                _make(fresh, project, dataset, aggregation)
                fresh.rename(kept)
        os.utime(kept)  # in use now
        shutil.copytree(kept, to)
        for older in sorted(LOCAL.glob("warehouse-*/"), key=lambda each: each.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(older)


def place(project: str, dataset: str, aggregation: str) -> Path:
    """Where it is kept: a folder named by all that it is made of, by the same name in every process."""
    views = [view_text(name) for name in (*VIEWS, *OVER_OWNERS)]
    makers = [(ROOT / each).read_text() for each in MAKERS]
    # A set's repr is in another order in every process; pformat sorts it.
    tables = pformat(TABLES, sort_dicts=False)
    made_of = repr((project, dataset, aggregation, deployment().warehouse_location, tables, views, makers))
    return LOCAL / f"warehouse-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"


def _make(data: Path, project: str, dataset: str, aggregation: str) -> None:
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    port, grpc_port = free_ports(2)
    with emulators.bigquery(port, grpc_port, project, data.with_name("log"), data=data).running():
        client = bigquery.Client(
            project=project,
            credentials=AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=f"http://{LOOPBACK}:{port}"),
        )
        warehouse.make(Warehouse(client, dataset), deployment().warehouse_location, aggregation)
