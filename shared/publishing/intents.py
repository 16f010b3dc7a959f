"""A plan: what an app means to do, before there are files and titles. Asked and answered in JSON; changes nothing.

{"action": "plan", "work": [{"channel_id": "UC...", "do": ["upload", "thumbnail"], "times": 12}]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared import ids
from shared.clock import to_the_second
from shared.fields import Fields
from shared.publishing import plan
from shared.publishing.requests import KINDS
from shared.quota.quotes import MOST_WORK_ITEMS
from shared.quota.quotes import Quote as Estimate

MOST_INTENTS = 50

STEPS: Mapping[str, tuple[str, ...]] = {
    "upload": (plan.TRANSFER, plan.PROCESSING),
    **{kind: (kind,) for kind in KINDS if kind not in {"upload", "release"}},
}
"""The steps of each kind of operation; a release is planned by its parts."""


@dataclass(frozen=True, kw_only=True)
class Intent:
    """`times` equal operations for one channel. do, critical: in the words of a submission."""

    channel_id: str
    do: tuple[str, ...]
    times: int = 1
    critical: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(step for word in self.do for step in STEPS[word])


def intents(raw: object) -> tuple[Intent, ...]:
    """The plan in a JSON body. Raises InvalidRequest naming the field that is wrong."""
    top = Fields(raw, "action", "work")
    items = top.items("work")
    if not 1 <= len(items) <= MOST_INTENTS:
        raise top.wrong("work", f"must have 1 to {MOST_INTENTS} items")
    found = tuple(_intent(item, f"work.{number}.") for number, item in enumerate(items))
    if sum(intent.times for intent in found) > MOST_WORK_ITEMS:
        raise top.wrong("work", f"must come to at most {MOST_WORK_ITEMS} operations")
    return found


def _intent(item: object, path: str) -> Intent:
    fields = Fields(item, "channel_id", "do", "times", "critical", path=path)
    words = fields.items("do")
    if not words or any(not isinstance(word, str) or word not in STEPS for word in words):
        raise fields.wrong("do", f"must list some of {', '.join(STEPS)}")
    if len(set(words)) < len(words):
        raise fields.wrong("do", "must list each thing once")
    return Intent(
        channel_id=fields.id("channel_id", ids.CHANNEL),
        do=tuple(words),
        times=fields.whole("times", most=MOST_WORK_ITEMS) if fields.has("times") else 1,
        critical=fields.flag("critical", default=False),
    )


def planned(asked: Sequence[Intent], estimate: Estimate) -> dict[str, Any]:
    """The answer: costs and units left by bucket, how many can run now; for each item when and why the rest."""
    return {
        "cost": dict(estimate.costs),
        "left": dict(estimate.left),
        "now": estimate.now,
        "message": estimate.message,
        "work": [
            {
                "channel_id": intent.channel_id,
                "do": list(intent.do),
                "times": intent.times,
                "cost": dict(part.costs),
                "now": part.now,
                "later": [
                    {
                        "times": later.times,
                        "runs_at": to_the_second(later.at),
                        "bucket": later.bucket,
                        "reason": later.reason,
                        "why_not_now": later.why,
                    }
                    for later in part.later
                ],
            }
            for intent, part in zip(asked, estimate.parts, strict=True)
        ],
    }
