"""Reads `deployment.yaml`, the one declaration of what is deployed, into typed records.

The local stack, staging, deploying and tests read a function's memory, a queue's rate or who may call what here.
Raises ValueError that names the entry when the declaration contradicts itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from cronsim import CronSim, CronSimError

from infra.judges import names

ROOT = Path(__file__).resolve().parent.parent
DECLARATION = ROOT / "infra" / "deployment.yaml"
TRIGGERS = ("http-public", "http-private", "http-iap", "pubsub")


@dataclass(frozen=True, kw_only=True)
class Function:
    """One deployed function. memory as Google writes it (256Mi); cpu: of a vCPU; timeout in seconds.

    concurrency: requests that one instance serves at once. secrets: those that it reads; mounted: those of them
    that come as environment variables; rotates: those whose versions it adds, lists and disables. publishes:
    topics; fetches: subscriptions that it fetches from; enqueues: queues. warehouse: read or write, None where it
    asks BigQuery nothing. sources: whether it reads the buckets that files to publish come from.
    """

    name: str
    trigger: str
    memory: str
    cpu: float
    max_instances: int
    timeout: int
    concurrency: int = 1
    paths: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    mounted: tuple[str, ...] = ()
    rotates: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    fetches: tuple[str, ...] = ()
    enqueues: tuple[str, ...] = ()
    warehouse: str | None = None
    sources: bool = False
    topic: str | None = None

    @property
    def private(self) -> bool:
        """Whether the front end demands a service account's identity."""
        return self.trigger in {"http-private", "pubsub"}

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that hold a secret, and which."""
        return {name.upper().replace("-", "_"): name for name in self.mounted}

    @property
    def threads(self) -> dict[str, str]:
        """What has the framework serve as many at once as the instance takes; by itself it has four to a core.

        Source: functions-framework for Python, `THREADS`.
        """
        return {"THREADS": str(self.concurrency)} if self.concurrency > 1 else {}

    @property
    def service(self) -> str:
        """Its name where no underscore is allowed: the Cloud Run service that it is."""
        return self.name.replace("_", "-")

    @property
    def account(self) -> str:
        """Its service account. A function may have a name of five letters, an account may not."""
        return f"run-{self.service}"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One Cloud Scheduler job: cron in a zone, and the JSON body that the function receives.

    attempt_deadline: seconds after which Cloud Scheduler no longer waits for an answer, and calls again.
    """

    name: str
    function: str
    cron: str
    zone: str
    attempt_deadline: int
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One Cloud Tasks queue. Backoffs in seconds."""

    name: str
    max_dispatches_per_second: float
    max_concurrent_dispatches: int
    max_attempts: int
    min_backoff: float
    max_backoff: float
    max_doublings: int


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One Pub/Sub topic."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One subscription; pushed to `function`, or pulled by a person when there is none. Times in seconds."""

    name: str
    topic: str
    function: str | None = None
    dead_letter_topic: str | None = None
    max_delivery_attempts: int = 5
    ack_deadline: int = 60
    min_backoff: float = 10
    max_backoff: float = 600


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One secret, created empty. holds: what, in words; fill: the command by which an operator adds a version.

    rotation: {topic, days}, a notice on a topic every so many days; None for a secret that people renew.
    """

    name: str
    holds: str
    fill: str
    rotation: Mapping[str, Any] | None = None

    @property
    def rotation_topic(self) -> str | None:
        """Where the notice goes that it is time for a new version."""
        return self.rotation["topic"] if self.rotation else None


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Everything that is deployed."""

    region: str
    runtime: str
    warehouse_location: str
    service_accounts: Mapping[str, str]
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)

    def address(self, account: str, project: str) -> str:
        """A service account's e-mail address."""
        if account not in self.service_accounts:
            raise ValueError(f"service account {account!r} is not declared")
        return f"{account}@{project}.iam.gserviceaccount.com"


