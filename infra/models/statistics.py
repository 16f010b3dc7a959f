"""What a day's calls make of the counts of 250 channels' 200 videos each, in virtual time, against an oracle.

    python -m infra.models.statistics [--seed N] [--chart PATH]    prints a table; draws one bursting video as SVG

Real are the law, the outlines and the number of calls. Made up are the worlds: rates spread log-normally (by
sigma), fall with age by a power that differs from video to video, swing with the hour of the day by the channel's
zone, and burst. The estimates begin with nothing but a first count and an age. The error is exact: a count only
grows, so what is expected of |true - known| between two readings is the integral of what is expected to be gained;
only what is read is drawn. Bursts begin in videos by how much
they are watched.

The oracle knows every rate, bursts too, and fills its calls with the 50 videos of a channel that have the largest
rate x time squared; "rate x time" likewise without the square. Sweeps read everything equally often.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median

from shared.collection.statistics import law
from shared.collection.statistics.law import Video
from shared.youtube.data import IDS_MAX

CHANNELS, VIDEOS, CALLS, STEPS, HOUR = 250, 200, 9_000, 288, 12
"""Steps of five minutes; HOUR of them."""
SPREADS = (1.0, 1.5, 2.0, 2.5)
BURST, LASTS, BURSTS = 20, 6 * HOUR, 200
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

    def gained(self, video: int, step: int) -> float:
        """Views that are expected since the day began."""
        hour, part = divmod(step, HOUR)
        rest = self.rates[min(hour, 23)][video] * part / HOUR
        return self.gained_by[hour][video] + rest + self._burst(video, step, 1)

    def summed(self, video: int, step: int) -> float:
        """Their integral, in hours."""
        hour, part = divmod(step, HOUR)
        t, rate = part / HOUR, self.rates[min(hour, 23)][video]
        rest = self.gained_by[hour][video] * t + rate * t * t / 2
        return self.summed_by[hour][video] + rest + self._burst(video, step, 2)

    def error(self, video: int, since: int, until: int) -> float:
        """Hours times views by which a count is wrong between two readings."""
        grown = self.summed(video, until) - self.summed(video, since)
        return grown - self.gained(video, since) * (until - since) / HOUR

    def rate(self, video: int, step: int) -> float:
        """Views an hour."""
        begin = self.bursts.get(video)
        more = BURST if begin is not None and begin <= step < begin + LASTS else 1
        return self.rates[min(step // HOUR, 23)][video] * more

    def _burst(self, video: int, step: int, power: int) -> float:
        begin = self.bursts.get(video)
        if begin is None or step <= begin:
            return 0.0
        rate, t = (BURST - 1) * self.rates[begin // HOUR][video], (step - begin) / HOUR
        lasts = min(t, LASTS / HOUR)
        return rate * lasts if power == 1 else rate * (lasts * lasts / 2 + lasts * (t - lasts))


def world(spread: float, seed: int) -> World:
    """A world whose decay is drawn anew with every seed."""
    rng = random.Random(f"{spread} {seed}")  # noqa: S311
    power, shoulder = rng.uniform(0.5, 1.3), rng.uniform(12, 120)
    ages, first, scales, decays = list[float](), list[int](), list[float](), list[tuple[float, float]]()
    for _ in range(CHANNELS):
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
    zones = [rng.choice((0, 8, 16)) for _ in range(CHANNELS)]
    rates = [
        [
            scale
            * (1 + (age + hour) / s) ** -g
            * (1 + 0.5 * math.sin(math.tau * (hour + zones[number // VIDEOS]) / 24))
            for number, (age, scale, (g, s)) in enumerate(zip(ages, scales, decays, strict=True))
        ]
        for hour in range(24)
    ]
    struck = set(rng.choices(range(len(ages)), weights=rates[0], k=BURSTS))
    bursts = {video: rng.randrange(2 * HOUR, STEPS - LASTS) for video in sorted(struck)}
    return World(ages=ages, first=first, rates=rates, bursts=bursts)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """error: views by which a count is wrong, on average over videos and the day. noticed: minutes, of each burst.

    readings: of the burst that was drawn, (step, count known).
    """

    error: float
    noticed: Sequence[float]
    readings: Sequence[tuple[int, int]] = ()


@dataclass
class _Book:
    """What a policy has read so far."""

    world: World
    last: list[int] = field(default_factory=list)
    error: float = 0.0
    noticed: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.last = [0] * len(self.world.ages)

    def read(self, video: int, step: int) -> float:
        """A video is read; what it is expected to have gained since the reading before."""
        before, began = self.last[video], self.world.bursts.get(video)
        self.error += self.world.error(video, before, step)
        self.last[video] = step
        if began is not None and step > began and video not in self.noticed:
            self.noticed[video] = 5 * (step - began) - 2.5  # it began between two runs
        return self.world.gained(video, step) - self.world.gained(video, before)

    def closed(self, readings: Sequence[tuple[int, int]] = ()) -> Outcome:
        for video in range(len(self.last)):
            self.error += self.world.error(video, self.last[video], STEPS)
        late = {video: self.noticed.get(video, 5 * (STEPS - at)) for video, at in self.world.bursts.items()}
        error = self.error / len(self.last) / 24
        return Outcome(error=error, noticed=[*late.values()], readings=readings)


def _calls(step: int) -> int:
    return CALLS * step // (STEPS - 1) - CALLS * (step - 1) // (STEPS - 1)


def sweeps(world: World) -> Outcome:
    """Everything equally often."""
    book, place, all_videos = _Book(world), 0, CHANNELS * VIDEOS
    for step in range(1, STEPS):
        for video in range(place, place + _calls(step) * IDS_MAX):
            book.read(video % all_videos, step)
        place = (place + _calls(step) * IDS_MAX) % all_videos
    return book.closed()


def knowing(world: World, power: int) -> Outcome:
    """Every rate known: of each channel the 50 videos with the largest r·τ^power, then the next."""
    book = _Book(world)
    for step in range(1, STEPS):
        rates, blocks = list(world.rates[min(step // HOUR, 23)]), list[tuple[float, int, int]]()
        for video, began in world.bursts.items():
            if began <= step < began + LASTS:
                rates[video] *= BURST
        for channel in range(CHANNELS):
            low, high = channel * VIDEOS, (channel + 1) * VIDEOS
            worth = sorted(
                (
                    rate * (step - at) ** power
                    for rate, at in zip(rates[low:high], book.last[low:high], strict=True)
                ),
                reverse=True,
            )
            blocks += [(sum(worth[at : at + IDS_MAX]), channel, at) for at in range(0, VIDEOS, IDS_MAX)]
        best = sorted(blocks, reverse=True)[: _calls(step)]
        for channel in {each for _, each, _ in best}:
            low, count = channel * VIDEOS, sum(IDS_MAX for _, each, _ in best if each == channel)
            order = sorted(
                range(low, low + VIDEOS), key=lambda each: -rates[each] * (step - book.last[each]) ** power
            )
            for video in order[:count]:
                book.read(video, step)
    return book.closed()


def ours(world: World, seed: int = 1, drawn: int | None = None) -> Outcome:
    """The law, its estimates and its outlines, as they are deployed. drawn: the video whose readings are kept."""
    rng, book, readings = random.Random(seed), _Book(world), list[tuple[int, int]]()  # noqa: S311
    known = [
        {
            video: law.read(Video(published=_BEGIN - int(world.ages[video] * 60)), world.first[video], _BEGIN)
            for video in range(channel * VIDEOS, (channel + 1) * VIDEOS)
        }
        for channel in range(CHANNELS)
    ]
    outlines = {str(channel): law.outline(videos, _BEGIN) for channel, videos in enumerate(known)}
    for step in range(1, STEPS):
        now = _BEGIN + 5 * step
        for name, calls in law.choose(outlines.items(), _calls(step), now).items():
            videos = known[int(name)]
            for ids in law.to_read(videos, calls, now):
                for video in ids:
                    views = videos[video].views or 0
                    views += _poisson(rng, book.read(video, step))
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
def outcome(spread: float, policy: str, seed: int = 0) -> Outcome:
    """One policy in one world."""
    return POLICIES[policy](_world(spread, seed))


@cache
def _world(spread: float, seed: int) -> World:
    return world(spread, seed)


def table(seed: int) -> Iterator[str]:
    """The policies' mean errors beside the oracle's, and after how many minutes half of the bursts are noticed."""
    yield "| sigma | oracle, views | ours | rate x time | sweeps | burst noticed, minutes: ours / sweeps |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for spread in SPREADS:
        found = {name: outcome(spread, name, seed) for name in POLICIES}
        base = found["oracle"].error
        parts = " | ".join(f"{found[name].error / base:.2f}" for name in ("ours", "rate x time", "sweeps"))
        minutes = " / ".join(f"{median(found[name].noticed):.0f}" for name in ("ours", "sweeps"))
        yield f"| {spread} | {base:.1f} | {parts} | {minutes} |"


def chart(seed: int) -> str:
    """True against known counts of a bursting video, as SVG: a line, and the steps by which it is followed."""
    here = _world(2.0, seed)
    video = max(here.bursts, key=lambda each: here.rates[0][each] * (here.bursts[each] < STEPS // 2))
    readings = [(0, here.first[video]), *ours(here, drawn=video).readings]
    top = here.gained(video, STEPS) * 1.05

    def at(step: float, gained: float) -> str:
        return f"{40 + step * 2.5:.1f},{260 - gained / top * 230:.1f}"

    true = " ".join(at(step, here.gained(video, step)) for step in range(0, STEPS + 1, 2))
    steps, before = list[str](), 0
    for step, views in readings:
        steps += [at(step, before), at(step, views - here.first[video])]
        before = views - here.first[video]
    steps.append(at(STEPS, before))
    words = f"Views gained in a day by a video that bursts: true (grey), known (blue, {len(readings)} readings)"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 290" font-family="sans-serif" font-size="12">'
        f'<title>{words}</title><rect width="780" height="290" fill="#fff"/><text x="40" y="20">{words}</text>'
        f'<polyline fill="none" stroke="#999" stroke-width="4" points="{true}"/>'
        f'<polyline fill="none" stroke="#15c" stroke-width="1.5" points="{" ".join(steps)}"/>'
        '<text x="40" y="280">midnight</text><text x="690" y="280">midnight</text></svg>\n'
    )


def main() -> None:
    """Print the table, and write the chart if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.models.statistics", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=0, help="another draw of worlds")
    parser.add_argument("--chart", type=Path, help="where to write the SVG")
    asked = parser.parse_args()
    for line in table(asked.seed):
        print(line, flush=True)
    if asked.chart:
        asked.chart.write_text(chart(asked.seed))


if __name__ == "__main__":
    main()
