"""Answers before work, from both that decide: the ledger and the rate limits."""

from __future__ import annotations

from collections.abc import Sequence

from shared.budget.ledger import Ledger
from shared.budget.limiter import RateLimiter
from shared.budget.quotes import Quote, Work


def answer(ledger: Ledger, limiter: RateLimiter, plan: Sequence[Work], *, project: str) -> Quote:
    """What a plan would cost, how much of it can run now, and when and why the rest. Reserves nothing."""
    asked = {(method, work.account) for work in plan for method in work.calls}
    return ledger.quote(plan, limiter.lanes(asked, project=project))
