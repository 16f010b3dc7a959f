"""What a day's calls make of the counts of 250 channels' 200 videos each, in virtual time, against an oracle.

    python -m infra.models.statistics [--seed N]            prints a table
    python -m infra.models.statistics --chart PATH          draws one bursting video as SVG

Real are the law, the outlines and the number of calls. Made up are the worlds: rates spread log-normally (by
sigma), fall with age by a power that differs from video to video, swing with the hour of the day by the channel's
zone, and burst: of videos the more, the more they are watched. The estimates begin with nothing but a first count
and an age. The error is exact: a count only grows, so what is expected of |true - known| between two readings is
the integral of what is expected to be gained; only what is read is drawn.

The oracle knows every rate, bursts too, and fills its calls with the 50 videos of a channel that have the largest
rate x time squared; "rate x time" likewise without the square. Sweeps read everything equally often. A burst is
noticed at the first reading after it has begun, which it does not hasten; so the time until half of them are is
exact, too: over all videos, by what is watched, and all moments. No schedule that does not foresee bursts notices
half of them before "the least".
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from heapq import nlargest
from itertools import accumulate
from pathlib import Path

from shared.collection.statistics import law
from shared.collection.statistics.law import Video
from shared.youtube.data import IDS_MAX

CHANNELS, VIDEOS, CALLS, STEPS, HOUR = 250, 200, 36, 288, 12
"""CALLS: a day, for each channel. Steps of five minutes; HOUR of them."""
SPREADS = (1.0, 1.5, 2.0, 2.5)
BURST, LASTS, BURSTS, BEGIN = 20, 6 * HOUR, 200, 2 * HOUR
"""How many times a rate, for how long, how many a day, and the first step at which one begins."""
_BEGIN = 29_000_000  # the minute at which the day begins


@dataclass(frozen=True, kw_only=True)
class World:
    """One day. rates: of each hour, views an hour of every video. bursts: of a video, the step when it begins."""

    ages: Sequence[float]
    first: Sequence[int]
    rates: Sequence[Sequence[float]]
    bursts: dict[int, int] = field(default_factory=dict)
    gained_by: list[list[float]] = field(default_factory=list)
    summed_by: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        gained, summed = [0.0] * len(self.ages), [0.0] * len(self.ages)
        for rates in [*self.rates, self.rates[-1]]:
            self.gained_by.append(gained)
            self.summed_by.append(summed)
            summed = [s + g + r / 2 for s, g, r in zip(summed, gained, rates, strict=True)]
            gained = [g + r for g, r in zip(gained, rates, strict=True)]

    @property
    def channels(self) -> range:
        """Of each channel the first of its videos."""
        return range(0, len(self.ages), VIDEOS)

    def calls(self, step: int) -> int:
        """How many a run makes."""
        calls = CALLS * len(self.channels)
        return calls * step // (STEPS - 1) - calls * (step - 1) // (STEPS - 1)

    def until(self, video: int, step: int) -> tuple[float, float]:
        """Views that are expected since the day began, and their integral in hours."""
        hour, part = divmod(step, HOUR)
        t, rate, by = part / HOUR, self.rates[min(hour, 23)][video], self.gained_by[hour][video]
        gained, summed = by + rate * t, self.summed_by[hour][video] + by * t + rate * t * t / 2
        begin = self.bursts.get(video)
        if begin is not None and step > begin:
            more, t = (BURST - 1) * self.rates[begin // HOUR][video], (step - begin) / HOUR
            lasts = min(t, LASTS / HOUR)
            gained += more * lasts
            summed += more * (lasts * lasts / 2 + lasts * (t - lasts))
        return gained, summed

    def least(self) -> float:
        """Minutes in which the calls can read the fifties in which half of all bursts begin."""
        rates, fifties = self.rates[0], list[float]()
        for low in self.channels:
            fastest = sorted(rates[low : low + VIDEOS], reverse=True)
            fifties += [sum(fastest[at : at + IDS_MAX]) for at in range(0, VIDEOS, IDS_MAX)]
        half, read, needed = sum(fifties) / 2, 0.0, 0
        for fifty in sorted(fifties, reverse=True):
            if read >= half:
                break
            read, needed = read + fifty, needed + 1
        return needed * 24 * 60 / (CALLS * len(self.channels))


@cache
def world(spread: float, seed: int = 0, channels: int = CHANNELS) -> World:
    """A world whose decay is drawn anew with every seed."""
    rng = random.Random(f"{spread} {seed}")  # noqa: S311
    power, shoulder = rng.uniform(0.5, 1.3), rng.uniform(12, 120)
    ages, first, scales, decays = list[float](), list[int](), list[float](), list[tuple[float, float]]()
    for _ in range(channels):
        size = 200 * rng.lognormvariate(0, 0.5)
        for _ in range(VIDEOS):
            age = min(3_000.0, max(0.05, rng.expovariate(1 / 400))) * 24
            g = min(1.9, max(0.2, rng.gauss(power, 0.15)))
            g, s = (g if abs(g - 1) > 0.01 else 1.01), shoulder * rng.lognormvariate(0, 0.3)
            scale = size * rng.lognormvariate(0, spread)
            ages.append(age)
            scales.append(scale)
            decays.append((g, s))
            first.append(int(scale * s * ((1 + age / s) ** (1 - g) - 1) / (1 - g)))
    zones = [rng.choice((0, 8, 16)) for _ in range(channels)]
    rates = list[list[float]]()
    for hour in range(24):
        swings = [1 + 0.5 * math.sin(math.tau * (hour + zone) / 24) for zone in zones for _ in range(VIDEOS)]
        told = zip(scales, ages, decays, swings, strict=True)
        rates.append([scale * (1 + (age + hour) / s) ** -g * swing for scale, age, (g, s), swing in told])
    struck = set(rng.choices(range(len(ages)), weights=rates[0], k=BURSTS * channels // CHANNELS))
    bursts = {video: rng.randrange(BEGIN, STEPS - LASTS) for video in sorted(struck)}
    return World(ages=ages, first=first, rates=rates, bursts=bursts)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """error: views by which a count is wrong, on average over videos and the day.

    noticed: the part of bursts that is noticed in each step after they begin. readings: of the burst that was
    drawn, (step, count known).
    """

    error: float
    noticed: Sequence[float]
    readings: Sequence[tuple[int, int]] = ()


def half(*outcomes: Outcome) -> float:
    """Minutes within which half of the bursts of some worlds are noticed."""
    within = 0.0
    for steps, parts in enumerate(zip(*(each.noticed for each in outcomes), strict=True)):
        part: float = sum(parts) / len(outcomes)
        if within + part >= 0.5:
            return 5 * (steps + (0.5 - within) / part)
        within += part
    return math.inf


@dataclass
class _Book:
    """What a policy has read so far.

    last: of each video the step, and what was gained until then, and summed. waits: of the bursts that may begin,
    by what is watched, how many more are noticed in a step after their beginning than in the one before.
    """

    world: World
    last: list[tuple[int, float, float]] = field(default_factory=list)
    error: float = 0.0
    waits: list[float] = field(default_factory=lambda: [0.0] * (STEPS + 1))

    def __post_init__(self) -> None:
        self.last = [(0, 0.0, 0.0)] * len(self.world.ages)

    def read(self, video: int, step: int) -> float:
        """A video is read; what it is expected to have gained since the reading before."""
        (since, before, summed), (gained, sums) = self.last[video], self.world.until(video, step)
        self.error += sums - summed - before * (step - since) / HOUR
        self.last[video] = step, gained, sums
        first, end = max(since, BEGIN), min(step, STEPS - LASTS)
        if first < end:
            watched = self.world.rates[0][video]
            self.waits[step - end] += watched
            self.waits[step - first] -= watched
        return gained - before

    def closed(self, readings: Sequence[tuple[int, int]] = ()) -> Outcome:
        for video in range(len(self.last)):
            self.read(video, STEPS)
        bursts = sum(self.world.rates[0]) * (STEPS - LASTS - BEGIN)
        noticed = [each / bursts for each in accumulate(self.waits)]
        return Outcome(error=self.error / len(self.last) / 24, noticed=noticed, readings=readings)


def sweeps(world: World) -> Outcome:
    """Everything equally often."""
    book, place, videos = _Book(world), 0, len(world.ages)
    for step in range(1, STEPS):
        following = place + world.calls(step) * IDS_MAX
        for video in range(place, following):
            book.read(video % videos, step)
        place = following % videos
    return book.closed()


def knowing(world: World, power: int) -> Outcome:
    """Every rate known: of each channel the 50 videos with the largest rate x time^power, then the next."""
    book, last = _Book(world), [0] * len(world.ages)
    for step in range(1, STEPS):
        rates, blocks = list(world.rates[min(step // HOUR, 23)]), list[tuple[float, int]]()
        for video, began in world.bursts.items():
            if began <= step < began + LASTS:
                rates[video] *= BURST
        worth = [rate * (step - at) ** power for rate, at in zip(rates, last, strict=True)]
        for low in world.channels:
            most = sorted(worth[low : low + VIDEOS], reverse=True)
            blocks += [(sum(most[at : at + IDS_MAX]), low) for at in range(0, VIDEOS, IDS_MAX)]
        for low, calls in Counter(low for _, low in nlargest(world.calls(step), blocks)).items():
            for video in nlargest(calls * IDS_MAX, range(low, low + VIDEOS), key=worth.__getitem__):
                book.read(video, step)
                last[video] = step
    return book.closed()


def ours(world: World, seed: int = 1, drawn: int | None = None) -> Outcome:
    """The law, its estimates and its outlines, as they are deployed. drawn: the video whose readings are kept."""
    rng, book, readings = random.Random(seed), _Book(world), list[tuple[int, int]]()  # noqa: S311
    known = {
        str(low): {
            video: law.read(Video(published=_BEGIN - int(world.ages[video] * 60)), world.first[video], _BEGIN)
            for video in range(low, low + VIDEOS)
        }
        for low in world.channels
    }
    outlines = {name: law.outline(videos, _BEGIN) for name, videos in known.items()}
    for step in range(1, STEPS):
        now = _BEGIN + 5 * step
        for name, calls in law.choose(outlines.items(), world.calls(step), now).items():
            videos = known[name]
            for ids in law.to_read(videos, calls, now):
                for video in ids:
                    views = (videos[video].views or 0) + _poisson(rng, book.read(video, step))
                    videos[video] = law.read(videos[video], views, now)
                    if video == drawn:
                        readings.append((step, views))
            outlines[name] = law.outline(videos, now)
    return book.closed(readings)


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    number, product, bound = 0, rng.random(), math.exp(-mean)
    while product > bound:
        number, product = number + 1, product * rng.random()
    return number


POLICIES: dict[str, Callable[[World], Outcome]] = {
    "oracle": lambda world: knowing(world, 2),
    "ours": ours,
    "rate x time": lambda world: knowing(world, 1),
    "sweeps": sweeps,
}


@cache
def outcome(spread: float, policy: str, seed: int = 0, channels: int = CHANNELS) -> Outcome:
    """One policy in one world."""
    return POLICIES[policy](world(spread, seed, channels))


def table(seed: int) -> Iterator[str]:
    """The policies' mean errors beside the oracle's, and after how many minutes half of the bursts are noticed."""
    yield "| sigma | oracle, views | ours | rate x time | sweeps | minutes to a burst: ours, sweeps, the least |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for spread in SPREADS:
        found = {name: outcome(spread, name, seed) for name in POLICIES}
        base = found["oracle"].error
        parts = " | ".join(f"{found[name].error / base:.2f}" for name in ("ours", "rate x time", "sweeps"))
        minutes = [half(found["ours"]), half(found["sweeps"]), world(spread, seed).least()]
        yield f"| {spread} | {base:.1f} | {parts} | {', '.join(f'{each:.0f}' for each in minutes)} |"
    every = half(*(outcome(spread, "ours", seed) for spread in SPREADS))
    yield f"Of all four worlds' bursts, half are noticed within {every:.1f} minutes."


def chart(seed: int, channels: int = 50) -> str:
    """True against known counts of a bursting video of middling size: a line, and the steps that follow it."""
    here = world(2.0, seed, channels)
    bursts = sorted(here.bursts.items(), key=lambda each: here.rates[0][each[0]])
    video, begin = bursts[len(bursts) // 2]
    readings, first = ours(here, drawn=video).readings, here.first[video]
    top = here.until(video, STEPS)[0] * 1.05

    def at(step: float, gained: float) -> str:
        return f"{70 + step * 2.4:.1f},{250 - gained / top * 205:.1f}"

    def text(x: float, y: float, words: str, anchor: str = "middle") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{words}</text>'

    true = " ".join(at(step, here.until(video, step)[0]) for step in range(STEPS + 1))
    known, before = [at(0, 0)], 0
    for step, views in [*readings, (STEPS, readings[-1][1])]:
        known += [at(step, before), at(step, views - first)]
        before = views - first
    words = f"Views that a video gains on a day with a burst: true (grey), known (blue, {len(readings)} readings)"
    unit = 10 ** int(math.log10(top))
    lines = range(0, int(top) + 1, unit if top / unit > 3 else unit // 2)
    return "".join(
        (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 790 290" font-family="sans-serif" ',
            f'font-size="12"><title>{words}</title><rect width="790" height="290" fill="#fff"/>',
            f'<rect x="{70 + begin * 2.4:.1f}" y="35" width="{LASTS * 2.4:.1f}" height="215" fill="#fe9"/>',
            *(f'<path stroke="#ddd" d="M{at(0, views)}L{at(STEPS, views)}"/>' for views in lines),
            *(text(62, float(at(0, views).split(",")[1]) + 4, f"{views:,}", "end") for views in lines),
            *(text(70 + hour * 2.4 * HOUR, 268, f"{hour:02}:00") for hour in range(0, 25, 4)),
            f'<polyline fill="none" stroke="#999" stroke-width="4" points="{true}"/>',
            f'<polyline fill="none" stroke="#15c" stroke-width="1.5" points="{" ".join(known)}"/>',
            text(70, 22, words, "start"),
            "</svg>\n",
        )
    )


def main() -> None:
    """Print the table, or draw the chart."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.models.statistics", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=0, help="another draw of worlds")
    parser.add_argument("--chart", type=Path, help="where to write the SVG")
    asked = parser.parse_args()
    if asked.chart:
        asked.chart.write_text(chart(asked.seed))
        return
    for line in table(asked.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
