"""What a day with news reads and writes of Firestore and asks of YouTube, counted on the wire: collectors and all.

It begins with the network and the schedules of `idle_day.py`. To these come reports of every type of the standard
profile, listed, loaded, certified; counts, metadata and figures; pages, notices of new videos, uploads.
What repeats is counted for some and multiplied: reports of two packs of 25 channels, an hour of the counts'
runs, ten of all else. How often pages, uploads and new videos come is the bill's assumption. Left out: messages
that meet YouTube's rate limit, so are delivered twice (the limiter takes a clock that moves by less than five
minutes for wrong), the fifty renewals at the hub, and the quality checks' alerts.
`python -m infra.bench.full_day` prints the figures of each schedule.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.bench import idle_day, uploading
from infra.bench.idle_day import DAY, USERS, Network, Tally
from infra.local import emulators
from infra.local.process import LOOPBACK, free_port
from infra.models.cost import ASSUMED
from shared.paging import groups
from shared.quota.profile import load

if TYPE_CHECKING:
    from shared.warehouse.statements import Warehouse

VIDEOS = 200
_LISTED, _SOME = 50, 10
_RUNS = 12


@cache
def counted(users: int = USERS) -> tuple[Tally, Tally]:
    """What a day without news reads, writes and asks, and one with everything."""
    with idle_day.connected(users) as network:
        network.pass_day()
        idle = network.tally.taken()
        full = Tally(*(_without(each, "collect-reports") for each in idle.counts))
        _all_day(network, full)
    return idle, full


def collectors(tally: Tally) -> tuple[int, ...]:
    """What all collectors read, write and ask in a day: the functions that are named so."""
    return tuple(
        sum(number for (name, _), number in counts.items() if name.startswith("collect-"))
        for counts in tally.counts
    )


def parts(tally: Tally) -> dict[str, float]:
    """How much of each bucket's daily units a day's requests take."""
    profile, units = load("current"), Counter[str]()
    for (_, method), count in tally.requests.items():
        if method in profile.methods:
            units[profile.method(method).bucket] += count * profile.method(method).cost
    return {bucket: used / profile.bucket(bucket).limit for bucket, used in units.items()}


def _without(counts: Counter[tuple[str, str]], schedule: str) -> Counter[tuple[str, str]]:
    return Counter({key: count for key, count in counts.items() if key[0] != schedule})


def _all_day(network: Network, day: Tally) -> None:
    """Add what the idle day has not."""
    from shared.collection import planner, week_answers

    count, many = partial(_count, network, day), len(network.channels)
    with _warehouse() as warehouse:
        listed, some = _packed(network)[:_LISTED], network.channels[:_SOME]
        reports = _Reports(network, warehouse)
        reports.prepare(listed)
        count("collect-reports", 1, reports.plan)
        count("collect-reports", many / len(listed), partial(reports.collect, listed))
        _to_hour(network, 12)
        hour = _counts(network)
        for times in (4, 20):  # in the first of six, connections are looked at
            count("collect-statistics", times, hour)
        night = _night(network, warehouse)
        night()
        network.pass_time(DAY)
        count("collect-metadata", 1, night)
        figures = _figures(network, warehouse)
        batch = planner.batches(network.channels)[0]
        for _ in range(24):
            if not figures.collect(batch)["unfinished"]:
                break
            network.pass_time(timedelta(hours=1))
        _to_hour(network, 0)
        count("collect-analytics", 1, figures.plan)
        count("collect-analytics", many / len(batch), lambda: figures.collect(batch))
        count("notices", many * ASSUMED.videos_a_channel / _SOME, partial(_hear, network, reports, some))
        _show(network, warehouse, some)
        network.pass_time(DAY)
        answers = partial(week_answers.ask, network.client, warehouse, network.clock)
        count("answers", many / _SOME * len(week_answers.AT), answers)
        count("pages", many / _SOME * ASSUMED.pages_a_channel, partial(_show, network, warehouse, some))
        count("publishing", ASSUMED.uploads, _upload(network))


def _packed(network: Network) -> list[str]:
    """The channels, those of a pack together."""
    from shared.collection import gone

    placed = gone.placed(network.client, gone.connections(network.client, network.channels))
    return sorted(placed, key=lambda name: placed[name].pack)


def _count(network: Network, day: Tally, name: str, times: float, work: Callable[[], object]) -> None:
    """Work once, and count it so many times."""
    network.tally.taken()
    network.tally.schedule = name
    work()
    for counts, new in zip(day.counts, network.tally.taken().counts, strict=True):
        for (_, about), found in new.items():
            counts[name, about] += round(found * times)


class _Reports:
    """Listing and loading, with messages and tasks as they come."""

    def __init__(self, network: Network, warehouse: Warehouse) -> None:
        from shared.collection.ingest import Ingest
        from shared.rate_limits.limiter import RateLimiter
        from shared.warehouse.report_types import PROFILES, newest
        from shared.youtube import reporting

        self.network, self.warehouse = network, warehouse
        self.kinds = newest(PROFILES["standard"], ())
        self.tasks, self.messages = list[Mapping[str, Any]](), list[tuple[str, Mapping[str, Any]]]()
        self.unlimited = RateLimiter(network.client, (), network.clock)
        self.collecting = replace(
            network.collecting, report_types=self.kinds, to_ingest=self._send, enqueue=self._enqueue
        )
        limiter = network.stand.limiter
        self.ingest = Ingest(
            client=network.client,
            warehouse=lambda: warehouse,
            report_types=self.kinds,
            quota=network.stand.ledger,
            caller_for=network.reports_caller(reporting.DOWNLOAD),
            check_rate=lambda: limiter.check(method=reporting.DOWNLOAD, user="system"),
            book=partial(limiter.book, method=reporting.DOWNLOAD, user="system", line="downloads"),
            to_ingest=self._send,
            to_ingest_at=lambda kind, message, _: self._send(kind, message),
            fetch_calls=_unused,
            confirm_calls=_unused,
            clock=network.clock,
            rng=network.rng,
        )

    def _send(self, kind: str, message: Mapping[str, Any]) -> None:
        self.messages.append((kind, message))

    def _enqueue(self, *task: Any) -> bool:
        self.tasks.append(task[3])
        return True

    def prepare(self, channel_ids: list[str]) -> None:
        """Have the month before today loaded as far as Firestore knows, and a day's reports issued since."""
        from infra.local.simulator.reporting.jobs import Jobs
        from shared.collection import gone, packs, reports
        from shared.collection.coverage import Outcome
        from shared.quota.blocks import Block
        from shared.youtube import reporting

        network, now = self.network, self.network.clock
        placed = gone.placed(network.client, gone.connections(network.client, channel_ids))
        network.stand.simulator.room(Jobs).held_at = None
        for days in (4, 1):
            with Block(network.stand.ledger, reporting.LIST, "system", upto=500) as block:
                callers = {
                    name: replace(network.caller(name, block), limiter=self.unlimited) for name in channel_ids
                }
                for kind, pack in product(self.kinds, sorted({place.pack for place in placed.values()})):
                    known, seen = packs.read(network.client, kind, pack)
                    looked = [
                        reports.look(callers[name], known.job(name), name, kind, now())
                        for name, place in placed.items()
                        if place.pack == pack
                    ]
                    found = reports.note(network.client, pack, kind, looked, now=now(), seen=seen)
                    loaded = [Outcome(ref=ref, rows=1, load_id="L") for each in found for ref in each.to_load]
                    reports.dispatched(network.client, pack, kind, [each.advanced for each in found])
                    packs.record(network.client, placed, kind, loaded, now=now(), report_types=self.kinds)
            network.pass_time(days * DAY)

    def plan(self) -> None:
        """The daily plan and audit of all channels."""
        from shared.collection import packs

        self.collecting.plan(everything=True)
        packs.every(self.network.client)
        self.tasks.clear()
        self.messages.clear()

    def collect(self, channel_ids: list[str]) -> None:
        """A day of whole packs of channels: listed, loaded, certified."""
        from shared.collection import certifying
        from shared.collection.places import SIZE
        from shared.collection.planner import Turn, asked_for

        network = self.network
        for batch in groups(channel_ids, SIZE):
            turn = Turn(channels=tuple(batch), report_types=self.kinds, run="news")
            self.tasks.append(turn.as_json())
        while self.tasks or self.messages:
            network.pass_time(timedelta(minutes=6))
            if self.messages:
                self.ingest.handle(*self.messages.pop(0))
            else:
                self.collecting.collect(asked_for(self.tasks.pop(0)))
        self.ingest.handle(certifying.KIND, {"channels": channel_ids})


