"""Builds the quota ledger and the rate limiter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

from shared.clock import system_clock
from shared.cloud.firestore import client
from shared.quota.ledger import Ledger
from shared.quota.profile import Profile, adjusted, load
from shared.quota.quotes import Quote, Work
from shared.rate_limits.limiter import RateLimiter
from shared.settings import settings


@cache
def profile() -> Profile:
    """This deployment's profile, with the figures that its settings change."""
    chosen = settings()
    return adjusted(load(chosen.quota_profile), limits=chosen.quota_limits, rates=chosen.rate_limits)


@cache
def ledger() -> Ledger:
    return Ledger(client(), profile(), system_clock, users_max=settings().users_max)


@cache
def rate_limiter() -> RateLimiter:
    return RateLimiter(client(), profile().rate_limits, system_clock, profile().free_methods)


def quotes() -> Callable[[Sequence[Work], Sequence[Work]], Quote]:
    """What answers for a plan, after what was promised: costs, how much can run now, and when and why the rest."""
    return partial(ledger().quote, limits=rate_limiter().dry_run_logs)
