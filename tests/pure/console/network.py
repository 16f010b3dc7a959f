"""A network as the console might meet it, built from the production types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.channels import Capability, Channel
from shared.collection.jobs import Job
from shared.console import connections, operations, push, questions, quota, reports
from shared.console.alarms import watched
from shared.console.connections import ChannelRow
from shared.console.page import Seen, pages
from shared.console.read import Ask, Listed
from shared.monitoring.alerts import Alert
from shared.publishing.operation import Operation, State
from shared.quota.profile import Profile, load
from shared.quota.usage import Usage
from shared.tokens.health import CONNECTED, REAUTH_REQUIRED

NOW = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)  # half past noon in California
APP = "https://app.example.test"
PROFILE: Profile = load("current")
TYPES = ("channel_basic_a3",)
ANALYTICS = Capability(True, "granted")


def channel(channel_id: str = "UC1", **fields: Any) -> Channel:
    defaults = {
        "channel_id": channel_id, "user_id": "user-001", "google_account": None, "title": "A channel",
        "uploads_playlist": None, "state": CONNECTED, "state_reason": "", "state_since": NOW - timedelta(days=9),
        "capabilities": {"analytics": ANALYTICS}, "connected_at": NOW - timedelta(days=9),
        "synced_at": NOW - timedelta(hours=6), "warnings": {},
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


def rows(*channels: Channel, **more: Any) -> list[ChannelRow]:
    """Channels as the pages show them."""
    return connections.rows(channels, app_url=APP, now=NOW, **more)


def page(
    name: str,
    parts: Mapping[str, Any],
    *,
    query: Mapping[str, str] | None = None,
    user: str | None = None,
    problems: Sequence[str] = (),
) -> Seen:
    """A page whose parts were read."""
    ask = Ask(query=query or {}, now=NOW, user=user)
    return Seen(page=pages()[name], ask=ask, parts=parts, problems=problems, heading="", viewer="o@example.test")


def samples(text: str = "Tides", **asked: Any) -> dict[str, Seen]:
    """Every page with something in each of its sections. text: whatever others can write."""
    one = channel("UC" + "a" * 22, title=text, user_id=text)
    lost = channel("UC" + "b" * 22, title=text, state=REAUTH_REQUIRED, state_reason="invalidGrant")
    listed = [row.shown for row in rows(one, lost)]
    hours = [30, 20, 10, 5, 5, 10, 40, 90, 160, 240, 300, 420, 510, *[0] * 12]
    day = usage(
        used=sum(hours), by_hour=hours, loans=[loan(borrower=text)], refusals=[refusal(account=text, reason=text)],
        by_account={text: {"share": 1, "borrowed": 0, "lent": 0, "spent": 0, "left": 1}},
    )  # fmt: skip
    (bucket,) = quota.rows({"default": day}, PROFILE, now=NOW)
    of_bucket = {"burn": 1.5, "at_midnight": 20, "spent_at": NOW, **bucket}
    work = [{**row, "retry": row["id"]} for row in operations.rows([failed(work={"title": text})], {})]
    missed = job(absent=("2026-11-01", *job().absent))
    of_jobs = reports.rows([missed], now=NOW)
    missing = [each for row in of_jobs for each in row["missing"]]
    figures = dict.fromkeys(("channels", "connected", "unwell", "waiting", "failed", "at_risk"), 3)
    days = [
        {"date": (NOW - timedelta(days=n)).date(), "views": 900 + 7 * n, "engaged_views": 400 + n, "channels": 2}
        for n in range(30)
    ]
    of_channel = [
        {**each, "channel_id": "UC1", "subject": each["date"], "impressions": None, "source": text, "as_of": NOW}
        for each in days
    ]
    wrong = {
        "kind": "alert",
        "what": text,
        "why": text,
        "since": NOW,
        "done": text,
        "todo": {"text": text, "code": "run"},
    }
    alert = {
        "message": text,
        "stops": text,
        "severity": "ERROR",
        "since": NOW,
        "done": text,
        "todo": wrong["todo"],
    }
    pushed = {
        **push.row("UC1", {"state": "denied", "last_notification": NOW, "last_delay": 3}, NOW),
        "title": text,
    }
    counts = {"views": 1_234_567, "likes": 5, "comments": None, "as_of": NOW}
    video = {
        "video_id": "v" * 11,
        "channel_id": "UC1",
        "title": text,
        "published_at": NOW,
        "privacy": "public",
        **counts,
    }
    growth = [
        {**counts, "as_of": NOW - timedelta(hours=n), "views_gained": n, "views_per_hour": 1.5} for n in range(9)
    ]
    found = {
        "check": "falls",
        "channel_id": "UC1",
        "title": text,
        "date": NOW.date(),
        "what": text,
        "value": 0.1,
        "expected": 0.9,
    }
    check = {
        "name": "falls",
        "about": text,
        "threshold": 0.9,
        "standing": "Nothing found",
        "tone": "good",
        "since": None,
    }
    asks = [{"title": each.asks, "name": name, "takes": "a day"} for name, each in questions.questions().items()]
    parts: dict[str, dict[str, Any]] = {
        "overview": {
            "wrong": [wrong],
            "figures": figures,
            "loaded": {"reports": 1, "rows": 2},
            "quota": [of_bucket],
            "views": days,
        },
        "channels": {"filter": {"q": text, "state": ""}, "channels": Listed(rows=listed, next="UC1")},
        "channel": {
            "connection": listed[0],
            "coverage": reports.grid([missed], lambda job: {"about": text}, now=NOW),
            "days": of_channel,
            "reports": [{**row, "missing": len(row["missing"]), "report_type": text} for row in of_jobs],
            "missing": [{**each, "report_type": text} for each in missing],
            "certificates": [{"month": "2026-11", "issued_at": NOW, "value": "f" * 64}],
        },
        "coverage": {
            "grid": {
                **reports.grid([missed], lambda job: {"about": text, "channel_id": "UC1"}, now=NOW),
                "report_type": "t",
                "next": "UC1",
            }
        },
        "cell": {
            "number": {
                "value": 3,
                "reason": None,
                "column": "views",
                "subject": text,
                "state": text,
                "source": text,
            },
            "files": [
                {
                    "report_id": text,
                    "load_id": "L",
                    "create_time": NOW,
                    "loaded_at": NOW,
                    "row_count": 1,
                    "checksum": "c",
                }
            ],
            "answers": [{"query": text, "asked_at": NOW}],
            "studio": [{"says": text}],
        },
        "videos": {"filter": {"channel": text}, "videos": Listed(rows=[video], next="50")},
        "video": {"growth": growth},
        "quota": {
            "buckets": [of_bucket],
            "burn": quota.burn_down(bucket, NOW),
            "features": [{"feature": "publishing", "spent": 1_600, "calls": 1, "failed": 0}],
            "refusals": bucket["refusals"],
            "loans": bucket["loans"],
            "accounts": [{"account": name, **of} for name, of in bucket["by_account"].items()],
        },
        "operations": {"failed": Listed(rows=work, next="op"), "waiting": Listed(rows=[])},
        "push": {
            "figures": {
                "alive": 1,
                "pending": 0,
                "lapsed": 1,
                "denied": 0,
                "refused": 2,
                "foreign": 0,
                "delay": None,
            },
            "unwell": [pushed],
            "latest": [pushed],
        },
        "alerts": {
            "open": [alert],
            "watched": watched([Alert(key="leases", since=NOW, message="m")]),
            "ended": [alert],
        },
        "quality": {"checks": [check], "examples": [found]},
        "questions": {"questions": asks},
        "question": {
            "form": {"name": "months", "channel": text},
            "cost": {"bytes": 10, "most": questions.MOST_BYTES},
            "answer": Listed(rows=[{"month": NOW.date(), "what": text, "views": -3}], next="50", total=60),
        },
    }
    return {name: page(name, of, **asked) for name, of in parts.items()}