def _counts(network: Network) -> Callable[[], None]:
    """An hour of runs, over 200 videos of each channel, which YouTube does not know: that changes no access."""
    from shared.clock import pacific_day
    from shared.collection import gone
    from shared.collection.statistics.collecting import Statistics, minute
    from shared.collection.statistics.law import EVERY, Video, outline
    from shared.collection.statistics.state import (
        FIFTIES_A_PACK,
        Counted,
        Entry,
        Outline,
        Pack,
        outline_write,
        pack_write,
    )
    from shared.quota.calendar import day_left

    rng, now = random.Random(1), minute(network.clock())  # noqa: S311
    entries, packs, in_a_pack = dict[str, Entry](), dict[int, Pack](), FIFTIES_A_PACK * 50 // VIDEOS
    for number, (channel_id, connection) in enumerate(gone.connections(network.client, network.channels).items()):
        videos = {
            f"{number:05}{each:06}": Video(
                published=now - 400 * 1440, read=now - rng.randrange(600), views=1_000, seen=24.0,
                rate=float(f"{rng.lognormvariate(3, 2):.3g}"),
            )
            for each in range(VIDEOS)
        }  # fmt: skip
        pack = number // in_a_pack
        entries[channel_id] = Entry(pack, fifties=tuple(outline(videos, now)))
        packs.setdefault(pack, {})[channel_id] = Counted(connection, videos)
    units, day = 9_000, pacific_day(network.clock())
    spent = int(units * (1 - day_left(day, network.clock() + EVERY)))  # as if each run had kept the pace
    known = Outline(entries=entries, heard_at=network.clock(), looked_at=network.clock(), day=day, spent=spent)
    for write in [outline_write(known), *(pack_write(number, pack) for number, pack in packs.items())]:
        network.client.document(write.path).set(dict(write.fields))
    room = Statistics(
        client=network.client,
        warehouse=_unused,
        quota=network.stand.ledger,
        caller_for=partial(network.caller, own=True),
        to_ingest=_unused,
        units=units,
        clock=network.clock,
        rng=rng,
    )

    def hour() -> None:
        for _ in range(_RUNS):
            network.pass_time(EVERY)
            assert room.run()["calls"] > 20

    return hour


