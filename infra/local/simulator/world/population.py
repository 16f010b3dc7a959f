"""Who is in the world: accounts, channels and what they upload, all from the seed.

Regular accounts are user-001@example.test onwards. Beyond them stand a few that only exist to be refused: without
a channel, suspended, closed, and with a suspended or closed channel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from infra.local.simulator.world import names
from infra.local.simulator.world.growth import curve_for, midnight, rates_for
from infra.local.simulator.world.hashing import between, key_of, letters, mix, normal, pick, poisson, unit
from infra.local.simulator.world.model import Account, Channel, State, Video
from shared.clock import pacific_midnight

DOMAIN = "example.test"
_SPECIAL: tuple[tuple[str, State, tuple[State, ...]], ...] = (
    ("no-channel", "ok", ()),
    ("suspended", "suspended", ("ok",)),
    ("closed", "closed", ("ok",)),
    ("suspended-channel", "ok", ("suspended",)),
    ("closed-channel", "ok", ("closed",)),
)


def accounts(seed: int | str, users: int, channels_per_user: int, anchor: date) -> list[Account]:
    """All accounts, the regular ones first. `anchor` is the Pacific day on which the world is generated."""
    fine: tuple[State, ...] = tuple("ok" for _ in range(channels_per_user))
    regular = [_account(seed, f"user-{number:03d}", "ok", fine, anchor) for number in range(1, users + 1)]
    return regular + [_account(seed, name, state, channels, anchor) for name, state, channels in _SPECIAL]


def _account(seed: int | str, name: str, state: State, channel_states: tuple[State, ...], anchor: date) -> Account:
    key = key_of(seed, "account", name)
    return Account(
        id=str(10**20 + mix(key, 1) % (9 * 10**19)),
        email=f"{name}@{DOMAIN}",
        name=names.person(key),
        channels=[channel(seed, name, place, one, anchor) for place, one in enumerate(channel_states, start=1)],
        state=state,
    )


def channel(seed: int | str, owner: str, place: int, state: State, anchor: date) -> Channel:
    """The owner's channel number `place`; one in four is not monetised, one in 25 has next to no audience."""
    key = key_of(seed, "channel", owner, place)
    quiet = unit(key, 30) < 0.04
    popularity = 0.4 if quiet else 350.0 * math.exp(1.15 * normal(key, 31))
    founded = pacific_midnight(anchor) - timedelta(
        days=int(between(key, 33, 500, 2500)), seconds=mix(key, 34) % 86400
    )
    title = names.channel_title(key)
    return Channel(
        id="UC" + letters(22, seed, "channel", owner, place),
        title=title,
        handle=names.handle(key, f"-{owner}-{place}"),
        description=names.description(key, title),
        country=pick(key, 35, names.COUNTRIES),
        published_at=founded,
        monetised=not quiet and unit(key, 36) < 0.75,
        subscriber_base=max(3, int(popularity * between(key, 37, 3, 20))),
        key=key,
        popularity=popularity,
        uploads_per_day=0.01 if quiet else min(1.5, 0.03 * (1.0 - unit(key, 38)) ** -0.9),
        state=state,
    )


def back_catalogue(seed: int | str, owner: Channel, anchor: date, history_days: int) -> Iterator[Video]:
    """What a channel had uploaded before the world's first day: 5 to 15 videos, more of them recent than old."""
    for number in range(5 + mix(owner.key, 40) % 11):
        key = key_of(seed, "catalogue", owner.id, number)
        age_days = 1 + (history_days - 1) * unit(key, 41) ** 2.0
        yield seeded_video(owner, key, midnight(anchor.toordinal()) - age_days * 86400)


def uploads_of_day(seed: int | str, owner: Channel, ordinal: int) -> Iterator[Video]:
    """What a channel uploads on a Pacific day (proleptic ordinal); on most days nothing."""
    day_key = mix(owner.key, (ordinal << 8) + 42)
    for number in range(poisson(day_key, 1, owner.uploads_per_day, 6)):
        key = key_of(seed, "upload", owner.id, ordinal, number)
        start, end = midnight(ordinal), midnight(ordinal + 1)
        yield seeded_video(owner, key, start + (end - start) * unit(key, 43))


def seeded_video(owner: Channel, key: int, epoch: float) -> Video:
    """A video that the seed says is uploaded, and public, at an instant."""
    epoch = float(int(epoch))
    is_short = unit(key, 44) < 0.25
    live = not is_short and unit(key, 45) < 0.05
    title = names.video_title(key)
    published = datetime.fromtimestamp(epoch, UTC)
    return Video(
        id=letters(11, "video", key),
        channel_id=owner.id,
        title=title,
        description=names.description(key, title),
        tags=names.tags(key),
        category_id=pick(key, 46, names.CATEGORIES),
        published_at=published,
        duration_seconds=8 + mix(key, 47) % 52
        if is_short
        else int(60 * math.exp(2.0 + 0.7 * normal(key, 48))) + 30,
        privacy="public",
        made_for_kids=unit(key, 50) < 0.03,
        live=live,
        is_short=is_short,
        key=key,
        curve=curve_for(owner, key, is_short),
        rates=rates_for(key, is_short, owner.monetised),
        visible=[(epoch, None)],
        uploaded_at=published,
        updated_at=published,
    )
