from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tokens.grants import LEASE, MARGIN, Grant, Lease, Step, decide

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def grant(*, left=3600, lease=None, cooldown=None):
    """A grant whose token has `left` seconds, somebody's lease `lease` seconds and a pause of `cooldown`."""
    return Grant(
        channel_id="UC1",
        user_id="u1",
        google_account=None,
        access_token={},
        refresh_token={},
        access_expires_at=NOW + timedelta(seconds=left),
        refresh_issued_at=NOW,
        refresh_expires_at=None,
        refreshed_at=NOW,
        number=1,
        granted_scopes=frozenset(),
        requested_scopes=frozenset(),
        cooldown_until=None if cooldown is None else NOW + timedelta(seconds=cooldown),
        state_since=NOW,
        next_look=NOW,
        generation=7,
        lease=None if lease is None else Lease("other", 7, NOW + timedelta(seconds=lease)),
        warnings={},
    )


@pytest.mark.parametrize(
    ("found", "refused", "step"),
    [
        (grant(left=3600), False, Step.USE),
        (grant(left=3600), True, Step.TAKE),  # Google refuses it, whatever its printed end
        (grant(left=301), False, Step.USE),
        (grant(left=299), False, Step.TAKE),
        (grant(left=-1), False, Step.TAKE),
        (grant(left=60, lease=20), False, Step.USE),  # nobody waits for a token that is still good
        (grant(left=5, lease=20), False, Step.WAIT),
        (grant(left=3600, lease=20), True, Step.WAIT),
        (grant(left=-1, lease=-1), False, Step.TAKE),  # its holder died
        (grant(left=60, cooldown=20), False, Step.USE),
        (grant(left=-1, cooldown=20), False, Step.COOL_DOWN),
        (grant(left=-1, cooldown=-1), False, Step.TAKE),
    ],
)
def test_what_a_caller_does_with_a_grant(found, refused, step):
    assert decide(found, NOW, margin=MARGIN, refused=refused) is step


@pytest.mark.parametrize("seconds", [0, 15, 29])
def test_a_lease_lasts_longer_than_google_may_take_to_be_reached_and_to_answer(seconds):
    found = grant(left=-1)
    found = replace(found, lease=Lease("other", found.generation + 1, NOW + LEASE))
    assert decide(found, NOW + timedelta(seconds=seconds), margin=MARGIN, refused=False) is Step.WAIT


@given(
    left=st.integers(-4000, 4000),
    lease=st.none() | st.integers(-60, 60),
    cooldown=st.none() | st.integers(-60, 60),
    refused=st.booleans(),
)
def test_a_refused_or_ended_token_is_never_used_and_a_living_lease_never_broken(left, lease, cooldown, refused):
    step = decide(grant(left=left, lease=lease, cooldown=cooldown), NOW, margin=MARGIN, refused=refused)
    if step is Step.USE:
        assert left > 10
        assert not refused
    if step is Step.TAKE:
        assert lease is None or lease <= 0
        assert cooldown is None or cooldown <= 0