def _night(network: Network, warehouse: Warehouse) -> Callable[[], None]:
    from shared.collection.metadata import Metadata
    from shared.collection.planner import METADATA, asked_for

    tasks = list[Mapping[str, Any]]()

    def enqueue(_queue: str, _name: str, _function: str, payload: Mapping[str, Any], _when: Any) -> bool:
        tasks.append(payload)
        return True

    room = Metadata(
        client=network.client,
        warehouse=lambda: warehouse,
        quota=network.stand.ledger,
        caller_for=partial(network.caller, own=True),
        to_ingest=_unused,
        enqueue=enqueue,
        units=2_000,
        clock=network.clock,
        rng=network.rng,
    )

    def night() -> None:
        for _ in range(2):
            room.plan()
            while tasks:
                room.collect(asked_for(tasks.pop(0), METADATA))
            network.pass_time(timedelta(hours=2))

    return night


def _figures(network: Network, warehouse: Warehouse) -> Any:
    from shared.collection.analytics.collecting import AnalyticsCollecting

    return AnalyticsCollecting(
        client=network.client,
        warehouse=lambda: warehouse,
        quota=network.stand.ledger,
        limiter=network.stand.limiter,
        caller_for=partial(network.caller, own=True),
        report_type="channel_basic_a3",
        retention=2,
        to_ingest=_unused,
        enqueue=lambda *_: True,
        clock=network.clock,
        rng=network.rng,
    )


