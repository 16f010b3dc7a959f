"""One upload in a process of its own: by our publishing room, or by the barest client that can do it.

`python -m infra.bench.uploading ours|bare STORE SIMULATOR TOKEN CHANNEL` prints seconds, idle_mib and peak_mib.
Both read the object from the same store and send it to the same simulator.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

BUCKET, NAME = "bench", "video.mp4"
PORTION = 32 * 1024 * 1024
_PIECE = 256 * 1024
ENVIRONMENT = {
    "GOOGLE_CLOUD_PROJECT": "bench",
    "YT_APP_URL": "https://app.example.test",
    "YT_API_URL": "https://api.example.test",
    "YT_ID_TOKEN_ISSUER": "https://app.example.test",
    "YT_ID_TOKEN_KEYS_URL": "https://app.example.test/keys",
    "YT_ID_TOKEN_AUDIENCE": "app",
}


@dataclass(frozen=True)
class _Token:
    """An access token that outlives the measurement."""

    value: str

    def __call__(self, refused: str | None) -> str:
        assert refused is None
        return self.value


class _Keys:
    """A vault key for one measurement."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def newest(self) -> tuple[int, bytes]:
        return 1, self._key

    def version(self, _number: int) -> bytes:
        return self._key


def memory(field: str) -> float:
    """VmRSS or VmHWM of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def ours(store: str, simulator: str, token: str, channel: str) -> tuple[float, float]:
    """Seconds of the transfer by our own code, and the memory before it began."""
    os.environ.update({**ENVIRONMENT, "STORAGE_EMULATOR_HOST": store, "YT_YOUTUBE_ROOT": simulator})
    from google.cloud import firestore  # after the environment is set

    from shared.clock import system_clock
    from shared.cloud import storage
    from shared.monitoring.alerts import ProcessAlerts
    from shared.publishing.address import Allowed
    from shared.publishing.operation import Operation, Operations, State
    from shared.publishing.run import Runner
    from shared.publishing.sources import source_of
    from shared.publishing.tasks import Tasks
    from shared.quota.ledger import Ledger
    from shared.quota.profile import load
    from shared.rate_limits.limiter import RateLimiter
    from shared.settings import settings
    from shared.vault.vault import Vault
    from shared.youtube import services
    from shared.youtube.client import Caller, Context

    client = firestore.Client(project=f"bench-{os.getpid()}")
    profile, now = load("current"), system_clock()
    ledger, limiter = Ledger(client, profile, system_clock), RateLimiter(client, (), system_clock)
    snippet = {"title": f"Bench {os.getpid()}", "description": "", "categoryId": "22"}
    status = {"privacyStatus": "private", "selfDeclaredMadeForKids": False}
    operation = Operation(
        id=f"op-{os.getpid()}",
        fingerprint="",
        channel_id=channel,
        user_id="bench",
        kind="upload",
        work={
            "source": {"bucket": BUCKET, "object": NAME},
            "parts": {"snippet": snippet, "status": status},
            "notify_subscribers": False,
        },
        steps=("transfer",),
        state=State.QUEUED,
        created_at=now,
        updated_at=now,
        due_at=now,
    )

    def caller_for(operation: Operation) -> Caller:
        context = Context(account="bench", channel_id=channel, operation_id=operation.id)
        return Caller(
            settings=settings(),
            quota=ledger,
            limiter=limiter,
            tokens=_Token(token),
            context=context,
            apis=ProcessAlerts(client, system_clock),
            calls=lambda _call: None,
        )

    runner = Runner(
        tasks=Tasks(operations=Operations(client), enqueue=lambda *_arguments: True, clock=system_clock),
        caller_for=caller_for,
        vault=Vault(_Keys(), system_clock),
        rng=random.Random(1),  # noqa: S311
        source_of=partial(source_of, Allowed((BUCKET,))),
    )
    runner.tasks.operations.create(operation)
    services.request(settings(), "youtube.videos.list", part="id")
    storage.session()
    idle = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    started = time.monotonic()
    after = runner.run(operation.id, 1)
    assert after.state is State.SUCCEEDED, after
    return time.monotonic() - started, idle


def bare(store: str, simulator: str, token: str, _channel: str) -> tuple[float, float]:
    """Seconds of the same by nothing but http.client: no record, no budget, no seal, no second try."""
    idle = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    started = time.monotonic()
    source = http.client.HTTPConnection(urlsplit(store).netloc)
    source.request("GET", f"/download/storage/v1/b/{BUCKET}/o/{NAME}?alt=media")
    coming = source.getresponse()
    size = int(coming.headers["content-length"])
    target = http.client.HTTPConnection(urlsplit(simulator).netloc, blocksize=_PIECE)
    target.request(
        "POST",
        "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status",
        json.dumps({"snippet": {"title": "Bare"}, "status": {"privacyStatus": "private"}}),
        {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "X-Upload-Content-Length": str(size),
            "X-Upload-Content-Type": "video/mp4",
        },
    )
    begun = target.getresponse()
    begun.read()
    address = urlsplit(begun.headers["location"])

    def portion(length: int) -> Iterator[bytes]:
        while length:
            piece = coming.read(min(_PIECE, length))
            length -= len(piece)
            yield piece

    for first in range(0, size, PORTION):
        last = min(first + PORTION, size) - 1
        headers = {
            "Content-Range": f"bytes {first}-{last}/{size}",
            "Content-Length": str(last - first + 1),
        }
        target.request("PUT", f"{address.path}?{address.query}", portion(last - first + 1), headers)
        answer = target.getresponse()
        answer.read()
    assert answer.status == 200, answer.status
    return time.monotonic() - started, idle


if __name__ == "__main__":
    seconds, idle_mib = {"ours": ours, "bare": bare}[sys.argv[1]](*sys.argv[2:6])
    print(json.dumps({"seconds": seconds, "idle_mib": idle_mib, "peak_mib": memory("VmHWM")}))
