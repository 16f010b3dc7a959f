"""What a look at the console takes with 10,000 channels of 2,000 users, at the CPU and memory of `console`."""

from __future__ import annotations

import os
from functools import cache
from unittest.mock import patch

from google.cloud import firestore

from infra.bench import Limit, Measured, looking, row
from infra.bench.worker import timed
from infra.deployment import deployment
from infra.local.emulators import firestore_running

MANY, DEMO = 10_000, 250


@cache
def _seconds(channels: int = MANY) -> dict[str, float]:
    """Seconds of one look at each page."""
    project = f"bench-console-{channels}"
    function = deployment().functions["console"]
    with firestore_running() as host, patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": host}):
        looking.fill(firestore.Client(project=project), channels)
        return {
            page: timed(
                looking.__name__,
                page,
                project,
                environment=dict(os.environ),
                cpu=function.cpu,
                memory=int(function.memory.removesuffix("Mi")),
            )[0]
            for page in (looking.PAGES if channels == MANY else ["overview"])
        }


@row("console.overview", unit="s", limit=Limit(bound=2))
def overview() -> Measured:
    """Seconds until the overview is whole, without BigQuery's time"""
    return Measured(value=_seconds()["overview"])


@row("console.overview_250", unit="s", limit=Limit(bound=0.5))
def overview_250() -> Measured:
    """The same with as many channels as the demo has"""
    return Measured(value=_seconds(DEMO)["overview"])


@row("console.pages", unit="s", limit=Limit(bound=2))
def pages() -> Measured:
    """The slowest page of all, without BigQuery's time"""
    return Measured(value=max(_seconds().values()))