def _to_hour(network: Network, hour: int) -> None:
    """A quarter past an hour of the next Pacific day; at the first one everybody's figures are due."""
    from shared.clock import next_reset

    network.pass_time(next_reset(network.clock()) + timedelta(hours=hour, minutes=15) - network.clock())


def _hear(network: Network, reports: _Reports, channel_ids: list[str]) -> None:
    """A new video of each channel, told of twice, and asked about."""
    from shared.clock import pacific_day
    from shared.collection import details
    from shared.push import receiving
    from shared.push.feed import VideoNotice

    now = network.clock()
    for channel_id in channel_ids:
        video = network.stand.simulator.world.all_videos_of(channel_id, pacific_day(now))[-1]
        notice = VideoNotice(
            video_id=video.id, channel_id=channel_id, updated=now - timedelta(seconds=5), title="New",
            published=now - timedelta(seconds=5),
        )  # fmt: skip
        for _ in range(2):
            reports.ingest.handle(receiving.KIND, receiving.message([notice], received=now))
        network.pass_time(timedelta(minutes=1))
        reports.ingest.handle(details.KIND, {})


def _show(network: Network, warehouse: Warehouse, channel_ids: list[str]) -> None:
    from shared.collection.channel_data import ChannelData
    from shared.collection.numbers import asked_for

    room = ChannelData(
        client=network.client,
        warehouse=lambda: warehouse,
        caller_for=lambda channel: network.caller(channel.channel_id, own=True),
        clock=network.clock,
    )
    for channel_id in channel_ids:
        room.answer(asked_for({"channel_id": channel_id}, network.clock()))


def _upload(network: Network) -> Callable[[], None]:
    """An upload, from the request to the video."""
    from infra.local import object_store
    from shared.cloud import storage
    from tests.emulators.publishing.bench import BUCKET, Bench

    def upload() -> None:
        with tempfile.TemporaryDirectory() as folder, object_store.serving(Path(folder)) as address:
            (Path(folder) / BUCKET).mkdir()
            os.environ |= {"STORAGE_EMULATOR_HOST": address, **uploading.ENVIRONMENT}
            storage.session.cache_clear()
            bench = Bench(network.stand, Path(folder))
            bench.video()
            network.tally.taken()
            ended = bench.settle(bench.submit(upload=bench.upload())[0])
            assert ended.state == "succeeded", ended.state

    return upload


@contextmanager
def _warehouse() -> Iterator[Warehouse]:
    """A dataset with every table and view, in an emulator of its own."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    from infra.warehouse import make
    from shared.warehouse.statements import Warehouse

    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        emulators.bigquery(port, free_port(), "test", Path(folder) / "log").running(),
    ):
        address = ClientOptions(api_endpoint=f"http://{LOOPBACK}:{port}")
        client = bigquery.Client(project="test", credentials=AnonymousCredentials(), client_options=address)
        made = Warehouse(client, "full_day")
        make(made, "US")
        yield made


def _unused(*_arguments: Any) -> Any:
    """What such a day does not need."""


def main() -> None:
    """Print what each schedule reads, writes and asks."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench.full_day", description=__doc__)
    parser.add_argument("--users", type=int, default=USERS, help="of five channels each, ten at least")
    for name, tally in zip(("without news", "with everything"), counted(parser.parse_args().users), strict=True):
        print(f"{name}\n{tally}")
        for bucket, part in parts(tally).items():
            print(f"{bucket:<26}{part:.2f} of a day's units")


if __name__ == "__main__":
    main()
