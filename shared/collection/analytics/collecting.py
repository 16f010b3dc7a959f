"""Collects figures of the Analytics API: plans who is due, asks, stores all answers together, notes how far it is.

A channel that is not finished stays due, and the next hourly run takes it up where it was left. It is noted only
once its answers are stored: who dies before that asks again.

What YouTube refuses of one query is noted with its reason, and asked again in a week. Where the connection lacks a
query's scope nothing is sent; where money is refused, nothing else that needs it is asked in the same turn.
Trouble of the channel, or of everybody, ends the turn, and the reason is noted beside whatever is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from shared import channels
from shared.access.disconnect import ERASE
from shared.channels import Channel
from shared.clock import next_reset, pacific_day
from shared.cloud.steps import Result
from shared.collection import gone, packs, planner
from shared.collection.analytics import plan, store
from shared.collection.analytics.plan import ANALYTICS, REVENUE, Kind, Reports, Request, State
from shared.collection.analytics.store import Answer, answer_of
from shared.collection.refusals import Storing, Then
from shared.errors import NotFound, QuotaRefused, RateLimited, ReauthRequired, YtempireError
from shared.monitoring.log import log
from shared.quota.blocks import Block
from shared.rate_limits.limiter import Burst, RateLimiter
from shared.youtube import data
from shared.youtube.client import Caller
from shared.youtube.faults import fault_of

API = "youtubeAnalytics"
QUERY = f"{API}.reports.query"
QUERIES_MAX = 1_000  # of one channel in one turn
NO_SCOPE = "insufficientPermissions"
ENDED = "reauthRequired"
"""Why nothing is asked about a channel whose connection only its owner can bring back."""
_NO_MONEY = frozenset({"monetaryForbidden", NO_SCOPE})
_RANKING = "top_videos_monthly"
_TASKS_MAX = 60  # an hour: each appends once to either table, and BigQuery takes 1,500 load jobs a table and day
_LONGEST = timedelta(minutes=4)  # of one task's asking, well inside the function's time
_CALLS = 50  # reserved at once


@dataclass
class Told:
    """What came of a turn. asked: calls. trouble: what ended it early, and what follows. left: more is due."""

    channel: Channel
    state: State
    answers: list[Answer] = field(default_factory=list)
    asked: int = 0
    trouble: tuple[YtempireError, Then] | None = None
    left: bool = False


@dataclass(frozen=True, kw_only=True)
class AnalyticsCollecting(Storing):
    """Collects figures. report_type: whose days need no other source. retention: videos a channel and day."""

    limiter: RateLimiter
    report_type: str
    retention: int
    enqueue: planner.Enqueue

    def plan(self) -> dict[str, int]:
        """Queue the channels that are due; the day's quota is divided among them."""
        now = self.clock()
        known = list(channels.due(self.client, "analytics_at", now))
        due = [each.channel_id for each in known if not each.working or each.may_ask(API, now)]
        for each in known:
            if each.channel_id not in due:
                channels.look_again(self.client, each.channel_id, "analytics_at", each.refusals[API].until)
        profile = self.quota.profile
        share = profile.bucket(profile.method(QUERY).bucket).alert // max(1, len(due))
        queued = planner.plan(
            "collect_analytics",
            due,
            slot=f"{now:%Y-%m-%dT%H}",
            enqueue=self.enqueue,
            also={"most": min(QUERIES_MAX, max(1, share))},
            batched=partial(planner.batches, size=max(planner.BATCH, -(-len(due) // _TASKS_MAX))),
        )
        return {"due": len(due), "queued": queued}

    def collect(self, channel_ids: Sequence[str], most: int = QUERIES_MAX) -> dict[str, int]:
        """Ask about some channels what there is to ask now. most: queries of each."""
        now = self.clock()
        known = channels.several(self.client, channel_ids)
        for channel_id in set(channel_ids) - known.keys():  # left by a run that died before it looked
            plan.forget(self.client, channel_id)
        due = [each for each in known.values() if not each.working or each.may_ask(API, now)]
        self.warehouse()  # first: what cannot be stored is not asked
        with self.paying(QUERY, _CALLS) as block:
            told = list(self._ask(due, most, block))
        stored = self._stored(told)
        self._take_back(told)
        return {
            "channels": len(channel_ids),
            "unfinished": len(channel_ids) - sum(not each.left and each.trouble is None for each in stored),
            "asked": sum(each.asked for each in told),
            "answers": sum(len(each.answers) for each in stored),
        }

    def _ask(self, due: Sequence[Channel], most: int, block: Block) -> Iterator[Told]:
        states, reports = plan.of_channels(self.client, due), self._reports(due)
        ends, over = self.clock() + _LONGEST, None
        for channel in due:
            channel_id = channel.channel_id
            if over is not None:
                yield Told(channel, states[channel_id], trouble=over, left=True)
            elif self.clock() < ends:
                told = self._turn(channel, states[channel_id], reports.get(channel_id, Reports()), most, block)
                if told.trouble is not None and told.trouble[1] is Then.STOP:
                    over = told.trouble
                yield told

    def _turn(self, channel: Channel, known: State, reports: Reports, most: int, block: Block) -> Told:
        """Ask what there is to ask about a channel now. most: queries, at most."""

        def planned() -> list[Request]:
            return plan.to_ask(told.state, reports, today=today, retention=self.retention)

        told, today, needs = Told(channel, known), pacific_day(self.clock()), (ANALYTICS, REVENUE)
        if not channel.working:
            return self._not_asked(told, planned(), ENDED)
        features = tuple(need for need in needs if channel.can(ANALYTICS) and channel.can(need))
        told.state = plan.allowed(known, features)
        refused = {need: NO_SCOPE for need in needs if need not in features}
        caller = self._caller(channel, min(len(planned()), most) + 1, block)  # a token may have to be renewed
        if known.birth is None and ANALYTICS in features:
            born = self._tried(lambda: data.my_channel(caller).published_at)
            told.state = replace(told.state, birth=pacific_day(born) if born else None)
        for request in planned()[:most]:
            self._ask_one(request, caller, told, refused)
            if told.trouble is not None:
                break
        self._rank(told, caller)
        left = planned()
        told.left = bool(left)
        if told.trouble is not None and told.trouble[1] in {Then.PAUSE, Then.RECONNECT}:
            return self._not_asked(told, left, told.trouble[0].reason)
        return told

    def _caller(self, channel: Channel, calls: int, block: Block) -> Caller:
        """What makes so many calls. Google counts a minute's queries of a person, whatever channel they are of."""
        person = channel.google_account or channel.user_id
        burst = Burst(self.limiter, QUERY, person, upto=calls)
        return replace(self.caller_for(channel.channel_id, block), limiter=burst)

    def _not_asked(self, told: Told, requests: Sequence[Request], reason: str) -> Told:
        """Note why nothing is asked of the days to ask about. Whoever asks again asks for all of it anew."""
        told.state, now = plan.allowed(told.state, ()), self.clock()
        for request in requests:
            if request.kind is Kind.RECENT and request.video is None:
                told.answers.append(Answer(request=request, asked_at=now, reason=reason))
                told.state = plan.after(told.state, request, today=pacific_day(now), newest=None, reason=reason)
        return told

    def _ask_one(self, request: Request, caller: Caller, told: Told, refused: dict[str, str]) -> None:
        """Ask one request, unless it is useless, and note its answer. refused: why whatever needs a feature is."""
        need, now = request.query.needs, self.clock()
        if need not in refused:
            told.asked += 1
            try:
                table = request.query.ask(caller, request.start, request.end, request.video)
                answer = answer_of(request, table, now)
            except YtempireError as error:
                log("WARNING", "an Analytics query was not answered", channel=told.channel.channel_id,
                    query=request.query.name, video=request.video, reason=error.reason,
                    detail=error.message)  # fmt: skip
                if need == REVENUE and error.reason in _NO_MONEY:
                    refused[need] = error.reason
                elif (ends := self._ends(error)) is not None:
                    told.trouble = error, ends
                    return
                answer = Answer(request=request, asked_at=now, reason=error.reason)
        elif request.kind is Kind.HISTORY:
            return  # the recent days tell why
        else:
            answer = Answer(request=request, asked_at=now, reason=refused[need])
        told.answers.append(answer)
        told.state = plan.after(
            told.state, request, today=pacific_day(now), newest=answer.newest, reason=answer.reason
        )

    def _ends(self, error: YtempireError) -> Then | None:
        """What follows for the channel; None when the error is about one query alone."""
        unknown = fault_of(error) is None
        if unknown and isinstance(error, RateLimited):
            return Then.ASK_AGAIN  # a person's minute is over; others' is not
        then, of_connection = self.decision(error).then, unknown and isinstance(error, ReauthRequired | NotFound)
        return then if of_connection or then is not Then.NEXT_RUN else None

    def _rank(self, told: Told, caller: Caller) -> None:
        """Choose the videos whose retention is asked: the most watched of the newest list, then of the others."""
        lists = [each for each in told.answers if each.request.query.name == _RANKING]
        lists.sort(key=lambda answer: answer.request.start, reverse=True)
        ranked = list(dict.fromkeys(row["video_id"] for each in lists for row in each.rows if row["video_id"]))
        ranked = ranked[: plan.VIDEOS_MAX]
        unknown = [each for each in ranked if each not in {video.id for video in told.state.videos}]
        found = self._tried(lambda: data.videos(caller, unknown, parts="snippet").videos) if unknown else ()
        if ranked and found is not None:
            published = {video.id: pacific_day(video.published_at) for video in found if video.published_at}
            told.state = plan.with_videos(told.state, ranked, published)

    def _tried(self, call: Callable[[], Result]) -> Result | None:
        """What the Data API answers; None when it does not now, which is no trouble of Analytics'."""
        try:
            return call()
        except YtempireError as error:
            log("NOTICE", "a channel's videos or birth could not be looked up", reason=error.reason)
            return None

    def _reports(self, due: Sequence[Channel]) -> dict[str, Reports]:
        """What bulk reports tell of channels: one read, and one for each pack."""
        now, ids = self.clock(), [each.channel_id for each in due]
        return {
            job.channel_id: Reports(first=job.first, lacking=min(job.unloaded(now), default=None))
            for job in packs.jobs(self.client, ids, [self.report_type])
        }

    def _stored(self, told: Sequence[Told]) -> list[Told]:
        """Store the answers, and note of whom they are stored how far that is; answers whose."""
        answers = {(each.state.channel_id, each.state.connection): each.answers for each in told if each.answers}
        kept = store.store(self, answers)
        for channel_id in {channel for channel, _ in answers} - kept:
            channels.look_again(self.client, channel_id, "analytics_at", next_reset(self.clock()))
        done = [each for each in told if not each.answers or each.channel.channel_id in kept]
        for each in done:
            self._note(each)
        return done

    def _note(self, told: Told) -> None:
        channel, channel_id, tomorrow = told.channel, told.channel.channel_id, next_reset(self.clock())
        if told.answers or told.asked:
            plan.save(self.client, told.state)
        if told.trouble is not None:
            error, then = told.trouble
            marked = self.mark(channel_id, API, error, then, "analytics_at")
            if not marked and isinstance(error, QuotaRefused):  # nothing more today, for nobody
                channels.look_again(self.client, channel_id, "analytics_at", error.retry_at or tomorrow)
            return
        if told.asked and API in channel.refusals:
            channels.end_refusal(self.client, channel_id, API)
        if not told.left or not channel.working:
            channels.look_again(self.client, channel_id, "analytics_at", tomorrow if channel.working else None)

    def _take_back(self, told: Sequence[Told]) -> None:
        held = {each.channel.channel_id: each.state.connection for each in told if each.asked or each.answers}
        for channel_id in gone.ended(self.client, held):
            log("NOTICE", "figures of a connection that has ended are taken back", channel=channel_id)
            plan.forget(self.client, channel_id)
            self.to_ingest(ERASE, {"channel_id": channel_id, "receipt": held[channel_id]})
