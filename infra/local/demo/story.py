"""The second act by steps: connecting, collecting, a push, a rotation, corrections, truth, counts, a dead hub."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from infra.grafana.answers import Answer, answers
from infra.local.demo import control, counting, gaps, outage, tables
from infra.local.demo.canary import leaks
from infra.local.demo.compare import Comparison, against_truth
from infra.local.demo.connect import Person, connect_all, people
from infra.local.demo.counting import Counting
from infra.local.demo.gaps import Gaps
from infra.local.demo.ledgers import (
    ReportCounts,
    quota_counts,
    quota_problems,
    quota_totals,
    report_counts,
    report_problems,
)
from infra.local.demo.outage import Outage
from infra.local.demo.pulse import SILENCE, Pulse, SoFar
from infra.local.demo.rotation import leftovers, rotate
from infra.local.demo.tables import Cells, Sample
from infra.local.demo.unmapped import Document, documents, unmapped
from infra.local.stack import Stack
from infra.local.supervisor import Say
from infra.observed import Matched
from shared.clock import last_full_day
from shared.collection.jobs import State

if TYPE_CHECKING:
    from google.cloud.bigquery import Client as Warehouse
    from google.cloud.firestore import Client as Firestore

HISTORY_DAYS = 30
LAG = timedelta(hours=74)  # past the 48 to 72 hours that YouTube takes, with room for the last file
CORRECTIONS = timedelta(days=3)
COLLECTING = timedelta(hours=14)  # since midnight UTC, when Cloud Scheduler starts the collection
HANDED_ON = timedelta(hours=2)  # what waits longer waits for something else than a rate limit
PATIENCE = 240.0  # seconds until everything that is listed must be loaded


@dataclass
class Story:
    """What the demo shows while it runs, and what it has learnt.

    problems: every difference, loss, doubling, leak or step that failed; none is success. secrets: how many were
    searched for. certified: days whose certificates hold; uncertified: what differs.
    panels: what each answers. cells: by table. levels: numbers of these that each of the guide's levels answers.
    quota: {bucket: {"ours", "google"}}.
    """

    say: Say
    pulse: Pulse
    seconds: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    connected: int = 0
    secrets: int = 0
    reports: ReportCounts = field(default_factory=ReportCounts)
    found: Comparison = field(default_factory=Comparison)
    gaps: Gaps = field(default_factory=Gaps)
    counting: Counting = field(default_factory=Counting)
    outage: Outage = field(default_factory=Outage)
    cells: dict[str, Cells] = field(default_factory=lambda: {tables.METRICS: Cells(), tables.VIDEOS: Cells()})
    levels: dict[str, int] = field(default_factory=dict)
    certified: int = 0
    uncertified: list[str] = field(default_factory=list)
    panels: list[Answer] = field(default_factory=list)
    quota: dict[str, dict[str, int]] = field(default_factory=dict)
    grants: Matched = field(default_factory=Matched)

    @contextmanager
    def phase(self, name: str, doing: str, so_far: SoFar = lambda: "") -> Iterator[None]:
        """One step: announced, told on the way, timed. When a part does not answer in time, that is a problem."""
        self.say(f"[bold]{doing}[/bold]")
        began, outcome = time.monotonic(), "done in"
        try:
            with self.pulse.telling(so_far):
                yield
        except SILENCE as error:
            self.problems.append(f"{name}: {error or type(error).__name__}")
            outcome = "[red]given up[/red] after"
        self.seconds[name] = round(time.monotonic() - began, 1)
        self.say(f"  {outcome} {self.seconds[name]:.1f} s")


def to_collecting_hour(stack: Stack) -> None:
    """Move the stack's clock to its next collecting hour.

    There it is far from midnight in California, around which we charge a call to both days and Google to one.
    """
    stack.advance(until(stack.now(), COLLECTING).total_seconds())


def until(now: datetime, since_midnight: timedelta) -> timedelta:
    """How long it is to the next moment that is so long after midnight, by the clock of `now`."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + since_midnight - now) % timedelta(days=1)


