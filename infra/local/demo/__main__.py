"""`make demo`: runs the story, shows each step, ends with a table and an exit status that can be trusted."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from infra.local import loopback, status
from infra.local.demo.canary import leaks
from infra.local.demo.compare import Comparison, against_truth
from infra.local.demo.connect import Person, connect_all, people
from infra.local.demo.ledgers import ReportCounts, quota_counts, report_counts
from infra.local.demo.publishing import perform
from infra.local.demo.rotation import leftovers, rotate
from infra.local.emulators import Missing
from infra.local.process import PartFailed
from infra.local.stack import Stack
from shared.clock import last_full_day

if TYPE_CHECKING:
    from google.cloud.bigquery import Client as Warehouse
    from google.cloud.firestore import Client as State

HISTORY_DAYS = 30
LAG = timedelta(hours=74)  # past the 48 to 72 hours that YouTube takes, with room for the last file
CORRECTIONS = timedelta(days=3)
SHOWN = 10
# Connectors report 60 calls a minute for the Reporting API, which YouTube does not document; with it, the first
# day of 250 channels would last two hours. The simulator enforces it only when told to, and here neither side
# does. The daily limit holds.
SETTINGS = {"YT_REPORT_TYPES": "channel_basic_a3", "YT_RATE_LIMITS": "reporting=off"}


@dataclass
class Story:
    """What the demo has learnt so far.

    problems: every difference, loss, doubling or leak; none is success. secrets: how many were searched for.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    secrets: int = 0


