"""The rest of the work, each thing once: what a network does besides its main job, and whether it may.

Permission is taken back at Google and the connection ends after its week; an upload fails and is retried from
the console; the app asks for numbers, a channel's owner for pages; three channels are disconnected while they are
being read, and nothing of them stays; a message is given up, and the watch falls silent. By then every function
and caller has done whatever it is there for, so its grants are held against its calls (`infra.observed`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra import observed
from infra.deployment import deployment
from infra.local import loopback
from infra.local.addresses import SOURCE_BUCKET
from infra.local.demo import control, publishing
from infra.local.demo.connect import Person
from infra.local.stack import Stack
from infra.observed import Matched
from shared.channels import COLLECTION
from shared.tokens.grants import LOST_FOR
from shared.warehouse.tables import TABLES
from shared.watch.conditions import SILENT_AFTER

if TYPE_CHECKING:
    from google.cloud.bigquery import Client as Warehouse
    from google.cloud.firestore import Client as Firestore

PEOPLE = 3
"""One who stays, one who leaves, one who takes the permission back; with at least so many channels each:
two end while they are read, and a third keeps Google's permission until then."""
CHANNELS = 3
_HOUR = timedelta(minutes=61)
"""After which no access token is left, so whoever works next refreshes one."""
_HELD = 8  # seconds that YouTube keeps an answer, during which its channel is disconnected
_PATIENCE = 90.0  # seconds, on a busy machine
_UNAVAILABLE = {"method": "oauth.revoke", "kind": "empty", "status": 503, "times": 1}
"""Google does not revoke at once, so a task asks again."""


