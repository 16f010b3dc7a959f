"""`python -m infra.local.scheduler`: fire the declared schedules until told to end."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from infra.deployment import deployment
from infra.local.identity import IdentityKey
from infra.local.process import LOOPBACK
from infra.local.scheduler.app import Scheduler
from infra.local.scheduler.book import opened
from shared.clock import system_clock
from shared.settings import settings


def main() -> None:
    """Serve the control API and watch the clock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--functions", required=True, help="functions that run here, comma separated")
    parser.add_argument("--identity-key", type=Path, required=True)
    parser.add_argument("--paused", action="store_true", help="start with every schedule paused")
    given = parser.parse_args()
    running = set(given.functions.split(","))
    schedules = [s for s in deployment().schedules.values() if s.function in running]
    scheduler = Scheduler(
        declared=deployment(),
        settings=settings(),
        book=opened(schedules, system_clock(), paused=given.paused),
        identity=IdentityKey.load_or_create(given.identity_key),
        clock=system_clock,
    )
    uvicorn.run(
        scheduler.app(),
        host=LOOPBACK,
        port=given.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
