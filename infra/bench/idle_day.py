"""What the schedules of a day read and write of Firestore while YouTube has nothing new, counted on the wire.

The rooms themselves run in virtual time, when their schedules say, on the emulator and the simulator. No lease of
a push subscription ends that day, and the vault has one key, so its rotation reads nothing.
`python -m infra.bench.idle_day` prints the figures of each schedule.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

import grpc

from infra.deployment import deployment
from infra.local.emulators import firestore_running
from infra.local.scheduler.book import next_run

USERS, CHANNELS_EACH = 50, 5
DAY = timedelta(days=1)
_LEFT_OUT = {"collect-analytics", "collect-metadata", "collect-statistics"}
"""What they read is new every day: `full_day.py` counts it."""
_APART = timedelta(minutes=6)
"""Between two tasks: the rate limiter, whose times are Firestore's, takes a clock that moves by less for wrong."""
_READS = {"BatchGetDocuments": ("found", "missing"), "RunQuery": ("document",), "RunAggregationQuery": ("result",)}
"""Which fields of each method's answers stand for a document that was read."""


@dataclass
class Tally:
    """How many documents Firestore has sent and stored, by schedule and collection; what was asked of YouTube.

    Firestore counts an answer without any as one read. requests: by schedule and method. schedule: which runs now.
    """

    reads: Counter[tuple[str, str]] = field(default_factory=Counter)
    writes: Counter[tuple[str, str]] = field(default_factory=Counter)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    schedule: str = field(default="", kw_only=True)

    @property
    def counts(self) -> tuple[Counter[tuple[str, str]], ...]:
        """Reads, writes, requests."""
        return self.reads, self.writes, self.requests

    def taken(self) -> Tally:
        """What was counted so far; counting begins anew."""
        found = Tally(*(each.copy() for each in self.counts))
        for each in self.counts:
            each.clear()
        return found

    def of(self, schedule: str) -> tuple[int, ...]:
        """One schedule's reads, writes and requests."""
        return tuple(sum(count for key, count in each.items() if key[0] == schedule) for each in self.counts)

    def __str__(self) -> str:
        lines = []
        for schedule, about in sorted({*self.reads, *self.writes}):
            key = schedule, about
            lines.append(f"{schedule:<26}{about:<16}{self.reads[key]:>8,} read{self.writes[key]:>8,} written")
        lines.append(f"{'all':<42}{self.reads.total():>8,} read{self.writes.total():>8,} written")
        lines += [f"{schedule:<26}{method:<36}{count:>8,}" for (schedule, method), count in self.requests.items()]
        return "\n".join(lines)


class _Wire(grpc.UnaryStreamClientInterceptor, grpc.UnaryUnaryClientInterceptor):
    """Counts what Firestore is sent and answers."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        answers = continuation(details, request)
        fields = _READS.get(details.method.rpartition("/")[2])
        return _Counted(answers, fields, partial(self._count, self._tally.reads, request)) if fields else answers

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        if details.method.endswith("/Commit"):
            for write in request.writes:
                self._count(self._tally.writes, write)
        return continuation(details, request)

    def _count(self, counts: Counter[tuple[str, str]], asked: Any) -> None:
        counts[self._tally.schedule, _collection(asked)] += 1


def _collection(asked: Any) -> str:
    """The collection that a request or a write is about."""
    kind = type(asked).__name__
    if kind in {"RunQueryRequest", "RunAggregationQueryRequest"}:
        query = asked if kind == "RunQueryRequest" else asked.structured_aggregation_query
        return str(query.structured_query.from_[0].collection_id)
    name = asked.update.name or asked.delete if kind == "Write" else asked.documents[0]
    return str(name).partition("/documents/")[2].partition("/")[0]


class _Counted:
    """A stream of answers that counts what passes; everything else is the stream's own."""

    def __init__(self, answers: Any, fields: tuple[str, ...], count: Callable[[], None]) -> None:
        self._answers, self._fields, self._count, self._found = answers, fields, count, 0
        count()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        answer = next(self._answers)
        if any(name in answer for name in self._fields):
            if self._found:
                self._count()
            self._found += 1
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answers, name)


def counting(tally: Tally) -> Any:
    """A Firestore client on an empty database, which counts what it reads and writes."""
    from google.cloud import firestore

    class Client(firestore.Client):
        def _emulator_channel(self, transport: Any) -> Any:
            return grpc.intercept_channel(super()._emulator_channel(transport), _Wire(tally))

    return Client(project=f"bench-{uuid.uuid4().hex[:8]}")


@contextmanager
def connected(users: int = USERS) -> Iterator[Network]:
    """A network that has been looked at once: report jobs are made, and nothing is new."""
    from infra.local.simulator.reporting.jobs import Jobs
    from infra.local.simulator.serve import serving
    from infra.local.simulator.state import Plan
    from tests.emulators.youtube.stand import CLIENT, NOON, Stand

    tally = Tally()
    plan = Plan(root="", users=users, channels_per_user=CHANNELS_EACH, clients=(CLIENT,), starts_at=NOON)
    with firestore_running() as host, serving(plan) as simulator:
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        simulator.room(Jobs).held_at = simulator.clock().timestamp()
        network = Network(Stand(simulator, counting(tally)), tally)
        for user in range(1, users + 1):
            for place in range(CHANNELS_EACH):
                network.connect(user, place)
        network.pass_day()
        tally.taken()
        yield network