@dataclass(frozen=True)
class Rest:
    """The work on a running stack, whose first people have connected all their channels."""

    stack: Stack
    firestore: Firestore
    warehouse: Warehouse
    dataset: str
    people: Sequence[Person]

    def problems(self) -> Iterator[str]:
        """Do everything; what went otherwise than it must, in words."""
        stays, leaves, lost = self.people[:PEOPLE]
        yield from self._lose(lost)
        yield from self._hear(stays.channels[0], leaves.channels[1])
        self._publish(stays.channels[0])
        self._show(stays)
        yield from self._leave(stays, leaves)
        yield from self._alarm()

    def _lose(self, person: Person) -> Iterator[str]:
        control.tell(self.stack, "grants", action="revoke", user=person.email)
        self._pass(_HOUR)
        control.call(self.stack, "collect_reports", channels=list(person.channels))  # which finds out
        self._pass(LOST_FOR + _HOUR)
        control.tell(self.stack, "faults", **_UNAVAILABLE)
        yield from self._schedule("refresh-tokens")
        self.stack.wait_idle()
        for channel in person.channels:
            if self._exists(COLLECTION, channel):
                yield f"{channel}, lost for {LOST_FOR.days} days, is connected still"

    def _hear(self, *channels: str) -> Iterator[str]:
        """Videos are announced, one each; their details are asked for an hour later, with fresh tokens."""
        for channel in channels:
            control.call(self.stack, "renew_subscriptions", channel=channel)
        control.tell(self.stack, "hub/settle")
        for channel in channels:
            video = str(control.tell(self.stack, "videos", channel_id=channel, title="Announced")["id"])
            if not self._comes(partial(self._exists, "videos", video)):
                yield f"nobody has heard of the video {video}"
        self._pass(_HOUR)
        self.stack.wait_idle()

    def _publish(self, channel: str) -> None:
        """What is no video fails, is mended, and retried from the console; another upload is cancelled."""
        self._pass(_HOUR)
        file = self.stack.objects / SOURCE_BUCKET / "mended.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"<!doctype html><title>Not found</title>")
        source = {"bucket": SOURCE_BUCKET, "object": file.name}
        work: dict[str, Any] = {"upload": {"source": source, "title": "Mended", "made_for_kids": False}}
        later = {**work, "not_before": (self.stack.now() + timedelta(days=1)).isoformat(timespec="seconds")}
        failing = publishing.submit(self.stack, "mended", channel, work)
        control.call(
            *(self.stack, "publish", "app-backend"),
            action="cancel",
            operation=publishing.submit(self.stack, "cancelled", channel, later),
        )
        publishing.wait(self.stack, [failing], publishing.ENDED)
        file.write_bytes(publishing.video(0))
        app = self.stack.url("gateway")
        loopback.http().post(f"{app}/console/retry", data={"operation": failing}, headers={"Origin": app})
        self.stack.wait_idle()
        publishing.wait(self.stack, [failing], frozenset({"succeeded"}))

    def _show(self, person: Person) -> None:
        """What the app, an owner and an operator are shown of a channel."""
        channel, app = person.channels[0], self.stack.url("gateway")
        self._pass(_HOUR)
        control.call(
            self.stack, "channel_data", "app-backend", channel_id=channel, numbers=["views", "subscribers"]
        )
        token = {"Authorization": f"Bearer {self.stack.user_token(person.user)}"}
        asked: dict[str, Any] = {"params": {"channel": channel, "format": "json"}, "timeout": _PATIENCE}
        for name in ("overview", "channel", "videos"):
            loopback.http().get(f"{app}/mine/{name}", headers=token, **asked).raise_for_status()
        loopback.http().get(f"{app}/console", **asked).raise_for_status()

    def _leave(self, stays: Person, leaves: Person) -> Iterator[str]:
        """Disconnect three channels while YouTube's answer about each is on its way, then the rest of a user's."""
        yield from self._schedule("collect-statistics")  # which learns what there is to read
        self._pass(_HOUR)
        control.tell(self.stack, "faults", **_UNAVAILABLE)
        first, second, *others = leaves.channels
        last, call = stays.channels[-1], control.call
        races: dict[str, tuple[Person, str, Callable[[], object]]] = {
            "youtubeAnalytics.reports.query": (
                *(leaves, first),
                partial(call, self.stack, "collect_analytics", channels=[first]),
            ),
            "youtube.videos.list": (
                *(stays, last),
                partial(call, self.stack, "collect_metadata", channels=[last]),
            ),
            "youtube.videos.batchGetStats": (
                *(leaves, second),
                partial(self.stack.trigger, "collect-statistics"),
            ),
        }
        with ThreadPoolExecutor(len(races)) as pool:
            met = list(pool.map(lambda method: self._meanwhile(method, *races[method]), races))
        for method, read in zip(races, met, strict=True):
            if not read:
                yield f"{method} was not asked about the channel that was to be disconnected meanwhile"
        for channel in others:
            self._disconnect(leaves, channel)
        self.stack.wait_idle()
        if not self._comes(lambda: not self._rows([*leaves.channels, last])):
            yield f"of channels that are disconnected there are left: {self._rows([*leaves.channels, last])}"

    def _meanwhile(self, method: str, person: Person, channel: str, read: Callable[[], object]) -> bool:
        """Disconnect a channel while a method's answer about it is held back; whether it was asked for at all."""
        about = {"method": method, "match": {"channel": channel}}
        control.tell(self.stack, "faults", kind="delay", seconds=_HELD, times=1, **about)

        def asked() -> bool:
            faults = control.ask(self.stack, "faults")["faults"]
            return any(each["hits"] for each in faults if (each["method"], each["kind"]) == (method, "delay"))

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read)
            met = self._comes(lambda: asked() or reading.done()) and asked()
            self._disconnect(person, channel)
            reading.result()
        return met

    def _alarm(self) -> Iterator[str]:
        """A message is given up, which the watch tells of; then nobody calls it, which its task tells of."""
        given_up = control.publish(self.stack, "ingest-dead", data="e30=", attributes={"kind": "erase"})
        if not self._comes(lambda: given_up in self.stack.logs("watch")):
            yield "nobody has noted that a message was given up"
        yield from self._schedule("watch")
        self.stack.advance(SILENT_AFTER.total_seconds())
        self.stack.wait_idle()

    def grants(self, *runs: Path) -> Matched:
        """What is granted, held against what was done here and in other runs; schedules that did not run yet run.

        They come last, because a large network's tasks go on for long.
        """
        runs = (*runs, self.stack.run_folder)
        for name, schedule in deployment().schedules.items():
            if f"{observed.INVOKE}:{schedule.function}" not in observed.calls(*runs).get("scheduler", ()):
                self.stack.trigger(name)
        self._comes(lambda: not observed.matched(*runs).problems)
        return observed.matched(*runs)

    def _pass(self, span: timedelta) -> None:
        self.stack.advance(span.total_seconds())

    def _schedule(self, name: str) -> Iterator[str]:
        told = self.stack.trigger(name)
        if told["status"] != 200:
            yield f"{name} answered {told['status']}: {told.get('body')}"

    def _comes(self, holds: Callable[[], object]) -> bool:
        """Whether something comes to hold while there is patience."""
        deadline = time.monotonic() + _PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def _exists(self, *path: str) -> bool:
        return bool(self.firestore.document(*path).get().exists)

    def _disconnect(self, person: Person, channel: str) -> None:
        app = self.stack.url("gateway")
        headers = {"Authorization": f"Bearer {self.stack.user_token(person.user)}", "Origin": app}
        loopback.http().post(
            f"{app}/auth/youtube/disconnect", json={"channel_id": channel}, headers=headers
        ).raise_for_status()

    def _rows(self, channels: Sequence[str]) -> Mapping[str, int]:
        """How many rows each table has of some channels; those alone that have any."""
        some = ", ".join(f"'{each}'" for each in channels)
        tables = [each.name for each in TABLES if each.of_connection]
        counts = " UNION ALL ".join(
            f"SELECT '{name}', COUNT(*) FROM `{self.warehouse.project}.{self.dataset}.{name}` "
            f"WHERE channel_id IN ({some})"
            for name in tables
        )
        return {name: rows for name, rows in self.warehouse.query(counts).result() if rows}
