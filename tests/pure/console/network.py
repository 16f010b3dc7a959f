"""A network as the console might meet it, built from the production types."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.channels import Capability, Channel
from shared.collection.jobs import Job
from shared.console.loaded import DayTotal, Loaded
from shared.console.overview import Filter, Known, Overview, overview
from shared.publishing.operation import Operation, State
from shared.quota.profile import Profile, load
from shared.quota.usage import Usage
from shared.tokens.health import CONNECTED, REAUTH_REQUIRED, TROUBLED

NOW = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)  # half past noon in California
APP = "https://app.example.test"
PROFILE: Profile = load("current")
EVERYTHING = Filter()
TYPES = ("channel_basic_a3",)
ANALYTICS = Capability(True, "granted")


def channel(channel_id: str = "UC1", **fields: Any) -> Channel:
    defaults = {
        "channel_id": channel_id, "user_id": "user-001", "google_account": None, "title": "A channel",
        "uploads_playlist": None, "state": CONNECTED, "state_reason": "", "state_since": NOW - timedelta(days=9),
        "capabilities": {"analytics": ANALYTICS}, "connected_at": NOW - timedelta(days=9),
        "last_sync": {"channel_basic_a3": NOW - timedelta(hours=6)}, "warnings": {},
    }  # fmt: skip
    return Channel(**{**defaults, **fields})


def usage(bucket: str = "default", **fields: Any) -> Usage:
    found = PROFILE.bucket(bucket)
    used = fields.get("used", 0)
    hours = [0] * 25
    hours[12] = used
    defaults = {
        "title": found.title, "limit": found.limit, "reserve": found.reserve, "alert": found.alert, "used": used,
        "reserved": 0, "left": found.limit - used, "mode": "normal", "closed": None, "by_account": {}, "loans": [],
        "refusals": [], "by_hour": hours,
    }  # fmt: skip
    return Usage(**{**defaults, **fields})


def refusal(**fields: Any) -> dict[str, Any]:
    defaults = {
        "account": "user-001", "method": "youtube.videos.insert", "reason": "bucketSpent", "message": "",
        "needed": 1, "times": 3, "priority": "high", "at": NOW, "retry_at": NOW + timedelta(hours=11, minutes=30),
    }  # fmt: skip
    return {**defaults, **fields}


def loan(**fields: Any) -> dict[str, Any]:
    defaults = {
        "borrower": "user-001", "lender": "user-002", "units": 50, "method": "youtube.thumbnails.set",
        "priority": "high", "at": NOW - timedelta(hours=1),
    }  # fmt: skip
    return {**defaults, **fields}


def operation(number: int = 1, **fields: Any) -> Operation:
    defaults = {
        "id": f"op-{number:024x}", "fingerprint": "f", "channel_id": "UC1", "user_id": "user-001",
        "kind": "upload", "work": {"parts": {"snippet": {"title": "A film"}}}, "steps": ("transfer", "processing"),
        "state": State.WAITING, "created_at": NOW - timedelta(hours=2), "updated_at": NOW - timedelta(hours=1),
        "due_at": NOW + timedelta(hours=3), "reason": "bucketSpent", "message": "Today's uploads are used up.",
    }  # fmt: skip
    return Operation(**{**defaults, **fields})


def failed(number: int = 2, **fields: Any) -> Operation:
    defaults = {"state": State.FAILED, "due_at": None, "reason": "videoNotFound", "message": "The video is gone."}
    return operation(number, **{**defaults, **fields})


def job(channel_id: str = "UC1", **fields: Any) -> Job:
    """A reporting job of nine days, all of whose reports are loaded but for those of the last three days."""
    made = NOW - timedelta(days=9)
    recent = tuple(f"2026-11-{day}" for day in (19, 20, 21))
    defaults = {
        "name": f"{channel_id}:channel_basic_a3", "channel_id": channel_id, "report_type": "channel_basic_a3",
        "job_id": "j", "created_at": made, "since": made, "seen_at": NOW - timedelta(hours=6),
        "whole_at": NOW - timedelta(days=2), "absent": recent,
    }  # fmt: skip
    return Job(**{**defaults, **fields})


def seen(only: Filter = EVERYTHING, **known: Any) -> Overview:
    return overview(
        Known(**known), PROFILE, app_url=APP, now=NOW, report_types=TYPES, metadata_units=2_000, only=only
    )


def large(channels: int = 250) -> Overview:
    """A network of this many channels, with something of everything."""
    first = date(2026, 9, 22)
    days = tuple(
        DayTotal(
            date=first + timedelta(days=n),
            views=900_000 + 31_000 * (n % 7) + 4_000 * n,
            engaged_views=420_000 + 15_000 * (n % 7),
            channels=channels,
        )
        for n in range(60)
    )
    connected = []
    for number in range(channels):
        user = f"user-{number // 5:03d}"
        fields: dict[str, Any] = {"title": f"Channel {number:03d} of {user}", "user_id": user}
        fields["capabilities"] = {
            "analytics": Capability(True, "granted"),
            "revenue": Capability(number % 9 != 4, "unticked" if number % 9 == 4 else "granted"),
            "publish": Capability(False, "notAsked"),
        }
        if number % 40 == 7:
            fields |= {
                "state": REAUTH_REQUIRED,
                "state_reason": "invalidGrant",
                "state_since": NOW - timedelta(days=2),
            }
        elif number % 60 == 11:
            fields |= {"state": TROUBLED, "state_reason": "googleUnavailable"}
        elif number % 70 == 13:
            fields |= {"warnings": {"timeLimited": NOW + timedelta(days=4)}}
        connected.append(channel(f"UC{number:022d}", **fields))
    ids = [found.channel_id for found in connected]
    accounts = {
        f"user-{n:03d}": {"share": 140, "borrowed": 0, "lent": n % 3 * 10, "spent": 90 - n, "left": 40}
        for n in range(50)
    }
    burn = [30, 20, 10, 5, 5, 10, 40, 90, 160, 240, 300, 420, 510, *[0] * 12]
    quota = {
        name: usage(name, used=bucket.limit // 9, by_account=accounts) for name, bucket in PROFILE.buckets.items()
    }
    quota["uploads"] = usage(
        "uploads",
        used=82,
        reserved=3,
        left=15,
        mode="cacheOnly",
        refusals=[refusal(), refusal(reason="shareSpentNobodyToBorrowFrom", account="user-017")],
        loans=[loan(units=1, method="youtube.videos.insert")],
        by_hour=[0, 0, 4, 6, 0, 0, 2, 10, 14, 20, 11, 12, 6, *[0] * 12],
    )
    quota["default"] = usage(
        "default", used=4_310, reserved=50, left=5_640, by_account=accounts, by_hour=burn, loans=[loan()]
    )
    quota["search"] = usage(
        "search",
        used=61,
        left=39,
        mode="exhausted",
        closed={
            "at": NOW - timedelta(hours=2),
            "until": NOW + timedelta(hours=11, minutes=30),
            "reason": "quotaExceeded",
            "used": 61,
            "drift": 39,
        },
    )
    return seen(
        channels=tuple(connected),
        usage=quota,
        loaded=Loaded(
            days=days, channels=dict.fromkeys(ids, (days[-1].date, 60)), reports=channels * 60, rows=1_234_567
        ),
        operations=(
            operation(1, channel_id=ids[0]),
            operation(
                3,
                channel_id=ids[1],
                kind="release",
                state=State.RUNNING,
                message="",
                reason="",
                due_at=NOW,
                work={"upload": {"parts": {"snippet": {"title": "A long title that somebody wrote with care"}}}},
                upload={"size": 1000, "acknowledged": 420},
            ),
            failed(2, channel_id=ids[2]),
            failed(
                4,
                channel_id=ids[3],
                kind="thumbnail",
                steps=("thumbnail",),
                work={"video_id": "dQw4w9WgXcQ"},
                reason="forbidden",
                message="The authenticated user does not have permission to set thumbnails.",
            ),
        ),
        subscriptions={
            each: {
                "state": "active",
                "lease_until": NOW + timedelta(days=-1 if n % 50 == 3 else 3),
                "refused": n % 2,
                "last_notification": NOW - timedelta(minutes=n + 4),
            }
            for n, each in enumerate(ids[:-3])
        },
        problems=(),
    )
