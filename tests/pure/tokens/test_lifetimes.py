from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tokens import grants
from shared.tokens.grants import Grant

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)

FRESH = Grant(
    channel_id="UC1",
    user_id="u1",
    google_account="1",
    access_token={},
    refresh_token={},
    access_expires_at=NOW,
    refresh_issued_at=NOW,
    refresh_expires_at=None,
    refreshed_at=NOW,
    number=1,
    granted_scopes=frozenset(),
    requested_scopes=frozenset(),
    state_since=NOW,
    next_look=NOW,
    generation=1,
    lease=None,
    warnings={},
)


def kinds(grant, *, testing=False, account_tokens=1):
    return sorted(grants.warnings(grant, NOW, testing=testing, account_tokens=account_tokens))


@pytest.mark.parametrize(
    ("change", "asked", "told"),
    [
        ({}, {}, []),
        ({}, {"testing": True}, []),
        ({"refresh_issued_at": NOW - 4 * DAY}, {"testing": True}, []),
        ({"refresh_issued_at": NOW - 5 * DAY}, {"testing": True}, ["testing"]),
        ({"refresh_issued_at": NOW - 5 * DAY}, {}, []),
        ({"refresh_expires_at": NOW + 8 * DAY}, {}, []),
        ({"refresh_expires_at": NOW + 7 * DAY}, {}, ["timeLimited"]),
        ({"refreshed_at": NOW - 149 * DAY}, {}, []),
        ({"refreshed_at": NOW - 150 * DAY}, {}, ["unused"]),
        ({}, {"account_tokens": 80}, []),
        ({}, {"account_tokens": 81}, ["crowded"]),
        ({"number": 60}, {"account_tokens": 100}, []),
        ({"number": 60}, {"account_tokens": 140}, ["crowded"]),
        (
            {"refresh_expires_at": NOW + DAY, "refreshed_at": NOW - 179 * DAY},
            {"account_tokens": 100},
            ["crowded", "timeLimited", "unused"],
        ),
    ],
)
def test_each_announced_death_is_told_in_time_and_not_before(change, asked, told):
    assert kinds(replace(FRESH, **change), **asked) == told


def test_a_crowded_account_keeps_the_moment_it_was_noticed():
    noticed = {"crowded": NOW - 3 * DAY}
    found = grants.warnings(replace(FRESH, warnings=noticed), NOW, testing=False, account_tokens=95)
    assert found == noticed


@given(days=st.integers(0, 400), life=st.none() | st.integers(1, 400))
def test_nothing_dies_unwarned(days, life):
    """Looked at daily, a grant is warned of an end at least a day before that end comes."""
    ends = None if life is None else NOW + life * DAY
    grant = replace(FRESH, refresh_expires_at=ends)
    now = NOW + days * DAY
    if ends is not None and timedelta(0) <= ends - now <= DAY:
        assert "timeLimited" in grants.warnings(grant, now, testing=False, account_tokens=1)


def test_the_looks_leave_no_grant_unrefreshed_for_a_day_even_when_google_fails_at_one():
    hourly = timedelta(hours=1)
    assert grants.RECENT + grants.LOOK_EVERY + 2 * hourly < DAY
