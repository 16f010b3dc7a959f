"""Since when all report types of a channel are listed and loaded, from what each of them says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest

from shared.collection.packs import Times, oldest

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)


def ago(*hours: int | None) -> Times:
    listed, synced = (None if each is None else NOW - timedelta(hours=each) for each in hours)
    return listed, synced


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([(2, 30), (3, 5)], (3, 30)),  # the one that waits longest counts
        ([(2, 2), (1, None)], (2, None)),  # of one, something could never be read
        ([(2, 2), (None, None), (9, 9)], (None, None)),
    ],
)
def test_a_channel_is_as_fresh_as_the_oldest_of_its_report_types(types, expected):
    for some in (types, types[::-1]):
        assert reduce(oldest, (ago(*each) for each in some)) == ago(*expected)
