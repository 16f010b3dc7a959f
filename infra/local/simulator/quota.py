"""Google's own count of quota: per bucket, per project, on the Pacific day.

Buckets and costs are a table. YouTube documents that every request costs at least one unit, an invalid one too.
How much a refused one costs it does not say, so the dearest reading is simulated: whoever has ever been given its
token, a request costs its whole price, whatever came of it. Our ledger charges the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from infra.local.simulator.errors import GoogleError
from shared.clock import Clock, pacific_day

DEFAULT, SEARCH, UPLOADS, BATCH_GET_STATS = "default", "search", "uploads", "batchGetStats"
REPORTING, ANALYTICS = "reporting", "analytics"
BUCKETS = (DEFAULT, SEARCH, UPLOADS, BATCH_GET_STATS, REPORTING, ANALYTICS)

OWN_BUCKETS: Mapping[str, str] = {
    "youtube.videos.insert": UPLOADS,
    "youtube.search.list": SEARCH,
    "youtube.videos.batchGetStats": BATCH_GET_STATS,
}
COSTS: Mapping[str, int] = {
    "youtube.captions.list": 50,
    "youtube.captions.insert": 400,
    "youtube.captions.update": 450,
    "youtube.captions.delete": 50,
    "youtube.captions.download": 200,
}
READ_COST, WRITE_COST = 1, 50


def bucket_of(method: str) -> str:
    """The bucket that a method (by its discovery id) is charged to."""
    if method.startswith("youtubereporting."):
        return REPORTING
    if method.startswith("youtubeAnalytics."):
        return ANALYTICS
    return OWN_BUCKETS.get(method, DEFAULT)


def cost_of(method: str, verb: str) -> int:
    """What one call of a method costs in its bucket."""
    if bucket_of(method) != DEFAULT:
        return 1
    return COSTS.get(method, READ_COST if verb == "GET" else WRITE_COST)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Units per Pacific day and bucket; None means no limit. reporting_per_minute: calls in 60 s, or None.

    The Analytics API's own figure is not published, so nothing is enforced unless somebody sets it.
    """

    daily: Mapping[str, int | None] = field(
        default_factory=lambda: {
            DEFAULT: 10_000,
            SEARCH: 100,
            UPLOADS: 100,
            BATCH_GET_STATS: 10_000,
            REPORTING: 20_000,
            ANALYTICS: None,
        }
    )
    reporting_per_minute: int | None = None


class QuotaCounter:
    """Counts, and refuses what would go over a limit. The count ends at a day's limit; what is too fast counts."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self.limits = limits
        self._used: dict[tuple[date, str], int] = {}
        self._recent: deque[datetime] = deque()

    def charge(self, method: str, cost: int) -> None:
        """Take `cost` units from the method's bucket of this Pacific day. Raises GoogleError when it is spent."""
        bucket = bucket_of(method)
        now = self._clock()
        key = (pacific_day(now), bucket)
        used, limit = self._used.get(key, 0), self.limits.daily.get(bucket)
        if limit is not None and used + cost > limit:
            raise exhausted(bucket)
        self._used[key] = used + cost
        if bucket == REPORTING:
            self._admit(now)

    def _admit(self, now: datetime) -> None:
        limit = self.limits.reporting_per_minute
        if limit is None:
            return
        while self._recent and not now - timedelta(seconds=60) < self._recent[0] <= now:
            self._recent.popleft()
        if len(self._recent) >= limit:
            raise too_fast(REPORTING)
        self._recent.append(now)

    def used(self, bucket: str, day: date | None = None) -> int:
        """Units charged on a Pacific day, today if none is given."""
        return self._used.get((day or pacific_day(self._clock()), bucket), 0)

    def set_used(self, bucket: str, units: int) -> None:
        """Pretend that so much of today is spent."""
        self._used[pacific_day(self._clock()), bucket] = units

    def report(self) -> dict[str, dict[str, dict[str, int | None]]]:
        """{Pacific day: {bucket: {"used", "limit"}}} for every day with a request, and today."""
        days = sorted({day for day, _ in self._used} | {pacific_day(self._clock())})
        return {
            day.isoformat(): {
                bucket: {"used": self.used(bucket, day), "limit": self.limits.daily.get(bucket)}
                for bucket in BUCKETS
            }
            for day in days
        }


def exhausted(bucket: str) -> GoogleError:
    """Google's words for a bucket that is spent for the day; they differ from bucket to bucket."""
    if bucket == UPLOADS:
        message = (
            "Quota exceeded for quota metric 'Video Uploads' and limit 'Video Uploads per day' "
            "of service 'youtube.googleapis.com' for consumer 'project_number:123456789012'."
        )
        return GoogleError(429, "rateLimitExceeded", message)
    if bucket in {REPORTING, ANALYTICS}:
        service = "youtubereporting" if bucket == REPORTING else "youtubeanalytics"
        metric, limit = "Free requests", "FreeQuotaRequestsPerDayPerProject"
        message = (
            f"Quota exceeded for quota metric '{metric}' and limit '{limit}' "
            f"of service '{service}.googleapis.com' for consumer 'project_number:123456789012'."
        )
        return GoogleError(429, "rateLimitExceeded", message, details=[_quota_detail(service, limit)])
    link = '<a href="/youtube/v3/getting-started#quota">quota</a>'
    message = f"The request cannot be completed because you have exceeded your {link}."
    return GoogleError(403, "quotaExceeded", message, domain="youtube.quota")


def too_fast(bucket: str) -> GoogleError:
    """Google's words for too many requests in a minute: the same reason as a spent day, another message."""
    service = {REPORTING: "youtubereporting", ANALYTICS: "youtubeanalytics"}.get(bucket, "youtube")
    limit = "FreeQuotaRequestsPerMinutePerProject"
    message = (
        f"Quota exceeded for quota metric 'Free requests' and limit '{limit}' "
        f"of service '{service}.googleapis.com' for consumer 'project_number:123456789012'."
    )
    return GoogleError(429, "rateLimitExceeded", message, details=[_quota_detail(service, limit)])


def _quota_detail(service: str, limit: str) -> dict[str, object]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {"service": f"{service}.googleapis.com", "quota_limit": limit},
    }
