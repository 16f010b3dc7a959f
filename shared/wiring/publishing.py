"""Builds the publishing room's services, each once, on first use."""

from __future__ import annotations

import random
from functools import cache, partial
from typing import TYPE_CHECKING

from shared.clock import system_clock
from shared.cloud import firestore, queues
from shared.publishing import plan
from shared.publishing.address import Allowed
from shared.publishing.operation import Operation, Operations
from shared.publishing.submissions import Submissions
from shared.publishing.tasks import Callbacks, Tasks
from shared.settings import CALLBACK_SECRET, settings
from shared.wiring import quota

if TYPE_CHECKING:
    from shared.publishing.run import Runner
    from shared.youtube.client import Caller


@cache
def tasks() -> Tasks:
    tells = bool(settings().callback_url)
    operations = Operations(firestore.client())
    return Tasks(operations=operations, enqueue=queues.enqueue, clock=system_clock, tells=tells)


@cache
def submissions() -> Submissions:
    estimate = partial(quota.ledger().quote, limits=quota.rate_limiter().dry_run_logs)
    return Submissions(tasks=tasks(), allowed=allowed(), estimate=estimate)


@cache
def callbacks() -> Callbacks:
    told, address = tasks().operations, settings().callback_url
    return Callbacks(operations=told, address=address, secret=callback_secret, clock=system_clock)


def callback_secret() -> bytes:
    """What signs what is posted to the app and to operators; read when it is needed."""
    from shared.wiring.vault import keyring

    return keyring(CALLBACK_SECRET).newest()[1]


def allowed() -> Allowed:
    return Allowed(settings().source_buckets, settings().source_hosts)


@cache
def runner() -> Runner:
    from shared.publishing.run import Runner
    from shared.publishing.sources import source_of
    from shared.wiring.vault import vault

    rng = random.Random()  # noqa: S311 - spreads waiting, guards nothing
    find = partial(source_of, allowed())
    return Runner(tasks=tasks(), caller_for=caller_for, vault=vault(), rng=rng, source_of=find)


def caller_for(operation: Operation) -> Caller:
    from shared.wiring import youtube
    from shared.wiring.access import token_source
    from shared.youtube.client import Context

    context = Context(
        account=operation.user_id,
        channel_id=operation.channel_id,
        operation_id=operation.id,
        priority=plan.priority(critical=operation.critical),
        feature="publishing",
    )
    return youtube.caller(context, token_source(operation.channel_id))
