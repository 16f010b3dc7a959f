"""Collects bulk reports: plans whose turn it is, lists what is new, and dispatches it to `ingest`.

    report_types/planned    the day whose run for all channels has come to its end

One channel's trouble is logged, and the turn goes on; what everybody would meet ends it. Nothing waits within a
run: what has to wait is queued for its time (`planner`), what only another day can bring is the regular runs'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared import channels
from shared.access.disconnect import AUDIT
from shared.channels import Askable, Channel
from shared.cloud.calls import call_options
from shared.collection import audit, gone, messages, offers, packs, places, planner, reports, week_answers
from shared.collection.packs import Pack
from shared.collection.places import Place, Places
from shared.collection.planner import Turn
from shared.collection.refusals import ReadDecision, Reader, Then
from shared.collection.reports import Found, Looked
from shared.data_map import REPORT_TYPES
from shared.errors import YtempireError
from shared.monitoring.log import log
from shared.quota.blocks import Block
from shared.youtube import reporting

API = "youtubereporting"
FEATURE = "analytics"
PLANNED = f"{REPORT_TYPES.path}/planned"
FROM = 14  # o'clock UTC: most of a day's reports have been issued
_ASKED_MAX = 3  # connections by which the report types are asked for
_LONGEST = timedelta(minutes=3)  # of one turn's listings, well inside the function's time


@dataclass
class _Listed:
    """What came of a turn so far. looked: what YouTube listed.

    done: channels that the next report type may be listed for. again: those to ask about again, with the time.
    left: those that the turn did not come to, at `left_at`; None where only a later run can do better.
    """

    looked: list[Looked] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    again: dict[str, datetime] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    left_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Collecting(Reader):
    """Collects the reports of channels. report_types: in the order of their value. book: when listings may run."""

    report_types: Sequence[str]
    enqueue: planner.Enqueue
    book: planner.Book

    def run(self) -> dict[str, int]:
        """The hourly run: plans the overdue; all channels in the first run after 14:00 UTC that comes to its end.

        One that is missed or dies is made up for an hour later; one that comes twice queues the same tasks.
        """
        now = self.clock()
        day, planned = f"{now:%Y-%m-%d}", self.client.document(PLANNED)
        if week_answers.due(now):
            self.to_ingest(week_answers.KIND, {})
        if now.hour < FROM or (planned.get(**call_options()).to_dict() or {}).get("day") == day:
            return self.plan(everything=False)
        self.to_ingest(AUDIT, {})  # rows of connections that have ended are looked for, although each is erased
        answer = self.plan(everything=True)
        planned.set({"day": day}, **call_options())
        return answer

    def plan(self, *, everything: bool) -> dict[str, int]:
        """Queue the collection of every connected channel, or of those that are overdue."""
        now = self.clock()
        overdue = () if everything else tuple(channels.due(self.client, "collect_at", now))
        every = channels.askable(self.client, feature=FEATURE, api=API) if everything else overdue
        expected = {each.channel_id: each for each in every if _may_list(each, now)}
        last = {name: each.listed_at for name, each in expected.items()}
        due = planner.due(last, now=now, everything=everything)
        self._look_later(overdue, due)
        slot = f"{now:%Y-%m-%d}" if everything else f"{now:%Y-%m-%dT%H}"
        queued = planner.plan(
            "collect_reports",
            due,
            slot=slot,
            enqueue=self.enqueue,
            book=self.book,
            calls=lambda channel_id: _calls(known=last[channel_id] is not None),
            batched=lambda due: self._by_pack(expected[channel_id] for channel_id in due),
            also={"report_types": list(self.report_types), "run": slot},
        )
        if everything and queued:  # once a day: a second trigger queues nothing new
            self.to_ingest(audit.KIND, {"day": slot})
            self._look_at_offers(due)
        return {"channels": len(expected), "due": len(due), "queued": queued}

    def _look_at_offers(self, channel_ids: Sequence[str]) -> None:
        """Ask by a channel's connection which report types YouTube offers; by another's when that fails."""
        for channel_id in channel_ids[:_ASKED_MAX]:
            try:
                with self.paying(reporting.LIST, 1) as block:
                    caller = self.caller_for(channel_id, block)
                    offers.look(self.client, caller, self.report_types, self.clock())
            except YtempireError as error:
                log("NOTICE", "report types could not be listed", channel=channel_id, reason=error.reason)
                if self.decision(error).then is Then.STOP:
                    return
            else:
                return

    def _by_pack(self, some: Iterable[Askable]) -> dict[int, list[str]]:
        """Channels by the pack of their coverage: those of a turn share documents."""
        found = defaultdict[int, list[str]](list)
        for channel_id, place in self._placed(some).items():
            found[place.pack].append(channel_id)
        return found

    def _placed(self, some: Iterable[Askable]) -> dict[str, Place]:
        there = ((each.channel_id, each.connected_at) for each in some)
        wanted = {name: channels.connection_of(name, at) for name, at in there if at is not None}
        return gone.placed(self.client, wanted) if wanted else {}

    def _look_later(self, known: Sequence[Channel], due: Sequence[str]) -> None:
        """Say when the hourly run looks again at channels that are not overdue after all."""
        for each in known:
            if each.channel_id not in due:
                last, may = each.listed_at, each.working and each.can(FEATURE)
                refused = each.refusals.get(API)
                at = refused.until if refused else last and last + planner.STALE
                channels.look_again(self.client, each.channel_id, "collect_at", at if may else None)

    def collect(self, turn: Turn) -> dict[str, int]:
        """List what is new of one report type for some channels, dispatch it to `ingest`, hand on what is left."""
        turn = planner.whole(turn, self.clock(), report_types=self.report_types)
        refused, held = self._held(turn)
        kind = turn.report_types[0]
        stored = {pack: packs.read(self.client, kind, pack) for pack in {place.pack for place in held.values()}}
        jobs = {name: stored[place.pack][0] for name, place in held.items()}
        listed, found = self._list(turn, refused, jobs), list[Found]()
        for pack, (_, seen) in stored.items():
            looked = [each for each in listed.looked if held[each.job.channel_id].pack == pack]
            if looked:
                brought = reports.note(self.client, pack, kind, looked, now=self.clock(), seen=seen)
                found += self.dispatch(pack, kind, brought, held)
        self._hand_on(turn, listed, {name for name in held if name in jobs[name]})
        return {
            "channels": len(turn.channels),
            "unfinished": len(turn.channels) - len(found),
            "listed": sum(item.listed for item in found),
            "superseded": sum(item.superseded for item in found),
        }

    def dispatch(self, pack: int, report_type: str, found: Sequence[Found], held: Places) -> list[Found]:
        """Dispatch what was noted of channels that are still connected; of the others it is taken back."""
        by_channel = {item.advanced.channel_id: item for item in found}
        left = places.left(self.client, {name: held[name] for name in by_channel})
        for channel_id in left:
            places.take_out(self.client, pack, channel_id)
        there = [item for name, item in by_channel.items() if name not in left]
        for message in messages.messages(item.to_load for item in there):
            self.to_ingest(messages.KIND, message)
        reports.dispatched(self.client, pack, report_type, [item.advanced for item in there if item.to_load])
        moved = {item.advanced.channel_id: (item.before, item.advanced) for item in there}
        packs.note_settled(self.client, pack, report_type, moved, self.report_types)
        return there

    def _held(self, turn: Turn) -> tuple[set[str], Mapping[str, Place]]:
        """Whom a turn lists, with their places, and which of them YouTube has refused.

        Of a run's later report types those whose first one was listed: no channel is read again for these.
        """
        if turn.report_types[0] != self.report_types[0]:
            every = places.places(self.client)
            return set(), {name: every[name] for name in turn.channels if name in every and every[name].connection}
        known = channels.several(self.client, turn.channels)
        held = self._placed(each for each in known.values() if _may_list(each, self.clock()))
        return {name for name in held if API in known[name].refusals}, held

    def _list(self, turn: Turn, refused: Collection[str], jobs: Mapping[str, Pack]) -> _Listed:
        listed, ends, asked = _Listed(), self.clock() + _LONGEST, list(jobs)
        with self.paying(reporting.LIST, len(asked)) as block:
            for place, channel_id in enumerate(asked):
                decision: ReadDecision | None = ReadDecision(Then.STOP, self.clock())
                if self.clock() < ends:
                    decision = self._list_one(turn, channel_id, jobs[channel_id], listed, block)
                if decision is None and channel_id in refused:
                    channels.end_refusal(self.client, channel_id, API)
                if decision is not None and decision.then is Then.STOP:
                    listed.left, listed.left_at = asked[place:], decision.at
                    break
        return listed

    def _list_one(
        self, turn: Turn, channel_id: str, pack: Pack, listed: _Listed, block: Block
    ) -> ReadDecision | None:
        """Ask what YouTube lists of one channel; None when that went well, else what follows."""
        report_type = turn.report_types[0]
        try:
            caller = self.caller_for(channel_id, block)
            listed.looked.append(reports.look(caller, pack.job(channel_id), channel_id, report_type, self.clock()))
        except YtempireError as error:
            decision = self.decision(error, turn.tries)
            log("WARNING", "a channel could not be collected", channel=channel_id, report=report_type,
                reason=error.reason, detail=error.message, then=decision.then.name, at=decision.at)  # fmt: skip
            self.mark(channel_id, API, error, decision.then, "collect_at")
            if decision.then is Then.ASK_AGAIN and decision.at is not None:
                listed.again[channel_id] = decision.at
            if decision.then is Then.NEXT_RUN:
                listed.done.append(channel_id)  # another report type may do better
                channels.look_again(self.client, channel_id, "collect_at", self.clock() + planner.STALE)
            return decision
        listed.done.append(channel_id)
        return None

    def _hand_on(self, turn: Turn, listed: _Listed, known: Collection[str]) -> None:
        """Queue another turn for whom this one did not come to; when there are none, the next report type."""
        done = [*turn.listed, *listed.done]
        again = turn.rest(list(listed.again), tries=turn.tries + 1)
        left = turn.rest(listed.left if listed.left_at else (), tries=turn.tries, listed=done)
        hopeless = listed.left and listed.left_at is None
        following = None if left or hopeless else turn.following(done)
        times = max(listed.again.values(), default=None), listed.left_at, None
        for handed_on, not_before in zip((again, left, following), times, strict=True):
            if handed_on is not None:
                calls = sum(_calls(known=name in known) for name in handed_on.channels)
                (when,) = self.book([calls], not_before=not_before)
                self.enqueue(planner.QUEUE, handed_on.name, "collect_reports", handed_on.as_json(), when)


def _calls(*, known: bool) -> int:
    """How many calls a listing takes, mostly: where no job is known, it is looked for and made first."""
    return 1 if known else 3


def _may_list(channel: Askable, now: datetime) -> bool:
    """Whether reports of a channel can be listed: a connection that only publishes has none."""
    return channel.can(FEATURE) and channel.may_ask(API, now)
