"""`python -m infra.audit`: writes the pack; exit status 1 when there is no stack to take pictures of."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.audit.pack import Facts, Screen, as_html, as_markdown
from infra.local.moved_clock import MovedClock
from infra.local.stack import running
from shared.access.receipts import RECEIPTS, Receipt
from shared.clock import system_clock
from shared.cloud.calls import call_options
from shared.monitoring.readable import readable

RECENT = 50
CONSOLE = "/console"


def main(given: Sequence[str] | None = None) -> int:
    """Write index.md, index.html and the pictures."""
    parser = argparse.ArgumentParser(prog="python -m infra.audit", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument(
        "--stack", nargs="?", const="", help="of the local stack that runs here, or in this folder, with pictures"
    )
    whose.add_argument(
        "--project", help="of a deployment, with the caller's permissions; YT_AGGREGATION as it has it"
    )
    asked = parser.parse_args(given)
    stack = _stack(asked.stack)
    if asked.project is None and stack is None:
        print("No local stack runs here: `make up` starts one.", file=sys.stderr)
        return 1
    asked.out.mkdir(parents=True, exist_ok=True)
    facts = _of_stack(stack, asked.out) if stack else _of_project(asked.project)
    text = as_markdown(facts)
    (asked.out / "index.md").write_text(text)
    (asked.out / "index.html").write_text(as_html(text))
    print(f"{asked.out / 'index.html'}: {len(facts.receipts)} receipts, {len(facts.screens)} pictures")
    return 0


def _stack(run: str | None) -> dict[str, Any] | None:
    """The newest stack that runs, or the one of a folder."""
    found = [] if run is None else [each for each in running() if run in ("", each["run"])]
    return found[-1] if found else None


def _of_stack(stack: dict[str, Any], out: Path) -> Facts:
    from infra.audit.screens import taken
    from infra.local.chromium import launched

    env = stack["env"]
    os.environ["FIRESTORE_EMULATOR_HOST"] = env["FIRESTORE_EMULATOR_HOST"]
    with launched() as browser:
        screens = taken(browser, f"{stack['addresses']['gateway']}{CONSOLE}", out)
    now = MovedClock(Path(stack["clock"])).now()
    return _facts(env["GOOGLE_CLOUD_PROJECT"], now, env.get("YT_AGGREGATION", ""), screens)


def _of_project(project: str) -> Facts:
    return _facts(project, system_clock(), os.environ.get("YT_AGGREGATION", ""), [])


def _facts(project: str, now: datetime, aggregation: str, screens: list[Screen]) -> Facts:
    return Facts(
        project=project, made_at=now, aggregation=aggregation, receipts=_receipts(project), screens=screens
    )


def _receipts(project: str) -> list[Receipt]:
    """The newest receipts; one that cannot be read is left out, and logged."""
    from google.cloud import firestore

    newest = firestore.Client(project=project).collection(RECEIPTS.collection)
    query = newest.order_by("requested_at", direction="DESCENDING").limit(RECENT)
    return list(readable(RECEIPTS, query.stream(**call_options())))


if __name__ == "__main__":
    sys.exit(main())
