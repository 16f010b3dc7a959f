"""Decides what becomes of an operation whose step raised an error, and marks what that means beyond it.

An error that carries YouTube's fault goes by the policy table. Refusals of our own quota and rate limiter say
when they end. Trouble of our own surroundings is retried like YouTube's own. The decision is pure: clock and rng
are arguments. What reaches beyond the operation, and why: infra/decisions/fault-policy.md.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from shared import channels
from shared.channels import Capability
from shared.clock import Clock, after_reset, next_reset, pacific_day
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client
from shared.collection import videos
from shared.errors import QuotaRefused, RateLimited, Transient, YtempireError
from shared.publishing.operation import Operation
from shared.publishing.plan import DELETE, PROCESSING, PUBLICATION, UPDATE, feature
from shared.push.feed import VideoNotice
from shared.quota.calendar import DOUBT
from shared.youtube.faults import Fault, RetryDecision, decide, fault_of
from shared.youtube.policy import Action, Alert, Kind, policy

LOOKS = tuple(timedelta(seconds=seconds) for seconds in (3, 15, 60, 180, 300))
"""Waits before what is missing is looked for again: YouTube may need minutes to find what it has just made."""
_SPREAD = timedelta(seconds=5)
WAITS = frozenset({Action.RETRY, Action.RETRY_LATER, Action.LOOK_AGAIN, Action.REFRESH_TOKEN})
WAITS |= {Action.DEFER_TO_TOMORROW, Action.DEFER_CHANNEL}
"""Actions after which the step runs again at `RetryDecision.at`."""


def retry_decision(
    operation: Operation, error: YtempireError, *, clock: Clock, rng: random.Random
) -> RetryDecision:
    """What happens next to an operation whose step raised `error`."""
    fault = fault_of(error)
    if fault is not None:
        now, made = clock(), operation.retries.get(fault.reason, 0)
        if fault.kind is Kind.MISSING and made < len(LOOKS):
            at = now + LOOKS[made] * rng.uniform(1, 1.2)
            return RetryDecision(Action.LOOK_AGAIN, Alert.INFO, fault.reason, fault.message, at, attempt=made + 1)
        if fault.kind is Kind.QUOTA and pacific_day(now) != pacific_day(now - DOUBT):  # it may mean yesterday's
            at = now + DOUBT * rng.uniform(1, 2)
            return RetryDecision(Action.RETRY, Alert.INFO, fault.reason, fault.message, at)
        # Work is accepted only for a connection that may publish, so the grant is not at fault for a `forbidden`.
        return decide(fault, made, clock=clock, rng=rng, grant_holds=True)
    if isinstance(error, QuotaRefused | RateLimited):
        return _refused(error, clock(), rng)
    if not isinstance(error, Transient):
        return RetryDecision(Action.FAIL, Alert.WARNING, error.reason, error.message)
    # Not YouTube's trouble, but treated like it; counted under its own name, which the operation remembers.
    rule = policy().rules.get(error.reason) or policy().rules["unavailable"]
    made = operation.retries.get(error.reason, 0)
    decision = decide(Fault(rule=rule, status=None, sent=False), made, clock=clock, rng=rng)
    return replace(decision, reason=error.reason, message=error.message)


def _refused(error: YtempireError, now: datetime, rng: random.Random) -> RetryDecision:
    """Our own quota or limiter said no before anything was sent; it says when to come back, None for never."""
    at, told = error.retry_at, (error.reason, error.message)
    if at is None:
        return RetryDecision(Action.FAIL, Alert.WARNING, *told)
    if at >= next_reset(now):
        return RetryDecision(Action.DEFER_TO_TOMORROW, Alert.INFO, *told, after_reset(now, rng=rng))
    return RetryDecision(Action.RETRY, Alert.NONE, *told, at + _SPREAD * rng.random())


LISTED = frozenset({UPDATE, DELETE, PROCESSING, PUBLICATION})
"""Steps that meet `videoNotFound` in a listing by the owner."""


def mark(client: Client, decision: RetryDecision, operation: Operation, now: datetime) -> None:
    """Do what a retry decision asks for besides ending the operation. Safe to repeat.

    A connection that cannot do such a step takes no new work until its owner connects again; it collects on. Of a
    video only its owner's listing says that it is gone: other calls deny new ones for a while.
    """
    if decision.action in {Action.REAUTHENTICATE, Action.MARK_CHANNEL}:
        lost = {feature(operation.current): Capability(have=False, reason=decision.reason)}
        channels.set_capabilities(client, operation.channel_id, lost, now, probe_at=None)
    elif decision.action is Action.MARK_AS_DELETED and operation.current in LISTED:
        video_gone(client, operation, now)


def video_gone(client: Client, operation: Operation, now: datetime) -> None:
    """Mark its video as deleted, if it is one of this channel that we know: the request may name any."""
    video_id = operation.video_id
    known = client.collection(videos.COLLECTION).document(video_id).get(**call_options()) if video_id else None
    if known is not None and known.exists and known.get("channel_id") == operation.channel_id:
        gone = VideoNotice(video_id=video_id, channel_id=operation.channel_id, updated=now, deleted=True)
        videos.record(client, gone, now)
