"""Channels that are connected, what collects and polls them, and the tasks that wait for their time."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from shared import channels
from shared.access.features import capabilities, scopes_for
from shared.channels import CHANNELS, Channel
from shared.collection import messages
from shared.collection.collecting import Collecting
from shared.collection.planner import asked_for
from shared.tokens.health import CONNECTED
from shared.youtube import reporting
from shared.youtube.client import Caller
from tests.emulators.youtube.stand import Stand

KIND = "channel_basic_a3"
FEATURES = ("analytics", "publish")


@dataclass
class Reading:
    """Two users' channels as `access` stores them; tasks run when their time has come."""

    stand: Stand
    report_types: tuple[str, ...] = (KIND,)
    callers: dict[str, Caller] = field(default_factory=dict)
    sent: list[Mapping[str, Any]] = field(default_factory=list)
    tasks: dict[str, tuple[datetime, Mapping[str, Any]]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def connect(self, user: int = 1, place: int = 0, *, granted: tuple[str, ...] = FEATURES, **known: Any) -> str:
        """Connect a channel, or connect it again."""
        channel, now = self.stand.channel(user, place), self.stand.clock()
        connected = Channel(
            channel_id=channel.id,
            user_id=f"u{user}",
            title=channel.title,
            uploads_playlist="UU" + channel.id[2:],
            state=CONNECTED,
            state_since=now,
            connected_at=now,
            capabilities=capabilities(scopes_for(granted), scopes_for(FEATURES)),
            **{"collect_at": now, **known},
        )
        self.stand.firestore.document(channels.path(channel.id)).set(CHANNELS.fields(connected))
        self.callers[channel.id] = replace(self.stand.caller(user, place))
        return str(channel.id)

    def channel(self, channel_id: str) -> Channel:
        return channels.get(self.stand.firestore, channel_id)

    @property
    def collecting(self) -> Collecting:
        return Collecting(
            client=self.stand.firestore,
            report_types=self.report_types,
            quota=self.stand.ledger,
            caller_for=lambda channel_id, block: replace(self.callers[channel_id], quota=block),
            to_ingest=lambda kind, message: self.sent.append(message) if kind == messages.KIND else None,
            enqueue=self.enqueue,
            book=partial(self.stand.limiter.book, method=reporting.LIST, user="system"),
            clock=self.stand.clock,
            rng=random.Random(1),
        )

    def enqueue(
        self, _queue: str, name: str, _function: str, payload: Mapping[str, Any], when: datetime | None
    ) -> bool:
        if name in self.names:
            return False
        self.names.add(name)
        self.tasks[name] = (when or self.stand.clock(), payload)
        return True

    def run_due(self) -> int:
        """Run the tasks whose time has come; answers how many."""
        due = [name for name, (when, _) in self.tasks.items() if when <= self.stand.clock()]
        for name in sorted(due, key=lambda name: self.tasks[name][0]):
            self.collect(self.tasks.pop(name)[1])
        return len(due)

    def run_all(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Run all tasks, each at its time, which passes as it must."""
        while self.tasks and not until():
            first = min(when for when, _ in self.tasks.values())
            if first > self.stand.clock():
                self.stand.simulator.timepiece.set(first)
            self.run_due()

    def collect(self, payload: Mapping[str, Any]) -> dict[str, int]:
        return self.collecting.collect(asked_for(payload))

    def run(self, *, everything: bool = True) -> dict[str, int]:
        """A scheduled run and the tasks that are due at once."""
        planned = self.collecting.plan(everything=everything)
        self.run_all()
        return planned

    def calls(self, api: str = "youtubereporting") -> list[str]:
        """What was asked of an API about channels so far, as the simulator saw it."""
        return [
            each["method"]
            for each in self.stand.simulator.journal.entries()
            if each["method"].startswith(f"{api}.") and each["method"] != "youtubereporting.reportTypes.list"
        ]
