"""Sends what the queues say is due, to this machine only, and tells them what came back.

The queues decide by the wall clock, which may jump by days at any moment; so this loop never sleeps longer than
POLL and asks again. How long a request may take is measured on the monotonic clock, which does not jump.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlsplit

from infra.local.cloud_emulator.exchange import NoAnswer, exchange
from infra.local.cloud_emulator.taskqueue import Answer, Call, Dispatch, TaskQueue
from infra.local.cloud_emulator.tasks import CloudTasks

POLL = 0.05
_TOKEN_USE = 300.0  # seconds for which a signed token is used again, by the wall clock
_log = logging.getLogger(__name__)


class Signer(Protocol):
    """Signs identity tokens as Google does."""

    def token(self, *, email: str, audience: str, now: datetime) -> str:
        """A signed token of a service account for an audience."""


class Dispatcher:
    """The loop between the queues and their targets."""

    def __init__(self, tasks: CloudTasks, signer: Signer, *, now: Callable[[], float]) -> None:
        self.tasks = tasks
        self.signer = signer
        self.now = now
        self._changed = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}
        tasks.on_change = self._changed.set
        tasks.on_force = self._start

    async def run(self) -> None:
        """Dispatch until cancelled; then cancel what is on its way."""
        try:
            while True:
                self._changed.clear()
                for queue in list(self.tasks.queues.values()):
                    while (dispatch := queue.next_dispatch(self.now())) is not None:
                        self._start(queue, dispatch)
                await self._rest()
        finally:
            for sending in list(self._sending):
                sending.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def _rest(self) -> None:
        """Until something changed, or the next task is due, or POLL is over."""
        now = self.now()
        wakes = [at for queue in self.tasks.queues.values() if (at := queue.wake_at(now)) is not None]
        pause = min(max(min(wakes, default=now + POLL) - now, 0.001), POLL)
        try:
            async with asyncio.timeout(pause):
                await self._changed.wait()
        except TimeoutError:
            return

    def _start(self, queue: TaskQueue, dispatch: Dispatch) -> None:
        sending = asyncio.create_task(self._send(queue, dispatch))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _send(self, queue: TaskQueue, dispatch: Dispatch) -> None:
        answer = Answer(status=None, reason="The emulator stopped.")
        try:
            answer = await self._attempt(dispatch)
        except Exception:  # noqa: BLE001 - whatever it is, the attempt failed and the queue must know
            _log.exception("%s could not be sent", dispatch.task.name)
            answer = Answer(status=None, reason="The emulator failed; see its log.")
        finally:
            queue.answered(dispatch, answer, self.now())
            self._changed.set()
        if not answer.success:
            _log.info("%s attempt %d: %s", dispatch.task.name, dispatch.retry_count + 1, answer.reason)

    async def _attempt(self, dispatch: Dispatch) -> Answer:
        call = dispatch.task.call
        if not _loopback(call.url):
            return Answer(status=None, reason="The emulator dispatches to this machine only.")
        try:
            async with asyncio.timeout(dispatch.task.deadline):
                status, headers = await exchange(call.url, call.method, self._headers(dispatch), call.body)
        except TimeoutError:
            return Answer(status=None, reason="No answer within the deadline", late=True)
        except NoAnswer as error:
            return Answer(status=None, reason=f"No answer: {error}")
        return Answer(
            status=status,
            reason=f"HTTP status code {status}",
            retry_after=_retry_after(headers.get("retry-after"), self.now()),
        )

    def _headers(self, dispatch: Dispatch) -> list[tuple[str, str]]:
        call = dispatch.task.call
        own = {
            "User-Agent": "Google-Cloud-Tasks",
            "X-CloudTasks-QueueName": dispatch.task.name.split("/")[5],
            "X-CloudTasks-TaskName": dispatch.task.name.rsplit("/", 1)[1],
            "X-CloudTasks-TaskRetryCount": str(dispatch.retry_count),
            "X-CloudTasks-TaskExecutionCount": str(dispatch.execution_count),
            "X-CloudTasks-TaskETA": f"{dispatch.attempt.scheduled_at:.6f}",
        }
        if dispatch.previous is not None:
            own["X-CloudTasks-TaskRetryReason"] = dispatch.previous.reason
            if dispatch.previous.status is not None:
                own["X-CloudTasks-TaskPreviousResponse"] = str(dispatch.previous.status)
        if call.identity is not None:
            own["Authorization"] = f"Bearer {self._token(call)}"
        taken = {name.lower() for name in own}
        return [*((name, value) for name, value in call.headers if name.lower() not in taken), *own.items()]

    def _token(self, call: Call) -> str:
        assert call.identity is not None
        now = self.now()
        signed_at, token = self._tokens.get(call.identity, (float("-inf"), ""))
        if not 0 <= now - signed_at < _TOKEN_USE:
            email, audience = call.identity
            token = self.signer.token(email=email, audience=audience, now=datetime.fromtimestamp(now, UTC))
            self._tokens[call.identity] = (now, token)
        return token


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _retry_after(header: str | None, now: float) -> float | None:
    """A Retry-After header's seconds or date as seconds from now; None when it says neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - now, 0.0)
    except ValueError:
        return None
