"""Reads `deployment.yaml`, the one declaration of what is deployed, into typed records.

Whoever needs to know a function's memory, a queue's rate or who may call what - the local stack, the staging
step, tests - asks here. Raises ValueError naming the line's owner when the declaration contradicts itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

ROOT = Path(__file__).resolve().parent.parent
DECLARATION = ROOT / "infra" / "deployment.yaml"
TRIGGERS = ("http-public", "http-private", "http-iap", "pubsub")


@dataclass(frozen=True, kw_only=True)
class Function:
    """One deployed function. memory as Google writes it (256Mi); timeout in seconds."""

    name: str
    trigger: str
    memory: str
    timeout: int
    paths: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    topic: str | None = None

    @property
    def private(self) -> bool:
        """Whether the front end demands a service account's identity."""
        return self.trigger in {"http-private", "pubsub"}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One Cloud Scheduler job: cron in a zone, and the JSON body that the function receives."""

    name: str
    function: str
    cron: str
    zone: str
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
class Deployment:
    """Everything that is deployed."""

    region: str
    runtime: str
    service_accounts: Mapping[str, str]
    secrets: Mapping[str, str]
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


_Record = TypeVar("_Record", Function, Schedule, Queue, Topic, Subscription)


def parse(document: Mapping[str, Any]) -> Deployment:
    """The typed declaration. Raises ValueError naming what is wrong and where."""
    deployment = Deployment(
        region=document["region"],
        runtime=document["runtime"],
        service_accounts=document["service_accounts"],
        secrets=document["secrets"],
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
    known = {item.name for item in fields(kind)}
    records = {}
    for name, values in document[section].items():
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"deployment.yaml: {section}.{name}: unknown {sorted(unknown)}")
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        records[name] = kind(name=name, **plain)
    return records


def _contradictions(deployment: Deployment) -> list[str]:
    found = []

    def need(owner: str, kind: str, name: str | None, among: Mapping[str, object]) -> None:
        if name is not None and name not in among:
            found.append(f"{owner} names the undeclared {kind} {name!r}")

    for function in deployment.functions.values():
        if function.trigger not in TRIGGERS:
            found.append(f"{function.name} has the unknown trigger {function.trigger!r}")
        if function.private != bool(function.callers):
            found.append(f"{function.name}: private functions, and only they, name callers")
        need(function.name, "topic", function.topic, deployment.topics)
        for caller in function.callers:
            need(function.name, "service account", caller, deployment.service_accounts)
        for secret in function.secrets:
            need(function.name, "secret", secret, deployment.secrets)
    for schedule in deployment.schedules.values():
        need(schedule.name, "function", schedule.function, deployment.functions)
    for subscription in deployment.subscriptions.values():
        need(subscription.name, "topic", subscription.topic, deployment.topics)
        need(subscription.name, "topic", subscription.dead_letter_topic, deployment.topics)
        need(subscription.name, "function", subscription.function, deployment.functions)
    return found


@cache
def deployment() -> Deployment:
    """The declaration of this tree."""
    return parse(yaml.safe_load(DECLARATION.read_text()))
