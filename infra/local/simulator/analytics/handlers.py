"""`youtubeAnalytics.reports.query`: who may ask, what they get, and in what shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from infra.local.simulator.analytics import numbers, retention, rules
from infra.local.simulator.analytics.control import NO_ROWS, Manner
from infra.local.simulator.analytics.rules import Query
from infra.local.simulator.caller import own_channel
from infra.local.simulator.errors import forbidden
from infra.local.simulator.wire import json_response
from infra.local.simulator.world import growth
from infra.local.simulator.world.codes import codes
from infra.local.simulator.world.model import Channel
from infra.local.simulator.world.splits import DEMOGRAPHICS

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call, Handler
    from infra.local.simulator.state import Simulator

MONETARY_SCOPE = "https://www.googleapis.com/auth/yt-analytics-monetary.readonly"
Rows = list[list[Any]]


def query_reports(simulator: Simulator, call: Call) -> Answer:
    """A result table; `rows` is left out when there are none."""
    channel = _subject(simulator, call)
    query = rules.parse(call.params)
    if query.monetary and not (channel.monetised and MONETARY_SCOPE in call.grant.scopes):
        raise forbidden("global", "Forbidden")
    rows = _cropped(_sorted(_rows(simulator, channel, query), query), query)
    answer: dict[str, Any] = {"kind": "youtubeAnalytics#resultTable", "columnHeaders": list(rules.columns(query))}
    return _written(answer, rows, simulator.room(Manner))


HANDLERS: Mapping[str, Handler] = {"youtubeAnalytics.reports.query": query_reports}


def _subject(simulator: Simulator, call: Call) -> Channel:
    """The channel asked about, which has to be the token's own."""
    channel = own_channel(simulator, call)
    kind, _, name = call.params["ids"].partition("==")
    if kind != "channel" or name not in {"MINE", channel.id}:
        raise forbidden("global", "Forbidden")
    return channel


def _written(answer: dict[str, Any], rows: Rows, manner: Manner) -> Answer:
    """The whole answer, in the manner of the moment."""
    if rows and manner.whole_numbers == "float":
        rows = [[float(cell) if isinstance(cell, int) else cell for cell in row] for row in rows]
    answer |= {"rows": rows} if rows else NO_ROWS[manner.no_rows]
    # A null does not fit the documented schema, and has been seen all the same.
    return json_response(answer) if answer.get("rows", ()) is None else answer


def _rows(simulator: Simulator, channel: Channel, query: Query) -> Rows:
    now = simulator.clock()
    if "elapsedVideoTimeRatio" in query.dimensions:
        return _retention(simulator, channel, query)
    if "viewerPercentage" in query.metrics:
        whole = numbers.gather(simulator.world, channel, replace(query, dimensions=()), now.timestamp())
        return _viewers(query, sum(cell.tally.engaged_views for cell in whole.values()))
    cells = numbers.gather(simulator.world, channel, query, now.timestamp())
    if "video" in query.dimensions:
        place = query.dimensions.index("video")
        alive = {video.id for video in simulator.world.videos_of(channel.id, now)}
        cells = {group: cell for group, cell in cells.items() if group[place] in alive}
    return [
        [*group, *(numbers.value(metric, cell, query.currency) for metric in query.metrics)]
        for group, cell in sorted(cells.items())
    ]


def _retention(simulator: Simulator, channel: Channel, query: Query) -> Rows:
    video = simulator.world.video(query.filters["video"][0], simulator.clock())
    if video is None or video.channel_id != channel.id:
        return []
    days = list(numbers.available_days(channel, query, simulator.clock().timestamp()))
    views = growth.views_until(video, days[-1] + 1) - growth.views_until(video, days[0]) if days else 0
    points = retention.curve(video, views)
    return [[point[name] for name in (*query.dimensions, *query.metrics)] for point in points]


def _viewers(query: Query, engaged: int) -> Rows:
    """Age and gender of viewers; nothing for too small an audience."""
    if engaged < retention.ENOUGH_VIEWS:
        return []
    shares: dict[tuple[str, ...], float] = {}
    for (age, gender), weight in DEMOGRAPHICS:
        named = {"ageGroup": codes()["age_group"][age], "gender": codes()["gender"][gender]}
        group = tuple(named[name] for name in query.dimensions)
        shares[group] = shares.get(group, 0.0) + weight
    return [[*group, share] for group, share in sorted(shares.items())]


def _sorted(rows: Rows, query: Query) -> Rows:
    names = query.dimensions + query.metrics
    for name, descends in reversed(query.sort):
        place = names.index(name)
        rows.sort(key=itemgetter(place), reverse=descends)
    return rows


def _cropped(rows: Rows, query: Query) -> Rows:
    start = query.first - 1
    most = query.most
    return rows[start:] if most is None else rows[start : start + most]