_Record = TypeVar("_Record", Secret, Function, Schedule, Queue, Topic, Subscription)


def parse(document: Mapping[str, Any]) -> Deployment:
    """The typed declaration. Raises ValueError naming what is wrong and where."""
    odd = {item.name for item in fields(Deployment)} ^ set(document)
    if odd:
        raise ValueError(f"deployment.yaml: missing or unknown sections {sorted(odd)}")
    deployment = Deployment(
        region=document["region"],
        runtime=document["runtime"],
        warehouse_location=document["warehouse_location"],
        service_accounts=document["service_accounts"],
        secrets=_records(Secret, document, "secrets"),
        functions=_records(Function, document, "functions"),
        schedules=_records(Schedule, document, "schedules"),
        queues=_records(Queue, document, "queues"),
        topics=_records(Topic, document, "topics"),
        subscriptions=_records(Subscription, document, "subscriptions"),
    )
    problems = list(_contradictions(deployment))
    if problems:
        raise ValueError("deployment.yaml: " + "; ".join(problems))
    return deployment


def _records(kind: type[_Record], document: Mapping[str, Any], section: str) -> dict[str, _Record]:
    known = {item.name: item.default is MISSING for item in fields(kind) if item.name != "name"}
    records = {}
    for name, values in document[section].items():
        unknown = set(values) - set(known)
        missing = {key for key, required in known.items() if required} - set(values)
        if unknown or missing:
            fault = f"unknown {sorted(unknown)}" if unknown else f"{sorted(missing)} missing"
            raise ValueError(f"deployment.yaml: {section}.{name}: {fault}")
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        records[name] = kind(name=name, **plain)
    return records


def _contradictions(deployment: Deployment) -> Iterator[str]:
    yield from _refused(deployment)
    yield from _undeclared(deployment)
    yield from _unused(deployment)
    takes = {(each.function, each.topic) for each in deployment.subscriptions.values()}
    for function in deployment.functions.values():
        if function.trigger not in TRIGGERS:
            yield f"{function.name} has the unknown trigger {function.trigger!r}"
        if not set(function.mounted) <= set(function.secrets):
            yield f"{function.name}: what is mounted must be among its secrets"
        if function.private != bool(function.callers):
            yield f"{function.name}: private functions, and only they, name callers"
        if (function.trigger == "pubsub") != (function.topic is not None):
            yield f"{function.name}: functions with the trigger pubsub, and only they, name a topic"
        elif function.topic is not None and (function.name, function.topic) not in takes:
            yield f"{function.name}: no subscription delivers its topic {function.topic!r}"
    for subscription in deployment.subscriptions.values():
        taker = deployment.functions.get(subscription.function or "")
        if taker is not None and taker.topic not in {None, subscription.topic}:
            yield f"{subscription.name} delivers {subscription.topic!r}, but {taker.name} takes {taker.topic!r}"
    yield from _schedules(deployment)
    yield from _shared_paths(deployment)


def _refused(deployment: Deployment) -> Iterator[str]:
    """What Google Cloud would refuse: places, names, sizes, times, rates."""
    named: dict[str, Iterable[str]] = {
        "service account": [
            *deployment.service_accounts,
            *(each.account for each in deployment.functions.values()),
        ],
        "region": [deployment.region],
        "location": [deployment.warehouse_location],
        "secret": deployment.secrets,
        "function": deployment.functions,
        "service": [each.service for each in deployment.functions.values()],
        "schedule": deployment.schedules,
        "queue": deployment.queues,
        "topic": deployment.topics,
        "subscription": deployment.subscriptions,
    }
    for kind, given in named.items():
        for name in given:
            yield from names.problems(kind, name)
    for function in deployment.functions.values():
        for problem in names.sizing(function.memory, function.cpu, function.concurrency, function.timeout):
            yield f"{function.name}: {problem}"
    for kind, records in (
        ("function", deployment.functions),
        ("schedule", deployment.schedules),
        ("queue", deployment.queues),
        ("subscription", deployment.subscriptions),
    ):
        for record in records.values():
            yield from (f"{record.name}: {problem}" for problem in names.out_of_range(kind, record))


