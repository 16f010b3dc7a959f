"""The day's quotas in full: used, set aside, left, how fast, who has what, who lent, what was refused and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.clock import PACIFIC, pacific_day, pacific_day_bounds
from shared.console.words import called, words
from shared.quota.accounts import POOL
from shared.quota.decisions import REASONS
from shared.quota.opening import Mode, forecast_of
from shared.quota.profile import Profile
from shared.quota.usage import Usage

CLOSED = "closedByGoogle"
_FREE = "these units are nobody's"
_LENT = "its own share did not suffice"


def rows(usage: Mapping[str, Usage], profile: Profile, *, now: datetime) -> list[dict[str, Any]]:
    """Every bucket's day as `Usage` has it, in the profile's order, with what an operator needs besides.

    standing: its mode in words; effect: what that puts off until `until`, "" when nothing is out of the ordinary.
    Who spent most comes first, and the last loan and refusal; a loan has a `reason` in words, a refusal a `why`.
    """
    return [_row(name, figures, profile, now) for name, figures in usage.items()]


def _row(name: str, usage: Usage, profile: Profile, now: datetime) -> dict[str, Any]:
    day = pacific_day(now)
    spent = usage["used"] + usage["reserved"]
    mode = CLOSED if usage["closed"] else str(usage["mode"])
    accounts = sorted(usage["by_account"].items(), key=lambda of: (-of[1]["spent"], -of[1]["lent"], of[0]))
    standing, effect = _in_words(mode, usage, reads=profile.puts_off(name))
    return {
        **usage,
        "bucket": name,
        "mode": mode,
        "standing": standing,
        "effect": effect,
        "until": usage["closed"]["until"] if usage["closed"] else pacific_day_bounds(day)[1],
        "forecast": forecast_of(profile.bucket(name), spent, usage["by_hour"], day, now),
        "tone": called("tones", mode),
        "by_account": dict(accounts),
        "loans": [
            {**loan, "reason": f"{_FREE if loan['lender'] == POOL else _LENT}; {loan['priority']} priority"}
            for loan in reversed(usage["loans"])
        ],
        "refusals": [
            {**refusal, "why": REASONS.get(refusal["reason"], refusal["message"])}
            for refusal in sorted(usage["refusals"], key=lambda refusal: refusal["at"], reverse=True)
        ],
    }


def _in_words(mode: str, usage: Usage, *, reads: bool) -> tuple[str, str]:
    """A mode's name and what it puts off. reads: whether the bucket pays for reads that can be put off."""
    effect = mode = mode if reads or mode != Mode.CACHE_ONLY else "alerted"
    if mode == Mode.EXHAUSTED and usage["left"] > 0 and usage["reserve"]:
        effect = "reserveOnly"
    told = str(words("effects").get(effect, ""))
    return called("modes", mode), told.format(reserve=min(usage["left"], usage["reserve"]))


def burn_down(row: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """Units left at the beginning of each hour until now, then what is left if the last hours go on, to midnight.

    A day has 24 hours, or 23 or 25 when clocks change.
    """
    begin, end = pacific_day_bounds(pacific_day(now))
    found: list[dict[str, Any]] = []
    hours, left = [begin + timedelta(hours=n) for n in range(26)], row["limit"]
    for start, spent in zip(hours, [*row["by_hour"], 0], strict=False):
        if start > now:
            break
        found.append({"hour": start, "left": left, "forecast": None, "spent": spent})
        left -= spent
    found.append({"hour": now, "left": left, "forecast": left, "spent": None})
    for moment in (*(hour for hour in hours if now < hour < end), end):
        gone = row["forecast"].burn * (moment - now) / timedelta(hours=1)
        found.append({"hour": moment, "left": None, "forecast": max(0, round(left - gone)), "spent": None})
    return [{**each, "hour": each["hour"].astimezone(PACIFIC)} for each in found]
