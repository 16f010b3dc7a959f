"""Loads some days of a channel's reports again: asks `collect_reports` for it, and prints its answer.

    make backfill CHANNEL=UC... FROM=2026-11-01 TO=2026-11-14 [TYPE=channel_basic_a3] [PROJECT=p]

Without a project it is the local stack's that runs here; of a project, by gcloud.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.deployment import deployment
from infra.local import loopback
from infra.local.identity import IdentityKey
from infra.local.moved_clock import MovedClock
from infra.local.parts import IDENTITY_KEY
from infra.local.stack import running

FUNCTION = "collect_reports"
CALLER = "task-queues"


def main() -> int:
    """Exit status 0 when the days are queued or dispatched."""
    parser = argparse.ArgumentParser(prog="make backfill", description=__doc__)
    parser.add_argument("--channel", required=True)
    parser.add_argument("--from", dest="first", required=True, help="the first Pacific day")
    parser.add_argument("--to", dest="last", required=True, help="the last one, included")
    parser.add_argument("--type", help="one report type; without it, all that are collected")
    parser.add_argument("--project", help="of a deployment; without it, the stack that runs here")
    given = parser.parse_args()
    asked = {"channel": given.channel, "from": given.first, "to": given.last, "type": given.type}
    body = json.dumps({"backfill": asked})
    if given.project:
        place = (f"--project={given.project}", f"--region={deployment().region}")
        command = ("gcloud", "functions", "call", FUNCTION, "--gen2", *place, f"--data={body}")
        return subprocess.run(command, check=False).returncode
    stacks = running()
    if not stacks:
        print("No local stack runs here: `make up` starts one, PROJECT= names a deployment.", file=sys.stderr)
        return 1
    return ask(stacks[-1], body)


def ask(stack: dict[str, Any], body: str) -> int:
    """Ask a running stack's function, as Cloud Tasks does; answers the exit status."""
    url = stack["addresses"][FUNCTION]
    token = IdentityKey.load_or_create(Path(stack["run"]) / IDENTITY_KEY).token(
        email=deployment().address(CALLER, stack["env"]["GOOGLE_CLOUD_PROJECT"]),
        audience=url,
        now=MovedClock(Path(stack["clock"])).now(),
    )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = loopback.http().post(url, content=body, headers=headers)
    print(json.dumps(answer.json(), indent=2))
    return 0 if answer.is_success else 1


if __name__ == "__main__":
    sys.exit(main())