@cache
def counted(users: int = USERS) -> Tally:
    """What a day reads and writes."""
    with connected(users) as network:
        network.pass_day()
        return network.tally.taken()


class _OneKey:
    """The vault's one key."""

    def newest(self) -> tuple[int, bytes]:
        return 1, b"k" * 32

    def version(self, _number: int) -> bytes:
        return b"k" * 32


@dataclass
class Network:
    """Connected channels, and whatever the schedules run for them."""

    stand: Any
    tally: Tally
    tasks: list[tuple[datetime, str, Mapping[str, Any]]] = field(default_factory=list)
    checks: list[datetime] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        from shared.tokens.google_oauth import GoogleOAuth, OAuthClient
        from shared.tokens.refresh import Refresher, SharedTokens
        from shared.vault.secret import Secret
        from shared.vault.vault import Vault
        from tests.emulators.youtube.stand import CLIENT

        self.client, self.clock = self.stand.firestore, self.stand.clock
        self.task_at = self.clock()
        self.settings = replace(self.stand.settings, oauth_token_url=f"{self.stand.simulator.root}/token")
        self.vault = Vault(_OneKey(), self.clock)
        oauth = OAuthClient(CLIENT.client_id, Secret(CLIENT.client_secret))
        google = GoogleOAuth(self.settings, lambda: oauth, self.clock)
        self.rng = random.Random(1)  # noqa: S311
        self.refresher = Refresher(self.client, self.vault, google, self.clock, owner="bench", rng=self.rng)
        self.tokens = SharedTokens(self.refresher, self.clock)
        self.own_tokens = SharedTokens(self.refresher, self.clock, own=timedelta(hours=6))

    def connect(self, user: int, place: int) -> None:
        """Connect a channel as a consent does, with a subscription that the hub has verified."""
        from shared.access.connect import Applicant, connect
        from shared.access.features import scopes_for
        from shared.push.renewal import Standing
        from shared.push.subscriptions import STANDINGS
        from shared.push.verification import State
        from shared.tokens import accounts
        from shared.tokens.health import Tokens
        from shared.vault.secret import Secret
        from shared.youtube.data import Channel
        from shared.youtube.items import item_of
        from tests.emulators.youtube.stand import issue

        email, channel = f"user-{user:03}@example.test", self.stand.channel(user, place)
        self.channels.append(channel.id)
        issued, scopes, now = issue(self.stand.simulator, email, place), scopes_for(("analytics",)), self.clock()
        tokens = Tokens(
            access_token=Secret(issued.access_token),
            expires_at=now + timedelta(hours=1),
            refresh_token=Secret(str(issued.refresh_token)),
            scopes=frozenset(scopes),
            refresh_expires_at=None,
            google_account=f"{user:021}",
        )
        number = accounts.number_next(self.client, tokens.google_account, email)
        applicant = Applicant(email, tokens, number, frozenset(scopes), None)
        consent = self.client.document(f"consents/{channel.id}")
        consent.set({})
        uploads = {"relatedPlaylists": {"uploads": f"UU{channel.id[2:]}"}}
        item = {"id": channel.id, "snippet": {"title": channel.title}, "contentDetails": uploads}
        connect(
            applicant, item_of(Channel, item), consent.path,
            client=self.client, vault=self.vault, settings=self.settings, now=self.clock(),
        )  # fmt: skip
        standing = Standing(  # of each video that the simulator has meanwhile, the hub has told
            channel_id=channel.id, state=State.ACTIVE, next_ask=now + 5 * DAY, lease_until=now + 10 * DAY,
            last_notification=now + 10 * DAY,
        )  # fmt: skip
        self.client.document(f"subscriptions/{channel.id}").set(
            STANDINGS.fields(replace(standing, terms=self.push.terms(channel.id)))
        )

    @property
    def push(self) -> Any:
        """The push room, which asks no hub that day."""
        from shared.push.keys import HubKeys
        from shared.push.subscriptions import Push

        return Push(lambda: self.client, lambda: HubKeys((b"k" * 32,)), self.settings, _nothing, self.clock)

    def pass_day(self) -> None:
        """Run every schedule of a day at its time, and the tasks between."""
        runs, now = self.runs(), self.clock()
        schedules = {name: each for name, each in deployment().schedules.items() if name not in _LEFT_OUT}
        following = {name: next_run(each, now) for name, each in schedules.items()}
        while self.tasks or min(following.values()) <= now + DAY:
            name = min(following, key=following.__getitem__)
            if self._run_task(following[name]):
                continue
            self._to(following[name])
            self.tally.schedule = name
            runs[name]()
            following[name] = next_run(schedules[name], self.clock())

    def runs(self) -> Mapping[str, Callable[[], object]]:
        """What each schedule runs."""
        from shared.access.disconnect import Disconnects
        from shared.access.revocation import Revocations
        from shared.access.upkeep import Upkeep
        from shared.collection.listening import Listening
        from shared.publishing.operation import Operations
        from shared.publishing.tasks import Tasks
        from shared.watch.watching import Watch

        google = self.refresher.google
        revocations = Revocations(self.client, self.vault, google, self.clock)
        disconnects = Disconnects(self.client, revocations, self.clock, _nothing, _nothing, _nothing)
        listening = Listening(
            client=self.client,
            push=self.push,
            quota=self.stand.ledger,
            caller_for=partial(self.caller, own=True),
            to_ingest=_nothing,
            clock=self.clock,
            rng=self.rng,
        )
        tasks = Tasks(operations=Operations(self.client), enqueue=self.enqueue, clock=self.clock)
        watch = Watch(
            client=self.client,
            quota=self.stand.ledger,
            clock=self.clock,
            publish=_nothing,
            check_later=self._check_later,
            take_calls=_nothing,
            app="https://app.example",
        )
        return {
            "watch": watch.run,
            "collect-reports": self.collecting.run,
            "renew-subscriptions": listening.run,
            "refresh-tokens": Upkeep(self.client, self.refresher, disconnects, self.clock, testing=False).run,
            "sweep": lambda: (self.stand.ledger.sweep(), tasks.sweep()),
        }

    @property
    def collecting(self) -> Any:
        """What `collect_reports` runs."""
        from shared.collection.collecting import Collecting
        from shared.youtube import reporting

        return Collecting(
            client=self.client,
            report_types=("channel_basic_a3",),
            quota=self.stand.ledger,
            caller_for=self.reports_caller(reporting.LIST),
            to_ingest=self._audit,
            enqueue=self.enqueue,
            book=partial(self.stand.limiter.book, method=reporting.LIST, user="system"),
            clock=self.clock,
            rng=self.rng,
        )

    def caller(self, channel_id: str, paid_by: Any = None, *, own: bool = False) -> Any:
        """What calls YouTube for a channel. own: with tokens that are nobody else's."""
        from shared.youtube.client import Caller, Context

        return Caller(
            settings=self.settings,
            quota=paid_by or self.stand.ledger,
            limiter=self.stand.limiter,
            tokens=partial((self.own_tokens if own else self.tokens).token, channel_id),
            context=Context(channel_id=channel_id),
            apis=self.stand.apis,
            clock=self.clock,
            calls=self._called,
        )

    def reports_caller(self, method: str) -> Callable[[str, Any], Any]:
        """What calls the Reporting API for a channel, as the functions build it."""
        from shared.rate_limits.limiter import BRIEFLY, HANDFUL, Burst

        burst = Burst(self.stand.limiter, method, "system", upto=HANDFUL, lasts=BRIEFLY)
        return lambda channel_id, block: replace(self.caller(channel_id, block, own=True), limiter=burst)

    def _called(self, call: Any) -> None:
        self.tally.requests[self.tally.schedule, call.endpoint] += 1

    def enqueue(
        self, _queue: str, _name: str, _function: str, payload: Mapping[str, Any], when: datetime | None = None
    ) -> bool:
        """Remember a task for its time."""
        self.tasks.append((when or self.clock(), self.tally.schedule, payload))
        return True

    def _audit(self, kind: str, _message: Mapping[str, Any]) -> None:
        """Read what the daily audits read of Firestore; the rest they ask the warehouse."""
        from shared.access.disconnect import AUDIT
        from shared.collection import audit, gone, packs

        if kind == audit.KIND:
            packs.every(self.client)
        if kind == AUDIT:
            gone.connections(self.client, self.channels)

    def _check_later(self, since: datetime) -> None:
        """Look whether the watch is alive, once the task for it has come: a later run has ended by then."""
        from shared.watch import watching

        self.checks.append(since)
        if len(self.checks) > 2:
            watching.check(self.client, _nothing, since=self.checks.pop(0), now=self.clock())

    def _run_task(self, before: datetime) -> bool:
        """Run the next task, if its time comes before another."""
        from shared.collection.planner import asked_for

        first = min(self.tasks, key=lambda task: task[0], default=None)
        if first is None or (at := max(first[0], self.task_at + _APART)) >= before:
            return False
        self.tasks.remove(first)
        self._to(at)
        self.task_at = self.clock()
        _, self.tally.schedule, payload = first
        self.collecting.collect(asked_for(payload))
        return True

    def pass_time(self, time: timedelta) -> None:
        """Let so much time pass."""
        self._to(self.clock() + time)

    def _to(self, when: datetime) -> None:
        if when > self.clock():
            self.stand.simulator.timepiece.set(when)


def _nothing(*_arguments: Any) -> Any:
    """What a quiet day does not need."""


def main() -> None:
    """Print what each schedule's runs, and the tasks after them, read and write of each collection, and ask."""
    print(counted())


if __name__ == "__main__":
    main()
