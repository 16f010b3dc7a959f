"""Answers before work, from both that decide: the ledger and the rate limits."""

from __future__ import annotations

from collections.abc import Sequence

from shared.quota.ledger import Ledger
from shared.quota.quotes import Quote, Work
from shared.rate_limits.limiter import RateLimiter


def answer(
    ledger: Ledger, limiter: RateLimiter, plan: Sequence[Work], promised: Sequence[Work] = (), *, project: str
) -> Quote:
    """What a plan would cost, how much of it can run now, and when and why the rest, after what was promised.

    Reserves nothing.
    """
    asked = {(method, work.account) for work in (*promised, *plan) for method in work.calls}
    return ledger.quote(plan, limiter.dry_run_logs(asked, project=project), promised=promised)
