"""The hub itself: it verifies subscribers, delivers feeds, tries again, and can be told to misbehave.

All waiting is by the simulator's clock: `tick` sends whatever is due, so moving the clock by an hour runs an hour
of retries. Only loopback addresses are ever called.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from infra.local.simulator.hub import feeds
from infra.local.simulator.hub.delivery import AGENT, Delivery, Signing
from infra.local.simulator.hub.subscriptions import Subscriptions, Wish

if TYPE_CHECKING:
    import httpx

    from infra.local.simulator.state import Simulator

Mode = Literal["normal", "unavailable", "restricted topic", "silent", "dead", "moved"]
MODES: tuple[Mode, ...] = get_args(Mode)
MOVED_TO = "/moved/subscribe"
"""Where this hub takes requests too, also while it is `moved`."""
KEPT = 10_000
VERIFY_AGAIN = (60, 300, 1800)
"""Seconds of the clock after which a callback that did not answer, or answered 5xx, is asked once more."""

PATIENCE = 15.0
"""Seconds that a callback has to answer."""


class Hub:
    """The WebSub hub's state. One a simulator: `simulator.room(Hub)`.

    mode: `unavailable` answers requests with 503 and goes on delivering, `restricted topic` refuses every topic,
    `silent` accepts everything and delivers nothing, `dead` refuses and delivers nothing, `moved` sends requests
    on to `location` with 308. signing: how deliveries are signed from now on.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.clock = simulator.clock
        self._faults = simulator.faults
        self.random: random.Random = simulator.derived("hub")
        self.subscriptions = Subscriptions()
        self.mode: Mode = "normal"
        self.location = MOVED_TO
        self.signing: Signing = "sha1"
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self.verifications: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._waiting: dict[int, Delivery] = {}
        self._unverified: list[tuple[datetime, Wish, int]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._number = 0
        self._client: httpx.AsyncClient | None = None
        simulator.on_tick.append(self.tick)

    def verify_later(self, wish: Wish, attempt: int = 0) -> None:
        """Verify beside the request that asked for it, and again later while the callback is in trouble."""

        async def ask() -> None:
            await self.verify(wish)
            answer = self.verifications[-1]["answer"]
            if (answer == 0 or answer >= 500) and attempt < len(VERIFY_AGAIN):
                due = self.clock() + timedelta(seconds=VERIFY_AGAIN[attempt])
                self._unverified.append((due, wish, attempt + 1))

        self.background(ask())

    async def verify(self, wish: Wish) -> bool:
        """Ask the callback whether the wish is its own; make it true if so."""
        challenge = str(self.random.getrandbits(63))
        query = {"hub.topic": wish.topic, "hub.challenge": challenge, "hub.mode": wish.mode}
        if wish.mode == "subscribe":
            query["hub.lease_seconds"] = str(wish.lease_seconds)
        if wish.verify_token is not None:
            query["hub.verify_token"] = wish.verify_token
        status, body = await self._call("GET", with_query(wish.callback, query))
        confirmed = 200 <= status < 300 and body == challenge.encode()
        self.verifications.append(
            {
                "mode": wish.mode,
                "topic": wish.topic,
                "callback": wish.callback,
                "lease_seconds": wish.lease_seconds,
                "answer": status,
                "confirmed": confirmed,
                "at": self.clock().isoformat(),
            }
        )
        if confirmed:
            self.subscriptions.accept(wish, self.clock())
        return confirmed

    async def deny(self, topic: str, callback: str, reason: str) -> int:
        """End a subscription from the hub's side and say so (`hub.mode=denied`). Returns the callback's status."""
        self.subscriptions.drop(topic, callback)
        query = {"hub.mode": "denied", "hub.topic": topic, "hub.reason": reason}
        status, _ = await self._call("GET", with_query(callback, query))
        return status

    def video_changed(self, entry: feeds.Entry) -> list[Delivery]:
        """Tell everybody about a new video, a new title or a new description."""
        body = feeds.notification(entry)
        return self.send(entry.channel_id, entry.video_id, "notification", body)

    def video_gone(self, deletion: feeds.Deletion) -> list[Delivery]:
        """Tell everybody about a video that was deleted or made private."""
        return self.send(deletion.channel_id, deletion.video_id, "deletion", feeds.tombstone(deletion))

    def send(
        self,
        channel_id: str,
        video_id: str,
        kind: Literal["notification", "deletion", "other"],
        body: bytes,
        signing: Signing | None = None,
    ) -> list[Delivery]:
        """Deliver a body to every subscriber of a channel whose lease runs; the first attempt starts at once."""
        now = self.clock()
        made = [
            Delivery(
                number=self._next(),
                channel_id=channel_id,
                video_id=video_id,
                kind=kind,
                subscription=one,
                body=body,
                due=now,
                signing=signing or self.signing,
            )
            for one in self.subscriptions.of_channel(channel_id, now)
        ]
        self._queue(made)
        return made

    def repeat(self, number: int, signing: Signing | None = None) -> Delivery:
        """Deliver once more what a delivery held. Raises ValueError if there is no such delivery."""
        known = next((one for one in self.deliveries if one.number == number), None)
        if known is None:
            raise ValueError(f"there is no delivery {number}")
        again = replace(
            known,
            number=self._next(),
            due=self.clock(),
            signing=signing or self.signing,
            outcome="pending",
            answers=[],
            sending=False,
        )
        self._queue([again])
        return again

    def tick(self) -> None:
        """Start every attempt that is due; asked outside of the server's loop, its next tick does."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        now = self.clock()
        ripe = [one for one in self._unverified if one[0] <= now]
        self._unverified = [one for one in self._unverified if one[0] > now]
        for _, wish, attempt in ripe:
            self.verify_later(wish, attempt)
        for delivery in list(self._waiting.values()):
            if delivery.due <= now and not delivery.sending:
                delivery.sending = True
                self.background(self._attempt(delivery))

    def background(self, work: Any) -> None:
        """Run a coroutine beside the request that caused it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing is on its way any more; retries that are not due stay."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _queue(self, made: list[Delivery]) -> None:
        """Remember deliveries and start what is due, unless the hub has fallen silent."""
        self.deliveries.extend(made)
        for delivery in made:
            if self.mode in ("silent", "dead"):
                delivery.outcome = "never sent"
            else:
                self._waiting[delivery.number] = delivery
        self.tick()

    async def _attempt(self, delivery: Delivery) -> None:
        what = {"channel_id": delivery.channel_id, "video_id": delivery.video_id, "kind": delivery.kind}
        fault = self._faults.take("hub.deliver", what)
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            fault = None
        status = 0
        if fault is None:  # Any other fault loses the attempt on its way.
            status, _ = await self._call(
                "POST", delivery.subscription.callback, content=delivery.body, headers=delivery.headers()
            )
        delivery.note(status, self.clock())
        delivery.sending = False
        if delivery.outcome == "gone":
            self.subscriptions.drop(delivery.subscription.topic, delivery.subscription.callback)
        if delivery.outcome != "pending":
            self._waiting.pop(delivery.number, None)

    async def _call(self, method: str, url: str, **extra: Any) -> tuple[int, bytes]:
        import httpx  # only a hub that delivers needs a client

        if self._client is None:
            limits = httpx.Limits(max_connections=20)
            self._client = httpx.AsyncClient(
                timeout=PATIENCE,
                trust_env=False,
                verify=False,  # noqa: S501 - callbacks are on this machine, where nobody is verified
                headers={"User-Agent": AGENT},
                limits=limits,
            )
        try:
            answer = await self._client.request(method, url, **extra)
        except httpx.HTTPError:
            return 0, b""
        return answer.status_code, answer.content


def with_query(url: str, query: dict[str, str]) -> str:
    """The address with more parameters behind those it has."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()])))
