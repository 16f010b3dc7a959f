"""Reads about channels and stores rows of them; decides what becomes of one about which somebody did not answer.

What YouTube says goes by the policy table, as in publishing; reading meets fewer of its actions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

from shared import channels
from shared.channels import Refusal
from shared.clock import Clock
from shared.cloud.bigquery import answering
from shared.cloud.firestore import Client
from shared.cloud.steps import Result
from shared.collection.messages import ToIngest
from shared.errors import Misconfigured, QuotaRefused, RateLimited, Transient, YtempireError
from shared.monitoring.log import log
from shared.quota.accounts import SYSTEM
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.quota.profile import Priority
from shared.tokens.health import Outcome
from shared.youtube.client import Caller
from shared.youtube.faults import Fault, decide, fault_of
from shared.youtube.policy import Action, Kind, policy

if TYPE_CHECKING:
    from shared.warehouse.statements import Warehouse
    from shared.warehouse.tables import TableDeclaration

PAUSE = timedelta(hours=20)
"""How long an API is not asked about a channel for which it has refused: until the next daily run."""


class Then(Enum):
    """What happens next."""

    ASK_AGAIN = "the channel is asked about again, as soon as the policy says"
    NEXT_RUN = "the next daily run asks again"
    PAUSE = "the API is not asked about the channel until the next daily run, and the connection says why"
    RECONNECT = "the API is not asked about it before its owner has connected it again; the connection says so"
    STOP = "nobody is asked about any more in this run"


READING: Mapping[Action, Then] = {
    Action.RETRY: Then.ASK_AGAIN,
    Action.RETRY_LATER: Then.ASK_AGAIN,
    Action.REAUTHENTICATE: Then.RECONNECT,
    Action.MARK_CHANNEL: Then.RECONNECT,
    # Only who allows it is asked, so the grant covers it. Google's bad hour must not cost all owners a
    # reconnection.
    Action.CHECK_GRANT: Then.PAUSE,
    Action.TELL_OPERATOR: Then.STOP,  # the alert is the client's; the next hourly run finds out whether it is over
    Action.DEFER_TO_TOMORROW: Then.STOP,  # the ledger has closed the bucket: hourly runs send nothing until then
    Action.FIX_REQUEST: Then.NEXT_RUN,
    Action.FAIL: Then.NEXT_RUN,
    Action.RECORD_NOT_MONETIZED: Then.NEXT_RUN,  # what needs no revenue is asked all the same
    # Done by whoever asked; what is left is that it did not help.
    Action.REFRESH_TOKEN: Then.NEXT_RUN,  # by the client
    Action.RESTART_LISTING: Then.NEXT_RUN,  # by the client
    Action.TREAT_AS_DONE: Then.NEXT_RUN,  # `reporting.create_job` takes the job that is there
    Action.MARK_AS_DELETED: Then.NEXT_RUN,  # `reports` makes a new job for one that is gone
}


@dataclass(frozen=True)
class ReadDecision:
    """What happens next. at: when, for ASK_AGAIN; and for STOP, None where only a later run can do better."""

    then: Then
    at: datetime | None = None


def read_decision(error: YtempireError, *, tries: int, clock: Clock, rng: random.Random) -> ReadDecision:
    """What an error means for the channel that met it. tries: how often in a row it met one before."""
    fault = fault_of(error)
    if fault is not None:
        return _by_policy(fault, tries, clock, rng)
    if isinstance(error.detail, Outcome) and isinstance(error, Transient):
        return ReadDecision(Then.ASK_AGAIN, error.retry_at or clock() + timedelta(minutes=5))  # its own token's
    if isinstance(error, QuotaRefused | Misconfigured):
        return ReadDecision(Then.STOP)
    if isinstance(error, RateLimited):
        return ReadDecision(Then.STOP, error.retry_at)
    if isinstance(error, Transient):  # a service of ours is silent, for the next channel too
        again = _by_policy(Fault(rule=policy().rules["unavailable"], status=None, sent=False), tries, clock, rng)
        at = again.at and max(again.at, error.retry_at or again.at)
        return ReadDecision(Then.STOP, at)
    return ReadDecision(Then.NEXT_RUN)


def _by_policy(fault: Fault, tries: int, clock: Clock, rng: random.Random) -> ReadDecision:
    decision = decide(fault, tries, clock=clock, rng=rng)
    then = READING.get(decision.action, Then.NEXT_RUN)
    if then is not Then.ASK_AGAIN:
        return ReadDecision(then)
    return ReadDecision(Then.STOP if fault.kind is Kind.RATE else then, decision.at)  # a rate is the project's


def refusal(error: YtempireError, then: Then, now: datetime) -> Refusal | None:
    """What the connection says of it, if it says something."""
    if then not in {Then.PAUSE, Then.RECONNECT}:
        return None
    return Refusal(reason=error.reason, since=now, until=now + PAUSE if then is Then.PAUSE else None)


Rows = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
"""Rows for the warehouse, by channel and connection."""
API = "youtube"
GRANTS_TRIED = 3


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads about channels on the system's account. caller_for: what calls YouTube for one, paid by a block."""

    client: Client
    quota: Ledger
    caller_for: Callable[[str, Block], Caller]
    to_ingest: ToIngest
    clock: Clock
    rng: random.Random

    def paying(self, method: str, calls: int, priority: Priority | None = None) -> Block:
        """What pays for so many calls at once, or more."""
        return Block(self.quota, method, SYSTEM, upto=max(1, calls), priority=priority)

    def by_any(
        self, channel_ids: Iterable[str], block: Block, ask: Callable[[Caller], Result], what: str
    ) -> Result | None:
        """The answer to a call that any grant can make; None when none of a few channels' gets one now."""
        for channel_id in islice(channel_ids, GRANTS_TRIED):
            try:
                return ask(self.caller_for(channel_id, block))
            except YtempireError as error:
                if self.refused(channel_id, error, what) is Then.STOP:
                    return None
        return None

    def decision(self, error: YtempireError, tries: int = 0) -> ReadDecision:
        return read_decision(error, tries=tries, clock=self.clock, rng=self.rng)

    def refused(self, channel_id: str, error: YtempireError, what: str) -> Then:
        """What an error of the Data API means for the others, and mark the connection. what: the log's words."""
        then = self.decision(error).then
        log("WARNING", what, channel=channel_id, reason=error.reason, then=then.name, retry_at=error.retry_at)
        self.mark(channel_id, API, error, then)
        return then

    def mark(
        self, channel_id: str, api: str, error: YtempireError, then: Then, look: channels.Look | None = None
    ) -> bool:
        """Whether an API tells nothing about a channel, which is marked. look: what waits for the end of that."""
        found = refusal(error, then, self.clock())
        if found is not None:
            channels.set_refusal(self.client, channel_id, api, found)
            if look is not None:
                channels.look_again(self.client, channel_id, look, found.until)
        return found is not None


@dataclass(frozen=True, kw_only=True)
class Storing(Reader):
    """A reader whose rows go to the warehouse. warehouse: with its tables in place."""

    warehouse: Callable[[], Warehouse]

    def append(self, table: TableDeclaration, rows: Rows, load_id: str = "") -> list[str]:
        """Append rows by one load job; the channels whose rows are there. load_id: none for one of their own.

        Raises Unavailable and RateLimited.
        """
        from shared.warehouse.append import append_by_channel
        from shared.warehouse.load import load_id_for, new_load_id

        load_id = load_id or new_load_id(self.clock())
        told = {
            channel: [{"load_id": load_id_for(load_id, connection), "channel_id": channel, **row} for row in some]
            for (channel, connection), some in rows.items()
        }
        with answering(self.clock):
            return append_by_channel(self.warehouse(), table, told, self.clock)

    def stored(self, table: TableDeclaration, rows: Rows) -> list[str] | None:
        """As `append`; None when BigQuery takes none now."""
        try:
            return self.append(table, rows)
        except Transient as error:
            log("WARNING", "what was read could not be stored", reason=error.reason, detail=error.message)
            return None
