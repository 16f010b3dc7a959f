"""The operations' composition root: real clients, real settings, one call for each function."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared import channels
from shared.clock import system_clock
from shared.cloud import firestore, queues
from shared.errors import Forbidden, InvalidRequest
from shared.publishing import effects, plan
from shared.publishing.intents import intents, planned
from shared.publishing.operation import Operation
from shared.publishing.records import Operations
from shared.publishing.run import Runner
from shared.publishing.sources import Source, StorageObject, WebFile
from shared.publishing.submit import Desk, answer, command
from shared.settings import settings
from shared.wiring import quota
from shared.wiring.access import token_source
from shared.wiring.vault import vault
from shared.youtube.client import Caller, Context

MAX_ATTEMPTS = 10
"""How often Cloud Tasks delivers one turn; as declared for the queue `operations`, which a test compares."""


def handle(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the backend asks: a submission, {"action": read | cancel | retry, "operation": id}, or a plan.

    With "quote": true a submission is only priced, as a plan is. Raises errors of `shared.errors`.
    """
    desk, asked = _desk(), command(body)
    if asked is not None:
        action, operation = asked
        act = {"read": desk.read, "cancel": desk.cancel, "retry": desk.retry}[action]
        return answer(act(operation))
    if body.get("action") == "plan":
        asked_for = intents(body)
        return {"plan": planned(asked_for, desk.plan(asked_for))}
    only_quote = body.get("quote") is True
    request = desk.request({name: value for name, value in body.items() if name != "quote"})
    if only_quote:
        return {"quote": desk.quote(request).as_json()}
    return answer(*desk.submit(request))


def run_turn(body: Mapping[str, Any], *, attempts_before: int) -> dict[str, Any]:
    """One turn of one operation, as its task says. Raises errors of `shared.errors`."""
    operation, turn = body.get("operation"), body.get("turn")
    if not isinstance(operation, str) or not isinstance(turn, int):
        raise InvalidRequest("A task names an operation and a turn.", field="operation")
    last = attempts_before >= MAX_ATTEMPTS - 1
    after = _runner().run(operation, turn, last_attempt=last)
    return {"operation": after.id, "state": after.state.value, "reason": after.reason}


def sweep() -> dict[str, int]:
    """Queue again what was lost, and charge what dead callers had reserved and never settled."""
    return {"queued": _runner().sweep(), "charged": quota.ledger().sweep()}


@cache
def operations() -> Operations:
    """This project's operations."""
    return Operations(firestore.client())


@cache
def _desk() -> Desk:
    return Desk(
        operations=operations(),
        estimate=quota.quote,
        owner_of=_owner,
        enqueue=queues.enqueue,
        clock=system_clock,
    )


@cache
def _runner() -> Runner:
    return Runner(
        operations=operations(),
        caller_for=_caller,
        sealing=vault(),
        source_of=source_of,
        enqueue=queues.enqueue,
        clock=system_clock,
        dice=random.Random(),  # noqa: S311 - spreads waiting, guards nothing
        owner=f"{os.environ.get('K_REVISION', 'local')}/{uuid.uuid4().hex[:12]}",
    )


def source_of(named: Mapping[str, Any], field: str) -> Source:
    """The source that a request names."""
    if "url" in named:
        return WebFile(named["url"], field)
    return StorageObject(named["bucket"], named["object"], field)


def _owner(channel_id: str) -> str:
    channel = channels.get(firestore.client(), channel_id)
    if not channel.working:
        raise Forbidden(f"The channel's connection does not work: {channel.state_reason}", reason=channel.state)
    if not channel.can(effects.FEATURE):
        reason, words = effects.why_not(channel.capabilities.get(effects.FEATURE))
        raise Forbidden(words, reason=reason)
    return channel.user_id


def _caller(operation: Operation) -> Caller:
    context = Context(
        account=operation.user_id,
        channel_id=operation.channel_id,
        operation_id=operation.id,
        priority=plan.priority(critical=operation.critical),
    )
    return Caller(
        settings=settings(),
        quota=quota.ledger(),
        limiter=quota.rate_limiter(),
        tokens=token_source(operation.channel_id),
        context=context,
    )
