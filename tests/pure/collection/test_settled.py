"""Since when all report types of a channel are listed and loaded, from what each of them says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.collection.jobs import Job
from shared.collection.settled import oldest

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


def job(listed: int | None, synced: int | None) -> Job:
    return Job(
        name="UC1:k", channel_id="UC1", report_type="k", job_id="j", created_at=NOW, since=NOW,
        listed_at=None if listed is None else NOW - listed * HOUR,
        synced_at=None if synced is None else NOW - synced * HOUR,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("jobs", "listed", "synced"),
    [
        ({"basic": job(2, 30), "reach": job(3, 5)}, 3, 30),  # the one that waits longest counts
        ({"basic": job(2, 2), "reach": job(1, None)}, 2, None),  # of one, something could never be read
        ({"basic": job(2, 2), "reach": job(None, None)}, None, None),
        ({"basic": job(2, 2), "reach": None}, None, None),
        ({"basic": job(2, 2), "reach": job(4, 4), "retired": job(90, 90)}, 4, 4),
    ],
)
def test_a_channel_is_as_fresh_as_the_oldest_of_the_types_that_are_collected(jobs, listed, synced):
    expected = tuple(None if hours is None else NOW - hours * HOUR for hours in (listed, synced))
    assert oldest(jobs, ("basic", "reach")) == expected
