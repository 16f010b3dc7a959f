"""A network whose reports are loaded, listed and certified, for measuring what verifying and explaining take."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.firestore import Client

from infra.local import emulators
from infra.local.process import LOOPBACK, free_port
from infra.warehouse import make
from shared import channels
from shared.clock import format_instant
from shared.collection import packs, places
from shared.collection.certifying import Certifying
from shared.collection.coverage import Day, Days
from shared.collection.jobs import State
from shared.warehouse.append import append
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import REPORT_LOADS, raw_table

CHANNELS, DAYS, ROWS = 250, 60, 5
KIND = REPORT_TYPES["channel_basic_a3"]
NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
FIRST = date(2026, 9, 20)
_LOAD = "20261121T000000-bench-" + "c" * 24


@dataclass(frozen=True)
class Network:
    """A certified network in two emulators."""

    state: Client
    warehouse: Warehouse
    certifying: Certifying


def channel(number: int) -> str:
    """A channel's id."""
    return f"UC{number:022}"


@contextmanager
def network() -> Iterator[Network]:
    """250 channels with 60 days of a report type, all of them certified."""
    with emulators.firestore_running() as host, tempfile.TemporaryDirectory() as folder:
        port = free_port()
        part = emulators.bigquery(port, free_port(), "bench", Path(folder) / "bigquery.log")
        part.start()
        try:
            part.wait_ready()
            anonymous = AnonymousCredentials()
            options = ClientOptions(api_endpoint=f"http://{LOOPBACK}:{port}")
            warehouse = Warehouse(bigquery.Client("bench", credentials=anonymous, client_options=options), "bench")
            os.environ["FIRESTORE_EMULATOR_HOST"] = host
            state = Client("bench")
            made = Network(
                state, warehouse, Certifying(client=state, warehouse=lambda: warehouse, clock=lambda: NOW)
            )
            with redirect_stdout(StringIO()):  # the log
                _fill(made)
            yield made
        finally:
            part.stop()


def _fill(made: Network) -> None:
    make(made.warehouse, "US")
    reports = [(channel(number), FIRST + timedelta(days=day)) for number in range(CHANNELS) for day in range(DAYS)]
    append(made.warehouse, REPORT_LOADS, (_load(*report) for report in reports), lambda: NOW)
    rows = (_row(*report, number) for report in reports for number in range(ROWS))
    append(made.warehouse, raw_table(KIND), rows, lambda: NOW)
    names = sorted({name for name, _ in reports})
    placed, _ = places.take(made.state, dict.fromkeys(names, "c"))
    for name in names:
        made.state.document(channels.path(name)).set({"state": "connected", "connected_at": NOW})
        days = {day: _day(name, day) for other, day in reports if other == name}
        packs.change_days(made.state, placed[name].pack, (name, KIND.id), days, partial(_listed, days))
    count = made.certifying.issue([channel(number) for number in range(CHANNELS)])
    assert count == CHANNELS * DAYS


def _listed(days: Mapping[date, Day], _: Days) -> tuple[None, Days]:
    return None, days


def _load(name: str, day: date) -> dict[str, Any]:
    return {
        "report_id": f"{name}{day}",
        "load_id": _LOAD,
        "channel_id": name,
        "report_type": KIND.id,
        "job_id": "job",
        "day": day.isoformat(),
        "create_time": format_instant(NOW - timedelta(days=1)),
        "row_count": ROWS,
        "checksum": f"sha256:{'0' * 64}",
        "loaded_at": format_instant(NOW),
    }


def _row(name: str, day: date, number: int) -> dict[str, Any]:
    return {
        "load_id": _LOAD,
        "report_id": f"{name}{day}",
        "date": day.isoformat(),
        "channel_id": name,
        "video_id": f"v{number}",
        "country_code": "DE",
        "views": number * 7,
        "engaged_views": number * 6,
        "watch_time_minutes": number / 7,
        "average_view_duration_seconds": number / 3,
    }


def _day(name: str, day: date) -> Day:
    return Day(
        report_id=f"{name}{day}",
        create_time=NOW - timedelta(days=1),
        state=State.LOADED,
        noted_at=NOW,
        job_id="job",
        download_url="",
        rows=ROWS,
        load_id=_LOAD,
    )
