"""Builds the quota ledger and the rate limiter."""

from __future__ import annotations

from functools import cache

from shared.clock import system_clock
from shared.cloud.firestore import client
from shared.quota.ledger import Ledger
from shared.quota.profile import Profile, adjusted, load
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
