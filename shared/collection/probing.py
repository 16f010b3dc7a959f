"""Probes each week what connections are allowed and nobody used, so that no permission is dead and counted on.

Once a day `ingest` takes the channels whose turn it is, spread over the week. What the call log shows as answered
within it needs no probe. For the rest the cheapest read is sent, which also shows that each API answers this
project (`shared/monitoring/alerts.py`). No read needs the scope to publish: Google names a grant's scopes at each
refresh. What is lost is kept with the connection, from which the watch alarms, and probed daily until it is back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from shared import channels
from shared.access.features import capabilities
from shared.channels import PROBED_EVERY, Capability, Channel
from shared.clock import pacific_day
from shared.cloud.firestore import documents
from shared.collection.refusals import Storing, Then
from shared.data_map import GRANTS
from shared.errors import YtempireError
from shared.monitoring.log import log
from shared.quota.blocks import Block
from shared.quota.profile import Priority
from shared.warehouse.statements import CALLS_ANSWERED, run
from shared.youtube import analytics, data, reporting
from shared.youtube.client import Caller

KIND = "probe"
"""The kind of message that asks `ingest` to probe what is due."""
AT_ONCE = 300  # channels of a message, each some calls at most
_SOON = timedelta(hours=20)  # the next daily run
WITHDRAWN = "withdrawn"
"""Why a capability is lost whose scope Google names no more."""


@dataclass(frozen=True)
class Probe:
    """needs: the capability that it shows, "" where every grant has it. shown_by: calls that show it as well."""

    needs: str
    shown_by: tuple[str, ...]
    ask: Callable[[Caller], object]


def _figures(caller: Caller, metrics: Sequence[str]) -> None:
    day = pacific_day(caller.clock()) - timedelta(days=4)  # one that Analytics has
    analytics.query(caller, start=day, end=day, metrics=metrics)


PROBES = (
    Probe("", ("youtube.",), data.my_channel),
    Probe("analytics", ("youtubeAnalytics.",), partial(_figures, metrics=("views",))),
    Probe("analytics", ("youtubereporting.",), reporting.report_types),
    Probe("revenue", (), partial(_figures, metrics=("estimatedRevenue",))),
    Probe("captions", ("youtube.captions.", "youtube.commentThreads."), data.captions_probed),
)
"""The cheapest reads that show what a grant does: one unit each, of the bucket that its API has."""


def to_ask(one: Channel, answered: Collection[str]) -> list[Probe]:
    """What of a channel is probed. answered: the endpoints that answered for it within the week."""

    def shown(probe: Probe) -> bool:
        return any(endpoint.startswith(probe.shown_by) for endpoint in answered)

    able = {"", *(name for name, each in one.capabilities.items() if each.have or each.lost)}
    lost = {name for name, each in one.capabilities.items() if each.lost}
    return [each for each in PROBES if each.needs in able and (each.needs in lost or not shown(each))]


def probe_due(reader: Storing) -> bool:
    """Probe the channels whose turn it is; whether more are due. A quota or API that refuses ends the run."""
    now = reader.clock()
    due = list(islice(channels.due(reader.client, "probe_at", now), AT_ONCE))
    if not due:
        return False
    ids = [each.channel_id for each in due if each.working]
    answered: defaultdict[str, set[str]] = defaultdict(set)
    week: dict[str, Any] = {"since": pacific_day(now - PROBED_EVERY), "channels": ids}
    for row in run(reader.warehouse(), CALLS_ANSWERED, **week) if ids else ():
        answered[row["channel_id"]].add(row["endpoint"])
    scopes = ("granted_scopes", "requested_scopes")
    given = {each.id: each.to_dict() or {} for each in documents(reader.client, GRANTS.path, ids, scopes)}
    with reader.paying("youtube.channels.list", len(ids), Priority.BACKGROUND) as block:
        for one in due:
            grant = given.get(one.channel_id)
            found = _withdrawn(one, *(grant.get(name, ()) for name in scopes)) if grant else {}
            then = _ask(reader, one, to_ask(one, answered[one.channel_id]), found, block) if grant else None
            if then is Then.STOP:
                return False
            _note(reader, one, found, now, soon=then is Then.ASK_AGAIN)
    return len(due) == AT_ONCE


def _ask(
    reader: Storing, one: Channel, asked: list[Probe], found: dict[str, Capability], block: Block
) -> Then | None:
    """Send some probes, noting what they show; STOP or ASK_AGAIN where one was not answered."""
    left: Then | None = None
    for probe in asked:
        if probe.needs in found and found[probe.needs].lost:
            continue
        try:
            probe.ask(reader.caller_for(one.channel_id, block).of_feature("probes"))
        except YtempireError as error:
            then = reader.decision(error).then
            words = {"capability": probe.needs, "reason": error.reason, "then": then.name}
            log("WARNING", "a probe was refused", channel=one.channel_id, **words)
            if then is Then.STOP:
                return then
            if then is Then.RECONNECT and not probe.needs:
                reader.refused(one.channel_id, error, "a channel tells nothing")
            elif then is Then.RECONNECT:
                found[probe.needs] = Capability(have=False, reason=error.reason)
            elif then in {Then.ASK_AGAIN, Then.PAUSE}:
                left = Then.ASK_AGAIN
        else:
            known = one.capabilities.get(probe.needs)
            if known is not None and known.lost:
                found.setdefault(probe.needs, Capability(have=True, reason="granted"))
    return left


def _note(reader: Storing, one: Channel, found: Mapping[str, Capability], now: datetime, *, soon: bool) -> None:
    """Note what a channel's probes showed, where it is another than before, and when its turn is next."""
    capabilities_now = {**one.capabilities, **found}
    lost = any(each.lost for each in capabilities_now.values())
    next_turn = now + (_SOON if soon or lost else PROBED_EVERY * reader.rng.uniform(0.4, 0.85))
    if capabilities_now != one.capabilities:
        channels.set_capabilities(reader.client, one.channel_id, found, now, probe_at=next_turn)
    else:
        channels.look_again(reader.client, one.channel_id, "probe_at", next_turn)


def _withdrawn(one: Channel, granted: Collection[str], requested: Collection[str]) -> dict[str, Capability]:
    """The capabilities that a grant has no scope for any more, and those that have one again."""
    able = capabilities(granted, requested)
    lost = Capability(have=False, reason=WITHDRAWN)
    return {
        name: able[name] if able[name].have else lost
        for name, each in one.capabilities.items()
        if name in able and able[name].have == (each == lost) and (each.have or each == lost)
    }
