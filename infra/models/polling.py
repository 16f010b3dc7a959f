"""How soon a new video is known while the hub is dead for three days, and what that costs, in virtual time.

    python -m infra.models.polling       prints the table of infra/docs/collecting.md; takes a minute or two

Real are the decisions of `shared/collection/polling.py`, run every five minutes as declared. Made up are YouTube,
whose counts and playlists do not lag, the channels' videos (Poisson; how often each publishes is lognormal), and
the hub: it takes no request from the first moment on, which is noticed when the next renewal is due.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import exp

from shared.clock import pacific_day
from shared.collection import polling
from shared.collection.polling import LOOKS_MAX, Watch, Watched
from shared.push.hub import LEASE

BEGIN, DAYS = datetime(2026, 11, 9, tzinfo=UTC), 3
SIZES = ((250, 7.0), (250, 1.0), (10_000, 90.0), (10_000, 30.0), (10_000, 7.0))
"""Channels, and the days between two videos of one on average."""
SPREAD = 1.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the videos that were published meanwhile. units: the most of a day; longest: without news."""

    videos: int
    unknown: int
    delays: tuple[timedelta, ...]
    units: int

    def within(self, part: float) -> timedelta:
        """How long it takes until so many of all videos are known; what never was counts as for ever."""
        place = int(part * self.videos)
        return self.delays[place] if place < len(self.delays) else timedelta.max


def played(channels: int, every_days: float, seed: int = 1) -> Outcome:
    """Three days of a dead hub."""
    rng = random.Random(seed)  # noqa: S311 - a model
    rates = [exp(rng.gauss(-(SPREAD**2) / 2, SPREAD)) / every_days / 86_400 for _ in range(channels)]
    uploads = [sorted(_uploads(rate, rng)) for rate in rates]
    begun = int(BEGIN.timestamp())
    known = {
        f"UC{n:05}": Watch(0, begun - rng.randrange(86_400), begun - int(rng.random() / rate), 1 / rate)
        for n, rate in enumerate(rates)
    }
    noticed = BEGIN + timedelta(seconds=rng.expovariate(channels / (LEASE.total_seconds() / 2)))
    watched, done, delays = Watched(channels=known), [0] * channels, list[timedelta]()
    cost: Counter[object] = Counter()
    for tick in range(DAYS * 288 + 12 * 12):  # twelve hours more, for what was published last
        now = BEGIN + tick * polling.POLL_EVERY
        if now < noticed:
            continue
        watched = replace(watched, refusing=noticed)
        found, seconds = dict(watched.channels), int(now.timestamp())
        looked = units = 0
        left = watched.units_left(now)
        for call in polling.to_count(watched, now):
            if units >= left:
                break
            units += 1
            for name in call:
                n, each = int(name[2:]), found[name]
                count = done[n]
                while count < len(uploads[n]) and uploads[n][count] <= seconds:
                    count += 1
                if not each.unsettled(count):
                    found[name] = each.counted_as(count, seconds)
                elif looked < LOOKS_MAX and units < left:
                    units, looked = units + 1, looked + 1
                    delays += (timedelta(seconds=seconds - at) for at in uploads[n][done[n] : count])
                    done[n], found[name] = count, each.looked_at(count, count - done[n], seconds)
        cost[pacific_day(now)] += units
        watched = replace(watched.spent(units, now), channels=found)
    total = sum(map(len, uploads))
    return Outcome(
        videos=total, unknown=total - len(delays), delays=tuple(sorted(delays)), units=max(cost.values())
    )


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Several outages as one, since a small network publishes little in three days."""
    return Outcome(
        videos=sum(each.videos for each in outcomes),
        unknown=sum(each.unknown for each in outcomes),
        delays=tuple(sorted(delay for each in outcomes for delay in each.delays)),
        units=max(each.units for each in outcomes),
    )


def outages(channels: int, every_days: float) -> Outcome:
    """As many outages as tell of a thousand videos."""
    count = max(1, round(1_000 * every_days / channels / DAYS))
    return together([played(channels, every_days, seed) for seed in range(count)])


def _uploads(rate: float, rng: random.Random) -> list[int]:
    at, found = BEGIN.timestamp(), []
    while (at := at + rng.expovariate(rate)) < BEGIN.timestamp() + DAYS * 86_400:
        found.append(int(at))
    return found


def main() -> None:
    """Print the table."""
    print(
        "| channels | a video of each, days | videos | half known within | 99 % within | unknown | units a day |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for channels, every in SIZES:
        each = outages(channels, every)
        half, most = (str(each.within(part)).partition(".")[0] for part in (0.5, 0.99))
        print(
            f"| {channels:,} | {every:g} | {each.videos:,} | {half} | {most} | {each.unknown:,} | {each.units:,} |"
        )


if __name__ == "__main__":
    main()
