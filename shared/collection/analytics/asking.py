"""Asks what is planned about one channel, and tells what came of it.

What YouTube refuses of one query is that query's: noted with its reason, and asked again in a week. Where the
connection lacks a query's scope nothing is sent, and the reason is noted all the same; where money is refused,
nothing else that needs it is asked in the same turn. Trouble of the channel, or of everybody, ends the turn; where
YouTube refuses the channel, or its connection has ended, the reason is noted beside everything that is not asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from shared.channels import Channel
from shared.clock import Clock, pacific_day
from shared.collection.analytics import plan
from shared.collection.analytics.plan import Kind, Reports, Request
from shared.collection.analytics.queries import ANALYTICS, REVENUE
from shared.collection.analytics.state import State
from shared.collection.analytics.store import Answer, answer_of
from shared.collection.refusals import ReadDecision, Then, read_decision
from shared.errors import NotFound, RateLimited, ReauthRequired, YtempireError
from shared.monitoring.log import log
from shared.youtube import data
from shared.youtube.client import Caller
from shared.youtube.faults import fault_of

Value = TypeVar("Value")
_RANKING = "top_videos_monthly"
NO_SCOPE = "insufficientPermissions"
ENDED = "reauthRequired"
"""Why nothing is asked about a channel whose connection only its owner can bring back."""
_NO_MONEY = frozenset({"monetaryForbidden", NO_SCOPE})


@dataclass
class Told:
    """What came of a channel's turn. asked: calls made. trouble: what ended it early, and what follows.

    left: whether something is still to be asked today.
    """

    channel: Channel
    state: State
    answers: list[Answer] = field(default_factory=list)
    asked: int = 0
    trouble: tuple[YtempireError, ReadDecision] | None = None
    left: bool = False


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Channels' turns. most: queries of one at most. retention: videos of one a day, at most."""

    most: int
    retention: int
    clock: Clock
    rng: random.Random

    def ask(self, channel: Channel, state: State, reports: Reports, caller_for: Callable[[int], Caller]) -> Told:
        """Ask what there is to ask about a channel now. caller_for: what makes so many calls for it."""
        today, needs = pacific_day(self.clock()), (ANALYTICS, REVENUE)
        if not channel.working:
            return self._not_asked(Told(channel, state), self._planned(state, reports, today), ENDED)
        features = tuple(need for need in needs if channel.can(ANALYTICS) and channel.can(need))
        told = Told(channel, plan.allowed(state, features))
        refused = {need: NO_SCOPE for need in needs if need not in features}
        requests = self._planned(told.state, reports, today)[: self.most]
        caller = caller_for(len(requests) + 1)  # a token may have to be renewed
        if state.birth is None and ANALYTICS in features:
            born = self._tried(lambda: data.my_channel(caller).published_at)
            told.state = replace(told.state, birth=pacific_day(born) if born else None)
            requests = self._planned(told.state, reports, today)[: self.most]
        for request in requests:
            self._ask_one(request, caller, told, refused)
            if told.trouble is not None:
                break
        self._rank(told, caller)
        left = self._planned(told.state, reports, today)
        told.left = bool(left)
        if told.trouble is not None and told.trouble[1].then in {Then.PAUSE, Then.RECONNECT}:
            return self._not_asked(told, left, told.trouble[0].reason)
        return told

    def _not_asked(self, told: Told, requests: Sequence[Request], reason: str) -> Told:
        """Note why nothing is asked of the days to ask about. Whoever asks again asks for all of it anew."""
        told.state, now = plan.allowed(told.state, ()), self.clock()
        for request in requests:
            if request.kind is Kind.RECENT and request.video is None:
                told.answers.append(Answer(request=request, asked_at=now, reason=reason))
                told.state = plan.after(told.state, request, today=pacific_day(now), newest=None, reason=reason)
        return told

    def _planned(self, state: State, reports: Reports, today: date) -> list[Request]:
        return plan.to_ask(state, reports, today=today, retention=self.retention)

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

    def _ends(self, error: YtempireError) -> ReadDecision | None:
        """What follows for the channel; None when the error is about one query alone."""
        if isinstance(error, RateLimited) and fault_of(error) is None:
            return ReadDecision(Then.ASK_AGAIN, error.retry_at)  # a person's minute is over; others' is not
        decision = read_decision(error, tries=0, clock=self.clock, rng=self.rng)
        of_connection = fault_of(error) is None and isinstance(error, ReauthRequired | NotFound)
        return decision if of_connection or decision.then is not Then.NEXT_RUN else None

    def _rank(self, told: Told, caller: Caller) -> None:
        """Choose the videos whose retention is asked: the most watched of the newest list, then of the others."""
        lists = [each for each in told.answers if each.request.query.name == _RANKING]
        lists.sort(key=lambda answer: answer.request.start, reverse=True)
        ranked = list(dict.fromkeys(row["video_id"] for each in lists for row in each.rows if row["video_id"]))
        ranked = ranked[: plan.VIDEOS_MAX]
        unknown = [each for each in ranked if each not in {video.id for video in told.state.videos}]
        published = self._tried(lambda: _published(caller, unknown)) if unknown else {}
        if ranked and published is not None:
            told.state = plan.with_videos(told.state, ranked, published)

    def _tried(self, call: Callable[[], Value]) -> Value | None:
        """What the Data API answers; None when it does not now, which is no trouble of Analytics'."""
        try:
            return call()
        except YtempireError as error:
            log("NOTICE", "a channel's videos or birth could not be looked up", reason=error.reason)
            return None


def _published(caller: Caller, ids: Sequence[str]) -> dict[str, date]:
    """The days on which videos were published, as far as YouTube still has them."""
    found = data.videos(caller, ids, parts="snippet").videos
    return {video.id: pacific_day(video.published_at) for video in found if video.published_at}