class Demo:
    """One run of the story on a running stack."""

    def __init__(self, stack: Stack, screen: Console) -> None:
        os.environ.update(stack.env)  # the emulators' addresses, for Google's clients in this process
        from shared.cloud import bigquery, firestore  # noqa: PLC0415 - after the environment is set

        self.stack = stack
        self.screen = screen
        self.story = Story()
        self.state: State = firestore.client()
        self.warehouse: Warehouse = bigquery.client()
        self.dataset = stack.env.get("YT_DATASET", "youtube")

    @contextmanager
    def phase(self, name: str, doing: str) -> Iterator[None]:
        """One step: announced, timed, told when done."""
        self.screen.print(f"[bold]{doing}[/bold]")
        began = time.monotonic()
        yield
        self.story.seconds[name] = round(time.monotonic() - began, 1)
        self.screen.print(f"  done in {self.story.seconds[name]:.1f} s")

    def run(self, users: int) -> tuple[list[Person], Comparison, ReportCounts, dict[str, dict[str, int]]]:
        """The story. Problems are collected, not raised, so that the table can show all of them."""
        everybody = people(self.stack, users=users)
        channels = sum(len(person.channels) for person in everybody)
        with self.phase("connect", f"{len(everybody)} users connect {channels} channels through Google's consent"):
            failures = connect_all(self.stack, everybody, said=lambda n: self.progress(n, channels, "channels"))
            self.story.problems += [f"{channel} is not connected: {why}" for channel, why in failures.items()]
            self.stack.wait_idle(timeout=120)
        with self.phase("collect", f"{LAG.total_seconds() / 3600:.0f} hours pass; YouTube has made the reports"):
            self.pass_time(LAG)
            self.collect(at_least=(channels - len(failures)) * HISTORY_DAYS)
        with self.phase("push", "A channel publishes a video; the hub tells us"):
            self.push(everybody[0].channels[0])
        with self.phase("rotation", "The vault's key is rotated in the middle of it all"):
            rotate(self.stack)
        with self.phase(
            "corrections", f"{CORRECTIONS.days} days pass; YouTube issues new days, and some days again"
        ):
            self.pass_time(CORRECTIONS)
            self.collect(at_least=0)
        with self.phase("secrets", "The old key is withdrawn; every secret ever issued is searched for"):
            self.story.problems += leftovers(self.stack)
            self.story.secrets, leaked = leaks(self.stack, self.state, self.warehouse, self.dataset)
            self.story.problems += leaked
        with self.phase("compare", "Every number is held against the truth"):
            last = last_full_day(self.stack.now())
            found = against_truth(
                self.stack, self.warehouse, self.dataset, first=last - timedelta(days=45), last=last
            )
            self.story.problems += found.differences
            counts = report_counts(self.state)
            self.check_counts(found, counts)
            quota = quota_counts(self.stack)
            self.story.problems += [
                f"quota {bucket}: we count {both['ours']}, Google {both['google']}"
                for bucket, both in quota.items()
                if both["ours"] != both["google"]
            ]
        return everybody, found, counts, quota

    def pass_time(self, span: timedelta) -> None:
        """Move the clock of everything, then let YouTube issue nothing more until it moves again.

        Reports appear at any minute; without the pause one could appear between collecting and comparing.
        """
        self.control("reporting/hold", {"at": None})
        self.stack.advance(span.total_seconds())
        self.control("reporting/hold", {})

    def control(self, path: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Tell the simulator something; answers what it says."""
        answer = loopback.http().post(f"{self.stack.simulator}/control/{path}", json=wish, timeout=30)
        told: dict[str, Any] = answer.raise_for_status().json()
        return told

    def collect(self, *, at_least: int) -> None:
        """What Cloud Scheduler does at 14:00 UTC, and waiting until everything that it set off has landed."""
        result = self.stack.trigger("collect-reports-daily")
        if result["status"] != 200:
            self.story.problems.append(f"collect-reports-daily answered {result['status']}: {result.get('body')}")
            return
        deadline = time.monotonic() + 240
        while True:
            self.stack.wait_idle(timeout=240)  # what is listed by then is in the ledger, and is waited for there
            counts = report_counts(self.state)
            self.progress(counts.loaded, max(counts.loaded + counts.waiting, at_least), "reports")
            if not counts.waiting and counts.loaded >= at_least:
                return
            if time.monotonic() > deadline:
                self.story.problems.append(f"after 240 s {counts.waiting} listed reports are not loaded")
                return
            time.sleep(2)

    def push(self, channel: str) -> None:
        """A video appears in YouTube Studio; within seconds we must know of it."""
        video = self.control("videos", {"channel_id": channel, "title": "Just published"})["id"]
        deadline = time.monotonic() + 30
        while not self.state.document("videos", video).get().exists:
            if time.monotonic() > deadline:
                self.story.problems.append(f"no notification about the new video {video} arrived within 30 s")
                return
            time.sleep(0.1)

    def check_counts(self, found: Comparison, counts: ReportCounts) -> None:
        """Our ledger of reports against YouTube's own list."""
        if counts.failed or counts.waiting:
            self.story.problems.append(f"{counts.failed} reports unreadable, {counts.waiting} not loaded")
        if counts.listed != found.listed:
            self.story.problems.append(f"we listed {counts.listed} reports, YouTube issued {found.listed}")
        if counts.superseded != found.superseded:
            self.story.problems.append(
                f"we saw {counts.superseded} reports superseded, YouTube issued {found.superseded} again"
            )

    def progress(self, done: int, total: int, what: str) -> None:
        """A line that rewrites itself on a terminal, and stays quiet elsewhere."""
        if self.screen.is_terminal:
            self.screen.print(f"  {done} of {total} {what}", end="\r")


def main() -> int:
    """Exit status 0 only if nothing differs from the truth and nothing was lost or doubled."""
    given, screen = _arguments(), Console()
    if not screen.is_terminal:
        screen.width = 120  # a log has no width of its own
    began = time.monotonic()
    try:
        screen.print("[bold]First act: publishing on a budget made small[/bold]")
        act = perform(screen)
        acted = round(time.monotonic() - began, 1)
        screen.print(f"  done in {acted:.1f} s")
        screen.print("[bold]Second act: the main job. Starting the local stack[/bold]")
        stack = Stack.start(
            users=given.users,
            channels_per_user=given.channels_per_user,
            seed=given.seed,
            schedules_paused=True,
            settings=SETTINGS,
            say=lambda text: screen.print(text, markup=False),
        )
    except (PartFailed, Missing) as failure:
        screen.print(str(failure), markup=False)
        return 1
    with stack:
        screen.print(status.table(status.rows(stack.supervisor.parts.values()), title="Local stack"))
        screen.print(f"  ready in {stack.seconds:.1f} s")
        demo = Demo(stack, screen)
        demo.story.seconds |= {"publishing": acted, "start": round(stack.seconds, 1)}
        demo.story.problems += act.problems
        result = summary(demo, *demo.run(given.users))
        result["publishing"] = act.as_json()
        result["seconds"]["total"] = round(time.monotonic() - began, 1)
        after = status.rows(stack.supervisor.parts.values())
        result["memory_mib"] = {row.name: row.memory // status.MIB for row in after if row.memory}
        show(screen, demo, result)
        if given.json:
            Path(given.json).write_text(json.dumps(result, indent=2) + "\n")
        if given.keep:
            screen.print("Ctrl-C ends everything.")
            _wait_for_interrupt()
    return 1 if demo.story.problems else 0


def summary(
    demo: Demo, everybody: list[Person], found: Comparison, counts: ReportCounts, quota: dict[str, dict[str, int]]
) -> dict[str, Any]:
    """The demo's result for programs."""
    connected = sum(1 for _ in demo.state.collection("channels").select([]).stream())
    asked = sum(len(person.channels) for person in everybody)
    if connected != asked:
        demo.story.problems.append(f"{connected} channels are connected instead of {asked}")
    return {
        "channels_connected": connected,
        "reports": {"listed": counts.listed, "loaded": found.loaded, "superseded": counts.superseded},
        "rows": found.rows,
        "quota": quota,
        "truth": {"compared": found.compared, "different": len(found.differences)},
        "totals": {
            name: {"ours": float(found.totals[name]), "truth": float(found.true_totals[name])}
            for name in found.totals
        },
        "secrets_searched": demo.story.secrets,
        "seconds": dict(demo.story.seconds),
    }


def show(screen: Console, demo: Demo, result: dict[str, Any]) -> None:
    """The closing table, what went wrong if anything did, and where to look."""
    table = Table(title="The main job", show_header=True, header_style="bold")
    for column, side in (("", "left"), ("ours", "right"), ("YouTube's", "right")):
        table.add_column(column, justify=side)  # type: ignore[arg-type]
    reports = result["reports"]
    table.add_row("channels connected", f"{result['channels_connected']:,}", "")
    table.add_row("reports listed", f"{reports['listed']:,}", "")
    table.add_row("reports loaded", f"{reports['loaded']:,}", "")
    table.add_row("reports superseded", f"{reports['superseded']:,}", "")
    table.add_row("rows that count", f"{result['rows']:,}", "", end_section=True)
    for name, both in result["totals"].items():
        table.add_row(f"total {name}", f"{both['ours']:,.2f}", f"{both['truth']:,.2f}")
    table.add_section()
    for bucket, both in result["quota"].items():
        table.add_row(f"quota: {bucket}", f"{both['ours']:,}", f"{both['google']:,}")
    table.add_section()
    table.add_row("channel days compared", f"{result['truth']['compared']:,}", "")
    table.add_row("different", f"{result['truth']['different']:,}", "")
    table.add_row("secrets searched for, none found", f"{result['secrets_searched']:,}", "")
    for name, seconds in result["seconds"].items():
        table.add_row(f"seconds: {name}", f"{seconds:,.1f}", "")
    table.add_row("memory of the stack, MiB", f"{sum(result['memory_mib'].values()):,}", "")
    screen.print(table)
    screen.print(f"Console: {demo.stack.url('gateway')}/console  (make demo KEEP=1 leaves it running)")
    for problem in demo.story.problems[:SHOWN]:
        screen.print(f"[red]{problem}[/red]", markup=True)
    if len(demo.story.problems) > SHOWN:
        screen.print(f"[red]... and {len(demo.story.problems) - SHOWN} more[/red]")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--channels-per-user", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", help="also write the result here")
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Ctrl-C")
    return parser.parse_args()


def _wait_for_interrupt() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
