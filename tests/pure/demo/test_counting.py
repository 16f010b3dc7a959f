"""Counts held against the truth: what was said at the moment of reading, and nothing else, is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from infra.local.demo.counting import At, Counting, hold

READ = datetime(2026, 11, 9, 12, tzinfo=UTC)


def truth(_channel: str, at: datetime) -> At:
    """A hundred views an hour, and likes that nobody is told."""
    gained = int((at - READ) / timedelta(hours=1) * 100)
    return {"v1": {"views": 1_000 + gained, "likes": None, "comments": 7}}


def held(views: int, likes: int | None = None, *, rows: int = 1) -> Counting:
    row = {"channel_id": "UC1", "video_id": "v1", "as_of": READ, "views": views, "likes": likes, "comments": 7}
    counting = Counting(rows=rows)
    hold([row], truth, counting, READ + timedelta(hours=1))
    return counting


def test_a_count_is_right_if_youtube_said_it_when_it_was_read_and_its_lag_is_told():
    assert held(1_000) == Counting(rows=1, compared=3, nulls=1, behind=100.0)
    assert held(1_100).problems == ["UC1 v1 views at 12:00:00 is 1100 instead of 1000"]
    assert held(1_000, likes=0).problems == ["UC1 v1 likes at 12:00:00 is 0 instead of None"]
    assert held(1_000, rows=2).problems == ["1 rows of counts are stored, 2 were read"]
