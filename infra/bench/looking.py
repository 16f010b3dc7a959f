"""One look at a page of the console, in a process of its own: `python -m infra.bench.looking PAGE PROJECT`.

Firestore is the emulator of the environment, filled by `fill`. Without BigQuery: the warehouse is empty.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from google.cloud import firestore

from shared.access.features import capabilities, scopes_for
from shared.channels import CHANNELS, Channel, Refusal
from shared.clock import pacific_day, system_clock
from shared.collection import packs, places
from shared.collection.jobs import Job
from shared.collection.packs import Pack, Part
from shared.console.page import render
from shared.console.parts import seen
from shared.console.read import Ask, Loaded, Reads
from shared.paging import groups
from shared.quota.ledger import Ledger
from shared.quota.profile import load
from shared.tokens.health import CONNECTED, REAUTH_REQUIRED
from shared.warehouse.statements import Warehouse

KIND = "channel_basic_a3"
_OF_ALL = ("overview", "channels", "coverage", "quota", "operations", "push", "alerts", "quality", "questions")
PAGES: Mapping[str, Mapping[str, str]] = {
    **{page: {} for page in _OF_ALL},
    **{page: {"channel": f"UC{1:022}"} for page in ("channel", "videos")},
}
"""Each page with what is asked of it; of those that ask BigQuery too, what is read from Firestore."""
_OF_USER = 5


def fill(client: firestore.Client, count: int) -> None:
    """Channels of five to a user, each with a reporting job and a subscription; a few of each trouble."""
    for some in groups(_documents(count), 500):
        batch = client.batch()
        for path, fields in some:
            batch.set(client.document(path), fields)
        batch.commit()
    placed, _ = places.take(client, {f"UC{number:022}": "c" for number in range(count)})
    for pack in sorted({place.pack for place in placed.values()}):
        jobs = {name: Part(_job(int(name[2:])), {}) for name, place in placed.items() if place.pack == pack}
        packs.change(client, KIND, pack, [], partial(_stored, jobs))


def _stored(jobs: Mapping[str, Part], _: Pack) -> tuple[None, Mapping[str, Part]]:
    return None, jobs


def _job(number: int) -> Job:
    name, now, missing = f"UC{number:022}", system_clock(), number % 40 == 1
    absent = ((pacific_day(now) - timedelta(days=9)).isoformat(),)
    return Job(
        name=f"{name}:{KIND}", channel_id=name, report_type=KIND, job_id="j", created_at=now, since=now,
        seen_at=now, absent=absent if missing else (), at_risk=missing,
    )  # fmt: skip


def _documents(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    now = system_clock()
    for number in range(count):
        name = f"UC{number:022}"
        channel = Channel(
            channel_id=name,
            user_id=f"user-{number // _OF_USER}",
            title=f"Channel {number}",
            state=REAUTH_REQUIRED if number % 50 == 7 else CONNECTED,
            state_since=now,
            connected_at=now,
            collect_at=now - timedelta(hours=number % 30),
            capabilities=capabilities(("analytics", "publish"), scopes_for(("analytics",))),
            refusals={"youtube": Refusal(reason="forbidden", since=now, until=None)} if number % 90 == 3 else {},
            warnings={"testing": now} if number % 70 == 5 else {},
        )
        lease = {"state": "active", "lease_until": now + timedelta(days=number % 60 - 1), "last_notification": now}
        yield CHANNELS.path(name), CHANNELS.fields(channel)
        yield f"subscriptions/{name}", lease


def reads(client: firestore.Client) -> Reads:
    """What the pages are read from here."""
    profile = load("current")
    ledger = Ledger(client, profile, system_clock)

    def nowhere() -> Warehouse:
        raise ConnectionError("There is no warehouse here.")

    return Reads(
        client=client,
        warehouse=nowhere,
        usage=lambda rows: ledger.usage(rows=rows),
        loaded=Loaded,
        profile=profile,
        report_types=lambda: (KIND,),
        app_url="https://app.example.test",
    )


def main(page: str, project: str) -> None:
    """Look once to have everything loaded, then once when told to."""
    found = reads(firestore.Client(project=project))
    look = Ask(query=PAGES[page], now=system_clock())
    render(seen(found, page, look))
    print("ready", flush=True)
    sys.stdin.readline()
    print(len(render(seen(found, page, look))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