def _undeclared(deployment: Deployment) -> Iterator[str]:
    accounts, secrets, topics = deployment.service_accounts, deployment.secrets, deployment.topics
    named: list[tuple[str, str, str | None, Mapping[str, object]]] = []
    for function in deployment.functions.values():
        named.append((function.name, "topic", function.topic, topics))
        named += [(function.name, "service account", caller, accounts) for caller in function.callers]
        named += [(function.name, "secret", name, secrets) for name in (*function.secrets, *function.rotates)]
        named += [(function.name, "topic", name, topics) for name in function.publishes]
        named += [(function.name, "subscription", name, deployment.subscriptions) for name in function.fetches]
        named += [(function.name, "queue", name, deployment.queues) for name in function.enqueues]
        named.append((function.name, "warehouse access", function.warehouse, {"read": 1, "write": 1}))
    named += [(each.name, "topic", each.rotation_topic, topics) for each in secrets.values()]
    for schedule in deployment.schedules.values():
        named.append((schedule.name, "function", schedule.function, deployment.functions))
    for subscription in deployment.subscriptions.values():
        named.append((subscription.name, "topic", subscription.topic, topics))
        named.append((subscription.name, "topic", subscription.dead_letter_topic, topics))
        named.append((subscription.name, "function", subscription.function, deployment.functions))
    for owner, kind, name, among in named:
        if name is not None and name not in among:
            yield f"{owner} names the undeclared {kind} {name!r}"


def _unused(deployment: Deployment) -> Iterator[str]:
    """What would be made for nobody: a secret without a reader, an account without a use, a queue, a topic."""
    functions, subscriptions = deployment.functions.values(), deployment.subscriptions.values()
    told = {each.rotation_topic for each in deployment.secrets.values()}
    used: Mapping[str, tuple[Iterable[str], set[str | None]]] = {
        "secret": (deployment.secrets, {name for each in functions for name in each.secrets}),
        "service account": (deployment.service_accounts, {name for each in functions for name in each.callers}),
        "queue": (deployment.queues, {name for each in functions for name in each.enqueues}),
        "topic": (
            deployment.topics,
            told.union(
                *(each.publishes for each in functions), (each.dead_letter_topic for each in subscriptions)
            ),
        ),
    }
    for kind, (declared, names_used) in used.items():
        yield from (f"nobody uses the {kind} {name!r}" for name in declared if name not in names_used)


def _schedules(deployment: Deployment) -> Iterator[str]:
    """Schedules that Cloud Scheduler would refuse, or call again while the function still runs."""
    for schedule in deployment.schedules.values():
        if not _is_cron(schedule.cron):
            yield f"{schedule.name} has the impossible cron {schedule.cron!r}"
        called = deployment.functions.get(schedule.function)
        if called is not None and schedule.attempt_deadline < called.timeout:
            yield f"{schedule.name} no longer waits while {called.name} may still run ({called.timeout} s)"


def _is_cron(text: str) -> bool:
    """Whether Cloud Scheduler would take it: five fields, and a time that comes."""
    try:
        next(CronSim(text, datetime(2000, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return len(text.split()) == 5


def _shared_paths(deployment: Deployment) -> Iterator[str]:
    """Addresses that lead to two places; what a placeholder is called makes no difference."""
    owners: dict[str, str] = {}
    for function in deployment.functions.values():
        for path in function.paths:
            owner = owners.setdefault(re.sub(r"{\w+}", "{}", path), function.name)
            if owner != function.name:
                yield f"{function.name} has the path {path!r}, which {owner} has"


@cache
def deployment() -> Deployment:
    """The declaration of this tree."""
    return parse(yaml.safe_load(DECLARATION.read_text()))
