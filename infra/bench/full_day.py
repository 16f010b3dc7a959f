"""What the collectors of counts, metadata and figures, and a channel's page, read and write of Firestore in a day.

Counted on the wire as `idle_day.py` counts, with whose network this begins. What channels or runs repeat is
counted for some and multiplied: an hour of `collect_statistics`, the second day of ten channels' figures, and ten
channels' pages, of which each is shown four times a day with everything in it read anew.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local import emulators
from infra.local.process import LOOPBACK, free_port

if TYPE_CHECKING:
    from infra.bench.idle_day import Network
    from shared.warehouse.statements import Warehouse

_VIDEOS, _SOME, _RUNS, _PAGES = 200, 10, 12, 4


def collect(network: Network) -> None:
    """Add the day to the network's tally."""
    with _warehouse() as warehouse:
        _times(network, "collect-statistics", 24, lambda: _counts(network))
        for _ in range(2):
            _times(network, "collect-metadata", 1, lambda: _night(network, warehouse))
        share = len(network.channels) // _SOME
        figures = _figures(network, warehouse)
        for _ in range(24):
            if not figures.collect(network.channels[:_SOME])["unfinished"]:
                break
            _pass(network, timedelta(hours=1))
        _pass(network, timedelta(days=1))
        _times(network, "collect-analytics", 1, figures.plan)
        _times(network, "collect-analytics", share, lambda: figures.collect(network.channels[:_SOME]))
        _times(network, "channel_data", share * _PAGES, lambda: _show(network, warehouse))


def _times(network: Network, name: str, times: int, work: Callable[[], object]) -> None:
    """Work once, and count it so many times."""
    tally = network.tally
    before = tally.reads, tally.writes
    tally.schedule, tally.reads, tally.writes = name, Counter(), Counter()
    work()
    tally.reads, tally.writes = (
        Counter({key: all_before[key] + times * new[key] for key in all_before | new})
        for all_before, new in zip(before, (tally.reads, tally.writes), strict=True)
    )


def _counts(network: Network) -> None:
    """An hour of runs, over 200 videos of each channel, which YouTube does not know: that changes no access."""
    from shared.collection import gone
    from shared.collection.statistics.collecting import Statistics
    from shared.collection.statistics.law import Video, outline
    from shared.collection.statistics.learning import minute
    from shared.collection.statistics.state import Counted, Entry, Outline, Pack, outline_write, pack_write

    rng, now = random.Random(1), minute(network.clock())  # noqa: S311
    entries, packs = dict[str, Entry](), dict[int, Pack]()
    for number, (channel_id, connection) in enumerate(gone.connections(network.client, network.channels).items()):
        videos = {
            f"{number:05}{each:06}": Video(
                published=now - 400 * 1440, read=now - rng.randrange(600), views=1_000, seen=24.0,
                rate=float(f"{rng.lognormvariate(3, 2):.3g}"),
            )
            for each in range(_VIDEOS)
        }  # fmt: skip
        entries[channel_id] = Entry(number // 20, fifties=tuple(outline(videos, now)))
        packs.setdefault(number // 20, {})[channel_id] = Counted(connection, videos)
    known = Outline(entries=entries, heard_at=network.clock(), looked_at=network.clock())
    for write in [outline_write(known), *(pack_write(number, pack) for number, pack in packs.items())]:
        network.client.document(write.path).set(dict(write.fields))
    network.tally.reads.clear()
    network.tally.writes.clear()
    room = Statistics(
        client=network.client,
        warehouse=_unused,
        quota=network.stand.ledger,
        caller_for=network.caller,
        to_ingest=_unused,
        units=9_000,
        clock=network.clock,
        rng=rng,
    )
    for _ in range(_RUNS):
        _pass(network, timedelta(minutes=5))
        assert room.run()["calls"] > 20


def _night(network: Network, warehouse: Warehouse) -> None:
    from shared.collection.metadata import Metadata
    from shared.collection.turns import METADATA, asked_for

    tasks = list[Mapping[str, Any]]()

    def enqueue(_queue: str, _name: str, _function: str, payload: Mapping[str, Any], _when: Any) -> bool:
        tasks.append(payload)
        return True

    room = Metadata(
        client=network.client,
        warehouse=lambda: warehouse,
        quota=network.stand.ledger,
        caller_for=network.caller,
        to_ingest=_unused,
        enqueue=enqueue,
        units=2_000,
        clock=network.clock,
        rng=network.rng,
    )
    _pass(network, timedelta(hours=12))
    room.plan()
    while tasks:
        room.collect(asked_for(tasks.pop(0), METADATA))


def _figures(network: Network, warehouse: Warehouse) -> Any:
    from shared.collection.analytics.collecting import AnalyticsCollecting

    return AnalyticsCollecting(
        client=network.client,
        warehouse=lambda: warehouse,
        quota=network.stand.ledger,
        limiter=network.stand.limiter,
        caller_for=lambda channel_id, block, burst: replace(network.caller(channel_id, block), limiter=burst),
        report_type="channel_basic_a3",
        retention=2,
        to_ingest=_unused,
        enqueue=lambda *_: True,
        clock=network.clock,
        rng=network.rng,
    )


def _show(network: Network, warehouse: Warehouse) -> None:
    from shared.collection.cache import Cache
    from shared.collection.channel_data import ChannelData, asked_for

    room = ChannelData(
        client=network.client,
        cache=Cache(client=network.client, clock=network.clock),
        warehouse=lambda: warehouse,
        caller_for=lambda channel: network.caller(channel.channel_id),
        clock=network.clock,
    )
    for channel_id in network.channels[:_SOME]:
        room.answer(asked_for({"channel_id": channel_id}, network.clock()))


def _pass(network: Network, time: timedelta) -> None:
    network.stand.advance(seconds=time.total_seconds())


@contextmanager
def _warehouse() -> Iterator[Warehouse]:
    """A dataset with every table and view, in an emulator of its own."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    from shared.warehouse.schema import make
    from shared.warehouse.statements import Warehouse

    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        emulators.bigquery(port, free_port(), "test", Path(folder) / "log").running(),
    ):
        address = ClientOptions(api_endpoint=f"http://{LOOPBACK}:{port}")
        client = bigquery.Client(project="test", credentials=AnonymousCredentials(), client_options=address)
        made = Warehouse(client, "full_day")
        make(made, "US", "one-content-owner")
        yield made


def _unused(*_arguments: Any) -> Any:
    """What such a day does not need."""
