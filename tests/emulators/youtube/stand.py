"""Our side of YouTube against the simulator and the Firestore emulator: real ledger, real limiter, one clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.endpoints import undeclared
from infra.local.simulator.faults import parse
from infra.local.simulator.grants import Client, Grant, Issue
from infra.local.simulator.serve import serving
from infra.local.simulator.state import Plan, Simulator
from shared.clock import Clock
from shared.monitoring.alerts import ProcessAlerts
from shared.monitoring.calls import Call
from shared.quota.ledger import Ledger
from shared.quota.profile import load
from shared.quota.quotes import Quote, Work
from shared.rate_limits.limiter import RateLimiter
from shared.rate_limits.limits import RateLimit
from shared.settings import Settings
from shared.youtube.client import Caller, Context

REDIRECT_URI = "https://app.example.test/auth/youtube/callback"
CLIENT = Client(
    client_id="client-1.apps.googleusercontent.com",
    client_secret="client-secret-1",
    redirect_uris=(REDIRECT_URI,),
)
NOON = datetime(2026, 7, 8, 19, tzinfo=UTC)
"""Noon on the Pacific: far from the day's end, which a test that moves the clock by hours would cross."""
SCOPES = ("youtube", "yt-analytics.readonly", "yt-analytics-monetary.readonly")


def issue(simulator: Simulator, user: str, place: int, scopes: tuple[str, ...] = SCOPES) -> Issue:
    """Tokens for a channel as if its owner had consented."""
    account = simulator.world.account(user)
    assert account is not None
    grant = Grant(
        client_id=CLIENT.client_id,
        account=account,
        channel_id=account.channels[place].id,
        scopes=frozenset(f"https://www.googleapis.com/auth/{scope}" for scope in scopes),
    )
    code = simulator.grants.issue_code(
        grant, redirect_uri=REDIRECT_URI, challenge=None, plain=False, offline=True, nonce=None, lifetime=None
    )
    return simulator.grants.exchange(code, client=CLIENT, redirect_uri=REDIRECT_URI, verifier=None)


@dataclass
class Tokens:
    """A channel's access token, renewed at Google's when it is refused."""

    simulator: Simulator
    held: Issue
    renewals: int = 0

    def __call__(self, refused: str | None) -> str:
        if refused is None:
            return self.held.access_token
        assert refused == self.held.access_token
        assert self.held.refresh_token is not None
        fresh = self.simulator.grants.refresh(self.held.refresh_token, client=CLIENT)
        self.held = replace(fresh, refresh_token=self.held.refresh_token)
        self.renewals += 1
        return self.held.access_token


@dataclass
class Stand:
    """One channel's caller, and everything that it touches."""

    simulator: Simulator
    firestore: Any
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = settings_for(self.simulator.root)
        profile = load("current")
        self.ledger = Ledger(self.firestore, profile, self.clock)
        self.limiter = RateLimiter(self.firestore, profile.rate_limits, self.clock, profile.free_methods)
        self.apis = ProcessAlerts(self.firestore, self.clock)

    def quote(self, plan: Sequence[Work], promised: Sequence[Work]) -> Quote:
        return self.ledger.quote(plan, promised, limits=self.limiter.dry_run_logs)

    def limiter_of(self, *limits: RateLimit) -> RateLimiter:
        return RateLimiter(self.firestore, limits, self.clock)

    @property
    def clock(self) -> Clock:
        return self.simulator.clock

    def channel(self, user: int = 1, place: int = 0) -> Any:
        account = self.simulator.world.account(f"user-{user:03}@example.test")
        assert account is not None
        return account.channels[place]

    def caller(self, user: int = 1, place: int = 0, *, scopes: tuple[str, ...] = SCOPES, **context: Any) -> Caller:
        name = f"user-{user:03}@example.test"
        channel = self.channel(user, place)
        return Caller(
            settings=self.settings,
            quota=self.ledger,
            limiter=self.limiter,
            tokens=Tokens(self.simulator, issue(self.simulator, name, place, scopes)),
            context=Context(account=name, channel_id=channel.id, **context),
            apis=self.apis,
            clock=self.clock,
            calls=self.calls.append,
        )

    def inject(self, **spec: Any) -> None:
        self.simulator.faults.add(parse(spec))

    def advance(self, **delta: float) -> None:
        self.simulator.timepiece.advance(timedelta(**delta).total_seconds())

    def ours(self) -> dict[str, int]:
        """Units that we count as spent today, by bucket."""
        return {name: used["used"] + used["reserved"] for name, used in self.ledger.usage().items()}

    def googles(self) -> dict[str, int]:
        return {name: self.simulator.quota.used(name) for name in self.ours()}


def settings_for(root: str) -> Settings:
    return Settings(
        project="test",
        app_url="https://app.example.test",
        api_url="https://api.example.test",
        id_token_issuer="https://app.example.test",
        id_token_audience="app",
        id_token_keys_url="https://app.example.test/keys",
        youtube_root=root,
        analytics_root=root,
        reporting_root=root,
    )


@contextmanager
def standing(firestore: Any, **plan: Any) -> Iterator[Stand]:
    chosen = {"users": 2, "channels_per_user": 2, "clients": (CLIENT,), "starts_at": NOON, **plan}
    with serving(Plan(root="", **chosen)) as simulator:
        yield Stand(simulator, firestore)
        assert simulator.journal.mistakes == []
        of_youtube = [each for each in simulator.journal.entries() if each["method"].startswith("youtube")]
        assert undeclared((each["method"], each["part"]) for each in of_youtube) == []
