"""How a day's views are split: by country and subscription first, then within each such piece by one more thing.

A piece is a stretch of the video's view counter. The more views, the more pieces; a day of three views is one row.
Some pieces have no country, because they are below YouTube's privacy threshold. What the codes mean stands in
`codes.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from infra.local.simulator.world.hashing import letters, mix, unit
from infra.local.simulator.world.names import COUNTRIES
from infra.local.simulator.world.tally import VideoDay

SUBSCRIBED, UNSUBSCRIBED = "subscribed", "unsubscribed"
UNKNOWN_COUNTRY = "ZZ"
Values = tuple[str, ...]


class Piece(NamedTuple):
    """A stretch of a video's day and who watched it."""

    country: str
    subscribed: str
    start: int
    end: int

    @property
    def views(self) -> int:
        """Views of the piece."""
        return self.end - self.start


# Which country of the video's five (5: none told), whether subscribed, and the weight; the likeliest first.
_AUDIENCE: tuple[tuple[int, str, int], ...] = (
    (0, UNSUBSCRIBED, 30),
    (0, SUBSCRIBED, 14),
    (1, UNSUBSCRIBED, 14),
    (2, UNSUBSCRIBED, 9),
    (1, SUBSCRIBED, 6),
    (5, UNSUBSCRIBED, 4),
    (3, UNSUBSCRIBED, 7),
    (2, SUBSCRIBED, 4),
    (4, UNSUBSCRIBED, 4),
    (5, SUBSCRIBED, 2),
    (3, SUBSCRIBED, 3),
    (4, SUBSCRIBED, 3),
)
_PIECES_FOR = ((3, 1), (8, 2), (24, 3), (80, 5), (300, 7), (1500, 10))


def pieces(day: VideoDay, home: str) -> list[Piece]:
    """A video's day by country and subscription; stretches follow one another and cover the day."""
    views = day.views
    if views <= 0:
        return []
    count = next((count for limit, count in _PIECES_FOR if views < limit), len(_AUDIENCE))
    key = day.video.key
    countries = _countries(key, home)
    day_key = mix(key, (day.ordinal << 8) + 103)
    # Small days rotate through the audience, or the long tail would only ever be watched at home.
    shift = day_key % 5 if count == 1 else 0
    chosen = [_AUDIENCE[(index + shift) % len(_AUDIENCE)] for index in range(count)]
    hidden = views < 40 and unit(day_key, 1) < 0.12
    found: list[Piece] = []
    edges = _edges(day.first, views, [weight for _, _, weight in chosen])
    for index, ((country, subscribed, _), start, end) in enumerate(zip(chosen, edges, edges[1:], strict=False)):
        if end > start:
            told = "" if country == 5 or (hidden and index == count - 1) else countries[country]
            found.append(Piece(told, subscribed, start, end))
    return found


def nameless(day: VideoDay) -> bool:
    """Whether a day of a video is so small that the reports do not say which video it was."""
    return day.views <= 2 and unit(day.video.key, (day.ordinal << 8) + 104) < 0.15


@lru_cache(maxsize=8192)
def _countries(key: int, home: str) -> tuple[str, ...]:
    others = sorted((mix(key, 110 + index), code) for index, code in enumerate(COUNTRIES) if code != home)
    return (home, *(code for _, code in others[:4]))


def _edges(first: int, views: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    edges, passed = [first], 0
    for weight in weights:
        passed += weight
        edges.append(first + views * passed // whole)
    return edges


# One more thing within a piece: its values and their weights.
Table = tuple[tuple[Values, int], ...]
PLAYBACK_LOCATION: Table = (
    (("0", ""), 62),
    (("7", ""), 20),
    (("1", "news.example"), 7),
    (("8", ""), 6),
    (("2", ""), 3),
    (("1", "forum.example"), 2),
)
TRAFFIC_SOURCE: Table = (
    (("7", "related"), 26),
    (("5", "how to fix it"), 22),
    (("3", "what-to-watch"), 20),
    (("24", ""), 10),
    (("9", "search.example"), 8),
    (("0", ""), 5),
    (("4", "channel"), 4),
    (("17", ""), 3),
    (("14", "playlist"), 2),
)
DEVICE_OS: Table = (
    (("104", "4"), 40),
    (("104", "5"), 22),
    (("101", "2"), 16),
    (("102", "19"), 11),
    (("101", "9"), 6),
    (("105", "5"), 4),
    (("100", "1"), 1),
)
SUBTITLES: Table = ((("", "0"), 78), (("en", "0"), 12), (("es", "1"), 6), (("ja", "0"), 4))
COMBINED: Table = (
    (("0", "7", "104", "4"), 34),
    (("0", "5", "101", "2"), 22),
    (("7", "3", "104", "5"), 20),
    (("5", "24", "104", "4"), 14),
    (("1", "9", "101", "9"), 10),
)
REACH_SOURCE: Table = ((("3",), 44), (("7",), 28), (("5",), 24), (("4",), 4))
SHARING: Table = ((("55",), 40), (("49",), 34), (("10",), 14), (("53",), 12))
DEMOGRAPHICS: Table = (
    (("AGE_18_24", "FEMALE"), 13),
    (("AGE_18_24", "MALE"), 19),
    (("AGE_25_34", "FEMALE"), 15),
    (("AGE_25_34", "MALE"), 22),
    (("AGE_35_44", "MALE"), 12),
    (("AGE_35_44", "FEMALE"), 9),
    (("AGE_13_17", "MALE"), 5),
    (("AGE_55_64", "GENDER_OTHER"), 3),
    (("AGE_65_", "FEMALE"), 2),
)


def within(piece: Piece, table: Table, key: int) -> Iterator[tuple[Values, int, int]]:
    """A piece by one more thing: its values and the stretch. Small pieces have one part, large ones all."""
    count = max(1, min(len(table), piece.views // 6 + 1))
    shift = key % len(table) if count == 1 else 0
    chosen = [table[(index + shift) % len(table)] for index in range(count)]
    edges = _edges(piece.start, piece.views, [weight for _, weight in chosen])
    for (values, _), start, end in zip(chosen, edges, edges[1:], strict=False):
        if end > start:
            yield values, start, end


@lru_cache(maxsize=1024)
def playlist_of(channel_key: int) -> str:
    """The playlist through which a channel's viewers watch."""
    return "PL" + letters(32, "playlist", channel_key)


def province(key: int, country: str) -> str:
    """A province of the United States; other countries have none."""
    return ("US-CA", "US-NY", "US-TX", "US-WA", "US-FL", "US-ZZ")[mix(key, 120) % 6] if country == "US" else ""