class MainJob:
    """One run of the second act on a running stack."""

    def __init__(self, stack: Stack, story: Story) -> None:
        os.environ.update(stack.env)  # the emulators' addresses, for Google's clients in this process
        from shared.cloud import bigquery, firestore  # after the environment is set

        self.stack = stack
        self.story = story
        self.firestore: Firestore = firestore.client()
        self.warehouse: Warehouse = bigquery.client()
        self.dataset = stack.env.get("YT_DATASET", "youtube")
        self.report_types = stack.env["YT_REPORT_TYPES"].split(",")
        self.done = ""  # what a phase says of itself so far

    def run(self, users: int) -> None:
        """The story. Problems are collected, not raised, so that the table can show all of them."""
        to_collecting_hour(self.stack)
        everybody = people(self.stack, users=users)
        channels = sum(len(person.channels) for person in everybody)
        phase, chosen = self.story.phase, tables.sample(self.stack, everybody)
        with phase(
            "connect",
            f"{len(everybody)} users connect {channels} channels through Google's consent",
            lambda: self.done,
        ):
            self.connect(everybody, channels, chosen)
            gaps.leave_out(self.stack, self.story.gaps, everybody[-1].channels[0], self.report_types[0])
        with phase(
            "collect", f"{LAG.total_seconds() / 3600:.0f} hours pass; YouTube has made the reports", self.collected
        ):
            self.pass_time(LAG)
            expected = self.story.connected * HISTORY_DAYS * len(self.report_types)
            self.collect(at_least=expected - len(self.story.gaps.never_issued))
            gaps.expire(self.stack, self.story.gaps, everybody[-1].channels[-1], self.report_types[0])
        with phase("push", "A channel publishes a video; the hub tells us"):
            self.push(everybody[0].channels[0])
        with phase("rotation", "The vault's key is rotated in the middle of it all"):
            rotate(self.stack)
        days = f"{CORRECTIONS.days} days pass; YouTube issues new days, and some days again"
        with phase("corrections", days, self.collected):
            self.pass_time(CORRECTIONS)
            self.collect(at_least=0)
        with phase(
            "secrets", "The old key is withdrawn; every secret ever issued is searched for", lambda: self.done
        ):
            self.search()
        with phase("compare", "Every number is held against the truth"):
            self.compare()
        with phase(
            "tables", "The guide's two tables, cell by cell, of some channels that Analytics is asked about"
        ):
            self.hold_tables(chosen)
        with phase("counts", "An hour of counts, every five minutes, of those channels' videos"):
            self.count(chosen)
        with phase("outage", "Three days without a hub: videos are found by counting, every five minutes"):
            self.outlast([channel for person in everybody for channel in person.channels])

    def connect(self, everybody: list[Person], channels: int, chosen: Sample) -> None:
        """Everybody connects; every channel that is not connected then is a problem."""

        def said(done: int) -> None:
            self.done = f"{done} of {channels} channels connected"

        said(0)
        failures = connect_all(self.stack, everybody, said=said, unticked=chosen.unticked)
        self.story.problems += [f"{channel} is not connected: {why}" for channel, why in failures.items()]
        self.story.connected = sum(1 for _ in self.firestore.collection("channels").select([]).stream())
        if self.story.connected != channels:
            self.story.problems.append(f"{self.story.connected} channels are connected instead of {channels}")
        self.settle(time.monotonic() + PATIENCE)  # a job that is made too late has made no reports in time

    def settle(self, deadline: float) -> None:
        """Wait until Cloud Tasks has nothing to do; the time of what a rate limit holds up is made to come."""
        while True:
            self.stack.wait_idle(timeout=PATIENCE)
            if time.monotonic() > deadline or not self.stack.to_next_task(within=HANDED_ON):
                return

    def pass_time(self, span: timedelta) -> None:
        """Move the clock of everything, then let YouTube issue nothing more until it moves again.

        Reports appear at any minute; without the pause one could appear between collecting and comparing. The push
        subscriptions are renewed as by the hourly runs that the jump leaves out, before their leases end.
        """
        control.tell(self.stack, "reporting/hold", at=None)
        self.stack.advance(span.total_seconds())
        control.tell(self.stack, "reporting/hold")
        self.trigger("renew-subscriptions")

    def collect(self, *, at_least: int) -> None:
        """The day's collection of all channels, and waiting until everything that it set off has landed."""
        answer = self.stack.call("collect_reports", {"everything": True})
        if answer.status_code != 200:
            self.story.problems.append(f"collect_reports answered {answer.status_code}: {answer.text}")
            return
        deadline = time.monotonic() + PATIENCE
        while True:
            self.settle(deadline)  # what is listed by then is in the ledger, and is waited for there
            states = report_counts(self.firestore).states
            if not states[State.LISTED] and states[State.LOADED] >= at_least:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"after {PATIENCE:.0f} s {states[State.LOADED]} reports are loaded, of at least {at_least}, "
                    f"and {states[State.LISTED]} are listed but not loaded"
                )
            time.sleep(2)

    def trigger(self, schedule: str) -> bool:
        """Let one of Cloud Scheduler's jobs run now; a refusal is a problem."""
        result = self.stack.trigger(schedule)
        if result["status"] != 200:
            self.story.problems.append(f"{schedule} answered {result['status']}: {result.get('body')}")
        return bool(result["status"] == 200)

    def collected(self) -> str:
        """How many reports have come how far, asked of those who know it without reading the whole ledger."""
        calls = control.ask(self.stack, "requests", limit="1")["counts"]
        listed, fetched = (
            calls.get(f"youtubereporting.{method}", {}).get("200", 0)
            for method in ("jobs.reports.list", "media.download")
        )
        sql = f"SELECT COUNT(*) FROM `{self.warehouse.project}.{self.dataset}.report_loads`"
        loaded = next(iter(self.warehouse.query(sql).result()))[0]
        return f"{listed:,} lists of reports read, {fetched:,} reports downloaded, {loaded:,} loaded"

    def push(self, channel: str) -> None:
        """A video appears in YouTube Studio; within seconds we must know of it."""
        video = control.tell(self.stack, "videos", channel_id=channel, title="Just published")["id"]
        deadline = time.monotonic() + 30
        while not self.firestore.document("videos", video).get().exists:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no notification about the new video {video} arrived within 30 s")
            time.sleep(0.1)

    def search(self) -> None:
        """Nothing speaks for the old key any more, and no secret stands anywhere in the clear."""
        self.done = "the key's old version is withdrawn"
        self.story.problems += leftovers(self.stack)

        def said(place: str) -> None:
            self.done = f"reading {place}"

        @cache
        def database() -> list[Document]:
            return list(documents(self.firestore))

        self.story.secrets, leaked = leaks(self.stack, database, self.warehouse, self.dataset, said=said)
        self.story.problems += leaked
        self.story.problems += unmapped(database())

    def compare(self) -> None:
        """The warehouse against the truth, and our books against YouTube's."""
        story, last = self.story, last_full_day(self.stack.now())
        first = last - timedelta(days=45)
        story.found = against_truth(
            self.stack, self.warehouse, self.dataset, report_types=self.report_types, first=first, last=last
        )
        story.problems += story.found.differences
        gaps.look(self.firestore, story.gaps, self.stack.now())
        story.problems += story.gaps.problems()
        story.reports = report_counts(self.firestore)
        story.problems += report_problems(story.reports, story.found)
        ours, google = quota_counts(self.stack, self.firestore)
        story.quota = quota_totals(ours, google)
        story.problems += quota_problems(ours, google)

    def hold_tables(self, chosen: Sample) -> None:
        """The guide's tables of some channels against the truth, and their certificates against what is stored."""
        from shared.warehouse.statements import Warehouse

        story, held = self.story, Warehouse(self.warehouse, self.dataset)
        untold = tables.prepare(self.stack, chosen)
        last = last_full_day(self.stack.now())
        story.cells = tables.compared(self.stack, held, chosen.channels, last, untold)
        story.problems += [each for cells in story.cells.values() for each in cells.differences]
        for days, wrong in tables.certified(self.stack, self.firestore, held, chosen.channels):
            story.certified += days
            story.uncertified += wrong
        story.problems += story.uncertified
        story.levels = tables.levels(self.stack, held, chosen.channels, last - timedelta(days=45))

    def count(self, chosen: Sample) -> None:
        """The counts of the videos that were read by night."""
        from shared.warehouse.statements import Warehouse

        found = self.story.counting
        counting.count(self.stack, Warehouse(self.warehouse, self.dataset), chosen.channels, found)
        self.story.problems += found.problems

    def outlast(self, channels: Sequence[str]) -> None:
        """What is published while the hub is dead becomes known all the same."""
        found, renew = self.story.outage, partial(self.trigger, "renew-subscriptions")
        outage.live_through(self.stack, self.firestore, channels, renew, found)
        self.story.problems += found.problems()

    def ask_panels(self) -> None:
        """What every panel answers, once the checks are run and the call log has come to the warehouse."""
        from shared.warehouse.statements import Warehouse

        for schedule in ("collect-statistics", "watch"):
            self.trigger(schedule)
            self.settle(time.monotonic() + PATIENCE)
        ends = time.monotonic() + PATIENCE
        while True:  # the call log comes by Pub/Sub, when `ingest` gets to it
            self.story.panels = list(answers(Warehouse(self.warehouse, self.dataset), self.stack.now()))
            problems = [each.problem for each in self.story.panels if each.problem]
            if not problems or time.monotonic() > ends:
                break
            time.sleep(1)
        self.story.problems += problems
