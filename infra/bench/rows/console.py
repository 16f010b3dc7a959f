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

CHANNELS, PROJECT = 10_000, "bench-console"


@cache
def _seconds() -> dict[str, float]:
    """Seconds of one look at each page that is read from Firestore."""
    function = deployment().functions["console"]
    with firestore_running() as host, patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": host}):
        looking.fill(firestore.Client(project=PROJECT), CHANNELS)
        return {
            page: timed(
                looking.__name__,
                page,
                PROJECT,
                environment=dict(os.environ),
                cpu=function.cpu,
                memory=int(function.memory.removesuffix("Mi")),
            )[0]
            for page in looking.PAGES
        }


@row("console.overview", unit="s", limit=Limit(bound=2))
def overview() -> Measured:
    """Seconds until the overview is whole, without BigQuery's time"""
    return Measured(value=_seconds()["overview"])


@row("console.pages", unit="s", limit=Limit(bound=2))
def pages() -> Measured:
    """The slowest page of all that are read from Firestore"""
    return Measured(value=max(_seconds().values()))
