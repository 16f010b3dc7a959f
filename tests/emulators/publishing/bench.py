"""The publishing room against the simulator, Firestore, a sealed vault and a store of files.

Time is the simulator's. Tasks wait in a box that keeps Cloud Tasks' promise of names; `run_due` delivers what is
due, and `settle` moves the clock from one task to the next until all is done.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local import object_store
from infra.local.simulator.uploads.sessions import Session, Sessions
from shared.cloud import storage
from shared.publishing import plan
from shared.publishing.address import Allowed
from shared.publishing.attempt import Limits
from shared.publishing.operation import Operation, Operations, State
from shared.publishing.run import Runner
from shared.publishing.sources import Source, source_of
from shared.publishing.submissions import Quote, Submissions
from shared.publishing.tasks import Tasks
from shared.vault.vault import Vault
from shared.youtube.client import Caller, Context
from tests.emulators.youtube.stand import SCOPES, Stand, Tokens, issue, standing

BUCKET = "videos"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


@dataclass
class Keys:
    """A vault key that does not leave the test."""

    key: bytes = field(default_factory=lambda: random.Random(1).randbytes(32))

    def newest(self) -> tuple[int, bytes]:
        return 1, self.key

    def version(self, _number: int) -> bytes:
        return self.key


@dataclass
class Box:
    """Tasks on their way, those of operations and callbacks apart. A name is taken once, as in Cloud Tasks."""

    waiting: dict[str, tuple[datetime | None, Mapping[str, Any]]] = field(default_factory=dict)
    callbacks: dict[str, tuple[datetime | None, Mapping[str, Any]]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    lose: int = 0
    lose_callbacks: bool = False

    def enqueue(
        self, queue: str, name: str, function: str, payload: Mapping[str, Any], when: datetime | None = None
    ) -> bool:
        assert (queue in {"operations", "callbacks"}, function) == (True, "run_operation")
        if name in self.seen or (queue == "callbacks" and self.lose_callbacks):
            return False
        self.seen.add(name)
        if self.lose:
            self.lose -= 1
        else:
            (self.waiting if queue == "operations" else self.callbacks)[name] = (when, payload)
        return True


@dataclass
class Bench:
    """A channel that publishes, and a neighbour: the same owner's other channel."""

    stand: Stand
    folder: Path
    limits: Limits = field(default_factory=lambda: Limits(portion=1024 * 1024))
    box: Box = field(default_factory=Box)
    names: Iterator[int] = field(default_factory=itertools.count)
    sources: dict[str, Source] = field(default_factory=dict)
    tells: bool = False
    allowed: Allowed = field(default_factory=lambda: Allowed((BUCKET,), ("files.example",)))

    def __post_init__(self) -> None:
        self.operations = Operations(self.stand.firestore)
        self.vault = Vault(Keys(), self.stand.clock)
        self.channel_id = self.stand.channel().id
        self.user = "user-001@example.test"
        self.tokens = self._tokens(0)
        self.neighbour_id = self.stand.channel(place=1).id
        self.neighbour_tokens = self._tokens(1)
        self.connect(self.channel_id)
        self.connect(self.neighbour_id)
        self.submissions = Submissions(tasks=self.tasks(), allowed=self.allowed, estimate=self.stand.quote)

    def tasks(self, **changes: Any) -> Tasks:
        made: dict[str, Any] = {"enqueue": self.box.enqueue, "clock": self.stand.clock, "tells": self.tells}
        return Tasks(operations=self.operations, **{**made, **changes})

    def connect(self, channel_id: str) -> None:
        """The channel's record, as a connection leaves it."""
        self.stand.firestore.document("channels", channel_id).set(
            {
                "user_id": self.user,
                "google_account": None,
                "title": "A channel",
                "uploads_playlist": None,
                "state": "connected",
                "state_reason": "",
                "state_since": self.stand.clock(),
                "capabilities": {each: {"have": True, "reason": "granted"} for each in ("publish", "captions")},
                "connected_at": self.stand.clock(),
            }
        )

    def _tokens(self, place: int) -> Tokens:
        scopes = (*SCOPES, "youtube.force-ssl")
        return Tokens(self.stand.simulator, issue(self.stand.simulator, self.user, place, scopes))

    def runner(self, **changes: Any) -> Runner:
        made: dict[str, Any] = {
            "tasks": self.tasks(),
            "caller_for": self._caller,
            "vault": self.vault,
            "source_of": self._source,
            "rng": random.Random(next(self.names)),
            "limits": self.limits,
            "sleep": lambda seconds: self.stand.advance(seconds=seconds),
        }
        return Runner(**{**made, **changes})

    def _caller(self, operation: Operation) -> Caller:
        return Caller(
            settings=self.stand.settings,
            quota=self.stand.ledger,
            limiter=self.stand.limiter,
            tokens=self.neighbour_tokens if operation.channel_id == self.neighbour_id else self.tokens,
            context=Context(
                account=operation.user_id,
                channel_id=operation.channel_id,
                operation_id=operation.id,
                priority=plan.priority(critical=operation.critical),
            ),
            apis=self.stand.apis,
            clock=self.stand.clock,
            calls=self.stand.calls.append,
        )

    def _source(self, named: Mapping[str, Any], field_name: str) -> Source:
        return self.sources[named["url"]] if "url" in named else source_of(self.allowed, named, field_name)

    # --- asking -------------------------------------------------------------------------------------------------

    def video(self, name: str = "video.mp4", size: int = 3_000_000, seed: int = 1) -> bytes:
        """A file in the store that looks like a video."""
        content = MP4 + random.Random(seed).randbytes(size - len(MP4))
        return self.put(name, content)

    def put(self, name: str, content: bytes) -> bytes:
        path = self.folder / BUCKET / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    def upload(self, name: str = "video.mp4", **fields: Any) -> dict[str, Any]:
        source = {"bucket": BUCKET, "object": name}
        return {"source": source, "title": f"Title of {name}", "made_for_kids": False, **fields}

    def submit(self, key: str | None = None, **work: Any) -> tuple[Operation, Quote]:
        body = {
            "idempotency_key": key or f"key-{next(self.names)}",
            "channel_id": self.channel_id,
            **work,
        }
        return self.submissions.submit(body)

    # --- running ------------------------------------------------------------------------------------------------

    def run_due(self) -> int:
        """Deliver every task that is due; how many."""
        now = self.stand.clock()
        due = [name for name, (when, _) in self.box.waiting.items() if when is None or when <= now]
        for name in due:
            _, payload = self.box.waiting.pop(name)
            self.runner().run(payload["operation"], payload["attempt"])
        return len(due)

    def settle(self, operation: Operation, *, within: timedelta = timedelta(days=3)) -> Operation:
        """Let time pass until an operation has ended."""
        end = self.stand.clock() + within
        for _ in range(200):
            if (found := self.get(operation)).ended or self.stand.clock() > end:
                break
            if not self.run_due():
                moments = [when for when, _ in self.box.waiting.values() if when is not None]
                assert moments, f"nothing waits, and the operation is {found.state}: {found.reason}"
                self.stand.simulator.timepiece.set(min(moments) + timedelta(seconds=1))
        return self.get(operation)

    def get(self, operation: Operation) -> Operation:
        return self.operations.get(operation.id).operation

    # --- what YouTube has ---------------------------------------------------------------------------------------

    def sessions(self) -> list[Session]:
        return self.stand.simulator.room(Sessions).everything()

    def videos(self) -> list[Any]:
        """Videos that came by upload."""
        complete = [one for one in self.sessions() if one.state == "complete"]
        return [one for one in complete if one.method == "youtube.videos.insert"]


@contextmanager
def benched(firestore: Any, folder: Path, monkeypatch: Any, **plan: Any) -> Iterator[Bench]:
    (folder / BUCKET).mkdir(parents=True, exist_ok=True)
    with object_store.serving(folder) as address, standing(firestore, **plan) as stand:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test")
        for name in ("YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER", "YT_ID_TOKEN_KEYS_URL"):
            monkeypatch.setenv(name, "https://app.example.test")
        monkeypatch.setenv("YT_ID_TOKEN_AUDIENCE", "app")
        storage.session.cache_clear()
        yield Bench(stand, folder)
        storage.session.cache_clear()


__all__ = ["MP4", "PNG", "Bench", "State", "benched"]
