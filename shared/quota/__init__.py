"""Who may spend what of YouTube's quotas, and when: profiles, the ledger, leases, rate limits.

with Lease(ledger(), "youtubereporting.media.download", "system") as budget: ...   # a busy collector
reservation = ledger().reserve(method="youtube.videos.insert", account=user, operation_id=attempt)
rate_limiter().admit(method="youtube.videos.insert", user=user, project=project)
quote([Work(calls={"youtube.videos.insert": 1}, times=12, account=user)]).message   # before any of it is done
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from shared.clock import system_clock
from shared.cloud.firestore import client
from shared.quota.answers import answer
from shared.quota.leases import Lease
from shared.quota.ledger import Ledger, Reservation
from shared.quota.profile import Priority, Profile, adjusted, load
from shared.quota.quotes import Quote, Work
from shared.rate_limits.limiter import RateLimiter
from shared.settings import settings

__all__ = [
    "Lease",
    "Ledger",
    "Priority",
    "Profile",
    "Quote",
    "RateLimiter",
    "Reservation",
    "Work",
    "ledger",
    "profile",
    "quote",
    "rate_limiter",
]


@cache
def profile() -> Profile:
    """This deployment's profile, with the figures that its settings change."""
    chosen = settings()
    return adjusted(load(chosen.quota_profile), limits=chosen.quota_limits, rates=chosen.rate_limits)


@cache
def ledger() -> Ledger:
    """This process's ledger."""
    return Ledger(client(), profile(), system_clock, users_max=settings().users_max)


@cache
def rate_limiter() -> RateLimiter:
    """This process's rate limiter."""
    return RateLimiter(client(), profile().rate_limits, system_clock, profile().free_methods)


def quote(plan: Sequence[Work]) -> Quote:
    """What a plan would cost, how much of it can run now, and when and why the rest. Reserves nothing."""
    return answer(ledger(), rate_limiter(), plan, project=settings().project)
